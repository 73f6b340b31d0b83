using System.Diagnostics.Metrics;
using RagCluster.Inference.Accounting;
using RagCluster.Inference.Routing;

namespace RagCluster.Actors.Inference;

/// <summary>
/// The levels of the endpoints for the metrics, read whenever somebody looks, beside the actors that change them: a number
/// may be a moment old.
/// </summary>
internal sealed class InferenceGauges : IDisposable
{
    private readonly Meter _meter = new(InferenceMeter.Name);
    private volatile EndpointFleet? _embedding;
    private volatile EndpointFleet? _generation;

    public InferenceGauges()
    {
        _meter.CreateObservableGauge("ragcluster.inference.endpoint.up", () => Read(static e => e.IsUp ? 1L : 0), null, "1 where requests to an endpoint do not fail at present.");
        _meter.CreateObservableGauge("ragcluster.inference.endpoint.drained", () => Read(static e => e.IsDrained ? 1L : 0), null, "1 where an operator has taken an endpoint out.");
        _meter.CreateObservableGauge("ragcluster.inference.endpoint.in_flight", () => Read(static e => (long)e.InFlight), null, "Calls under way at an endpoint.");
        _meter.CreateObservableGauge("ragcluster.inference.endpoint.window", () => Read(static e => (long)e.Window.Limit), null, "Calls that an endpoint gets at a time, up to its capacity.");
        _meter.CreateObservableGauge("ragcluster.inference.endpoint.outstanding_tokens", () => Read(static e => e.OutstandingTokens), null, "Tokens under way at an endpoint.");
    }

    /// <summary>An actor has begun, perhaps anew, with these.</summary>
    public void Embedding(EndpointFleet fleet) => _embedding = fleet;

    /// <inheritdoc cref="Embedding"/>
    public void Generation(EndpointFleet fleet) => _generation = fleet;

    public void Dispose() => _meter.Dispose();

    private List<Measurement<long>> Read(Func<EndpointState, long> value)
    {
        var found = new List<Measurement<long>>();
        foreach (var (fleet, purpose) in new[] { (_embedding, "embedding"), (_generation, "generation") })
        {
            foreach (var state in fleet?.States ?? [])
            {
                found.Add(new Measurement<long>(value(state), new("purpose", purpose), new("endpoint", state.Profile.Name)));
            }
        }

        return found;
    }
}
