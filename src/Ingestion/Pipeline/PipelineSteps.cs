using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace RagCluster.Ingestion.Pipeline;

/// <summary>
/// The steps that every document takes on a node, whichever source it comes from: read (waits until it may be received
/// and is durable), then parse, chunk, embed and index, where its entity lives.
/// </summary>
public sealed class PipelineSteps : IDisposable
{
    private static readonly Meter Meter = new("RagCluster.Ingestion.Pipeline");

    /// <summary>Of this process: one, but in tests.</summary>
    private static readonly ConcurrentDictionary<PipelineSteps, bool> Live = new();

    private readonly StepMeter[] _all;

    static PipelineSteps()
    {
        Gauge("ragcluster.ingestion.step.working", "{document}", "Documents in work at a step.", s => s.Working);
        Gauge("ragcluster.ingestion.step.waiting", "{document}", "Documents that wait for a step.", s => s.Waiting);
        Gauge("ragcluster.ingestion.step.busy", "1", "Share of the last ten seconds in which a step had something in work.", s => s.Busy);
        Gauge("ragcluster.ingestion.step.load", "1", "Average work of the last ten seconds as a share of what a step can have in work.", s => s.Load);
        Total("ragcluster.ingestion.step.done", "Documents that a step has done.", s => s.Done);
        Total("ragcluster.ingestion.step.failed", "Documents that failed or were given up at a step.", s => s.Failed);
    }

    /// <param name="concurrency">How many documents are processed at a time.</param>
    /// <param name="receivers">How many are received at a time.</param>
    public PipelineSteps(int concurrency, int receivers, TimeProvider time)
    {
        Receive = new StepMeter("receive", receivers, time);
        Parse = new StepMeter("parse", concurrency, time);
        Chunk = new StepMeter("chunk", concurrency, time);
        Embed = new StepMeter("embed", concurrency, time);
        Index = new StepMeter("index", concurrency, time);
        _all = [Receive, Parse, Chunk, Embed, Index];
        Live.TryAdd(this, true);
    }

    public StepMeter Receive { get; }

    public StepMeter Parse { get; }

    public StepMeter Chunk { get; }

    public StepMeter Embed { get; }

    public StepMeter Index { get; }

    public IReadOnlyList<StepStatus> Describe() => Array.ConvertAll(_all, step => step.Describe());

    /// <summary>
    /// The step that holds the others up; null where nothing is in work. Receiving waits for all others and is the
    /// slowest only where none of them has anything to do.
    /// </summary>
    public static string? Slowest(IReadOnlyList<StepStatus> steps)
    {
        var working = steps.Where(s => s.Load > 0).ToArray();
        return working.Length == 0 ? null : working.OrderByDescending(s => s.Name != "receive").ThenByDescending(s => s.Load).First().Name;
    }

    /// <summary>Is measured no more.</summary>
    public void Dispose() => Live.TryRemove(this, out _);

    private static void Gauge(string name, string unit, string description, Func<StepStatus, double> value) =>
        Meter.CreateObservableGauge(name, () => Measure(value), unit, description);

    private static void Total(string name, string description, Func<StepStatus, double> value) =>
        Meter.CreateObservableCounter(name, () => Measure(value), "{document}", description);

    private static IEnumerable<Measurement<double>> Measure(Func<StepStatus, double> value) =>
        Live.Keys.SelectMany(steps => steps._all).Select(step => new Measurement<double>(value(step.Describe()), new KeyValuePair<string, object?>("step", step.Name)));
}
