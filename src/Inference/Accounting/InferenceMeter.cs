using System.Diagnostics.Metrics;

namespace RagCluster.Inference.Accounting;

/// <summary>What inference tells the metrics. Names are OpenTelemetry's; see docs/inference.md for what they mean.</summary>
public static class InferenceMeter
{
    public const string Name = "RagCluster.Inference";

    private static readonly Meter s_meter = new(Name);

    private static readonly Counter<long> s_tokens = s_meter.CreateCounter<long>("ragcluster.inference.tokens", null, "Tokens read and written by models, by tenant, model and direction.");

    private static readonly Counter<long> s_calls = s_meter.CreateCounter<long>("ragcluster.inference.calls", null, "Calls to endpoints, by endpoint and outcome.");

    private static readonly Counter<long> s_refused = s_meter.CreateCounter<long>("ragcluster.inference.refused", null, "Requests that were not let in, by purpose.");

    private static readonly Counter<long> s_hedges = s_meter.CreateCounter<long>("ragcluster.inference.hedges", null, "Slow calls that were sent to a second endpoint, by which of the two was first.");

    private static readonly Counter<long> s_retries = s_meter.CreateCounter<long>("ragcluster.inference.retries", null, "Requests that were sent again, by purpose.");

    private static readonly Histogram<double> s_waited = s_meter.CreateHistogram<double>("ragcluster.inference.queue.time", "s", "Waiting for a place at an endpoint, by purpose.");

    private static readonly Histogram<double> s_first = s_meter.CreateHistogram<double>("ragcluster.inference.first_token.time", "s", "From a place at the endpoint to the first token, by endpoint.");

    private static readonly Histogram<double> s_call = s_meter.CreateHistogram<double>("ragcluster.inference.call.time", "s", "A whole call, by endpoint.");

    private static readonly Histogram<long> s_batch = s_meter.CreateHistogram<long>("ragcluster.inference.batch.items", null, "Texts embedded by one call.");

    /// <param name="direction">"input" or "output".</param>
    public static void Tokens(string tenant, string model, string direction, long count)
    {
        if (count > 0)
        {
            s_tokens.Add(count, new("tenant", tenant), new("model", model), new("direction", direction));
        }
    }

    public static void Called(string endpoint, InferenceErrorCode? failure, TimeSpan time)
    {
        s_calls.Add(1, new("endpoint", endpoint), new("outcome", failure is { } code ? System.Text.Json.JsonNamingPolicy.KebabCaseLower.ConvertName(code.ToString()) : "ok"));
        s_call.Record(time.TotalSeconds, new KeyValuePair<string, object?>("endpoint", endpoint));
    }

    public static void FirstToken(string endpoint, TimeSpan time) => s_first.Record(time.TotalSeconds, new KeyValuePair<string, object?>("endpoint", endpoint));

    public static void Waited(string purpose, TimeSpan time) => s_waited.Record(time.TotalSeconds, new KeyValuePair<string, object?>("purpose", purpose));

    public static void Refused(string purpose) => s_refused.Add(1, new KeyValuePair<string, object?>("purpose", purpose));

    public static void Retried(string purpose) => s_retries.Add(1, new KeyValuePair<string, object?>("purpose", purpose));

    public static void Hedged(bool secondWasFirst) => s_hedges.Add(1, new KeyValuePair<string, object?>("first", secondWasFirst ? "second" : "original"));

    public static void Batch(int items) => s_batch.Record(items);
}
