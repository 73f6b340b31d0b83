using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Discovery;

/// <summary>The members that the store knows and holds for alive.</summary>
public sealed class StoreDiscovery(IClusterStore store) : IDiscovery
{
    public string Source => "the store's member rows";

    public async ValueTask<IReadOnlyList<Candidate>> FindAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            var members = await store.ListMembersAsync(cancellationToken);
            return
            [
                .. members
                    .Where(member => !member.Expired && member.State is NodeState.Joining or NodeState.Up or NodeState.Draining)
                    .OrderBy(member => member.Address, StringComparer.Ordinal)
                    .Select(member => new Candidate(member.Address, member.Node)),
            ];
        }
        catch (StoreException e)
        {
            throw new DiscoveryException($"The store cannot be asked for its members: {e.Message}", e);
        }
    }
}
