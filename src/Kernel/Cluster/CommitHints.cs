using RagCluster.Kernel.Cluster.Wire;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Cluster;

/// <summary>
/// Tells the other nodes which logs have grown here, and this node's readers what others tell. A hint that gets lost is made
/// up for by polling, so nothing is waited for and nothing sent twice.
/// </summary>
internal sealed class CommitHints
{
    private readonly Membership _membership;
    private readonly Courier _courier;
    private readonly IRuntime _runtime;
    private readonly TimeSpan _every;
    private readonly CommitSignal _all;
    private readonly Lock _gate = new();
    private readonly SortedSet<int> _grown = [];
    private bool _running;

    /// <param name="local">Commits of this node.</param>
    /// <param name="all">Commits of every node.</param>
    public CommitHints(Membership membership, Courier courier, IRuntime runtime, TimeSpan every, CommitSignal local, CommitSignal all)
    {
        (_membership, _courier, _runtime, _every, _all) = (membership, courier, runtime, every, all);
        local.Subscribe(Committed);
    }

    public void Received(ref WireReader reader)
    {
        for (var left = Math.Min(reader.Int32(), CommittedMessage.MaxShards); left > 0; left--)
        {
            _all.Committed(reader.Int32());
        }
    }

    private void Committed(int shardId)
    {
        _all.Committed(shardId);
        lock (_gate)
        {
            if (!_grown.Add(shardId) || _running)
            {
                return;
            }

            _running = true;
        }

        _ = _runtime.Run(SendAsync);
    }

    private async Task SendAsync()
    {
        while (true)
        {
            await Task.Delay(_every, _runtime.Time);
            int[] shards;
            lock (_gate)
            {
                shards = [.. _grown.Take(CommittedMessage.MaxShards)];
                _grown.ExceptWith(shards);
                if (shards.Length == 0)
                {
                    _running = false;
                    return;
                }
            }

            _courier.Broadcast(new CommittedMessage(shards), _membership.Self);
        }
    }
}
