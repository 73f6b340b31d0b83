using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>How a node becomes a member: its row, its transport, the probes, and then up.</summary>
internal sealed partial class Membership
{
    /// <exception cref="StoreException">The store does not answer, or refuses this node.</exception>
    /// <exception cref="IOException">The transport's address cannot be had.</exception>
    public async Task JoinAsync(string node, ITransportHandler handler, CancellationToken cancellationToken)
    {
        var sent = Lease.Now;
        Self = await _store.JoinAsync(new NodeJoin(node, _transport.Address, [.. _options.Roles.Order(StringComparer.Ordinal)], _options.Lease), cancellationToken);
        Lease.Renewed(sent);
        ClusterLog.Joining(_log, Self, _transport.Address);
        try
        {
            await _transport.StartAsync(Self, handler, cancellationToken);
            _ = _runtime.Run(RenewAsync);
            _ = _runtime.Run(WatchAsync);
            await PatientlyAsync(
                async () =>
                {
                    await LookOnceAsync();
                    return true;
                },
                cancellationToken);
            _ = _runtime.Run(LookAsync);
            _ = _runtime.Run(ProbeAsync);
            await ConnectAsync(cancellationToken);
            if (!await PatientlyAsync(async () => await _store.ChangeStateAsync(Self, NodeState.Up, cancellationToken), cancellationToken))
            {
                throw new StoreException(StoreFailure.Other, $"Node {Self} was declared dead before it was up: start it again.");
            }
        }
        catch
        {
            await LeaveAsync();
            throw;
        }

        ClusterLog.Up(_log, Self, _view.Members.Count);
        Look();
        Tell(look: true);
    }

    /// <summary>Until every member that is up has answered. One that others do not reach either does not count, nor one whose lease is over.</summary>
    private async Task ConnectAsync(CancellationToken cancellationToken)
    {
        var said = _runtime.Time.GetTimestamp();
        while (true)
        {
            var missing = _view.Members.Where(member => member.IsUp && member.Node != Self
                && !Neighbours.HasAnswered(member.Node) && !Neighbours.IsSuspectElsewhere(member.Node)).ToList();
            if (missing.Count == 0)
            {
                return;
            }

            foreach (var member in missing)
            {
                _transport.TrySend(member.Peer, Status(asks: true, answers: false, look: false));
            }

            if (_runtime.Time.GetElapsedTime(said) > TimeSpan.FromSeconds(5))
            {
                said = _runtime.Time.GetTimestamp();
                ClusterLog.NotConnected(_log, Self, _transport.Address, string.Join(", ", missing.Select(member => member.Peer)));
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), _runtime.Time, cancellationToken);
            if (Lease.Ended is { } reason)
            {
                throw new StoreException(StoreFailure.Other, reason);
            }
        }
    }

    /// <summary>Again and again while the store fails and the lease lasts.</summary>
    private async Task<bool> PatientlyAsync(Func<Task<bool>> work, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return await work();
            }
            catch (StoreException e) when (e is not StoreRefusedException && Lease.IsValid)
            {
                ClusterLog.NotLooked(_log, e);
                await Task.Delay(_options.Lease / 12, _runtime.Time, cancellationToken);
            }
        }
    }
}
