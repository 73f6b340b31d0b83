using System.Diagnostics.Metrics;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>Listens to the kernel's own measurements of its commits, from its making to its end.</summary>
internal sealed class CommitListener : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<double> _milliseconds = [];
    private readonly List<double> _events = [];
    private readonly MeterListener _listener = new();

    public CommitListener()
    {
        _listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument is { Meter.Name: "RagCluster.Kernel", Name: "ragcluster.journal.commit.duration" or "ragcluster.journal.batch.events" })
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<double>((_, seconds, _, _) => Add(_milliseconds, seconds * 1000));
        _listener.SetMeasurementEventCallback<long>((_, events, _, _) => Add(_events, events));
        _listener.Start();
    }

    public double[] Milliseconds() => Copy(_milliseconds);

    public double[] Events() => Copy(_events);

    public void Dispose() => _listener.Dispose();

    private void Add(List<double> list, double value)
    {
        lock (_lock)
        {
            list.Add(value);
        }
    }

    private double[] Copy(List<double> list)
    {
        lock (_lock)
        {
            return [.. list];
        }
    }
}
