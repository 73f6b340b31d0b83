using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Discovery;

/// <summary>A list that somebody wrote.</summary>
public sealed class ListDiscovery : IDiscovery
{
    private readonly Candidate[] _candidates;

    /// <exception cref="FormatException">One of them is no address.</exception>
    public ListDiscovery(IEnumerable<string> addresses) =>
        _candidates = [.. addresses.Select(address => HostPort.Parse(address).ToString()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(address => new Candidate(address))];

    public string Source => $"a list of {_candidates.Length}";

    public ValueTask<IReadOnlyList<Candidate>> FindAsync(CancellationToken cancellationToken = default) => new(_candidates);
}
