using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Cluster.Wire;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>
/// The shards that are on this node: takes them, hands them off, and lets go of those that turn out to be another's. For one
/// shard there is one tenure at a time; the next begins when the former has ended.
/// </summary>
internal sealed class ShardKeeper(
    ActorSystem system, IClusterStore store, Membership membership, ShardMap map, Courier courier, ILogger log)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Func<ShardSlot, long, Shard>> _hosted = new(StringComparer.Ordinal);
    private readonly HashSet<Shard> _leaving = [];
    private bool _closed;

    private IRuntime Runtime => system.Runtime;

    /// <param name="begin">Starts a tenure of a shard that was seen under an epoch.</param>
    public void Host(string entityType, Func<ShardSlot, long, Shard> begin)
    {
        lock (_gate)
        {
            _hosted.Add(entityType, begin);
        }

        membership.Host(entityType);
    }

    /// <summary>Claims and opens the shard if it is still as it was seen. Does not wait.</summary>
    public void Take(int shardId, long seenEpoch)
    {
        Shard shard;
        ShardSlot slot;
        lock (_gate)
        {
            if (_closed || map.Find(shardId) is not { Local: null } found || !_hosted.TryGetValue(found.EntityType, out var begin))
            {
                return;
            }

            slot = found;
            shard = begin(slot, seenEpoch);
            slot.Begin(shard);
        }

        ClusterLog.Taking(log, slot.EntityType, slot.Number);
        _ = Runtime.Run(() => KeepAsync(slot, shard));
    }

    /// <summary>Gives the shard to the target, if this node has it and is not about to anyway.</summary>
    /// <param name="target">Null leaves it to whoever places shards.</param>
    public async Task HandOffAsync(ShardSlot slot, NodeIncarnation? target, TimeSpan budget)
    {
        if (slot.Local is not { } shard || !TryLeave(shard))
        {
            return;
        }

        var start = Runtime.Time.GetTimestamp();
        ClusterLog.HandingOff(log, slot.EntityType, slot.Number, target);
        shard.Refuse($"Shard {slot.EntityType}/{slot.Number} is on its way to another node.");
        if (shard.Epoch is { } open)
        {
            // Only of what is its own: one that is just opening may be claiming what another node has.
            Announce(slot, new ShardRoute(null, open));
        }

        if (!await shard.DrainedAsync().EndsWithin(budget, Runtime.Time))
        {
            EntityLog.DrainIncomplete(log, $"{slot.EntityType}/{slot.Number}", budget, shard.CommandsUnderWay);
        }

        await system.StopAsync(shard.Actor, StopReason.HandedOff);
        ClusterMetrics.HandOffs.Add(1);
        ClusterMetrics.HandOffDuration.Record(Runtime.Time.GetElapsedTime(start).TotalSeconds);
        ClusterLog.HandedOff(log, slot.EntityType, slot.Number, shard.ReleasedEpoch, Runtime.Time.GetElapsedTime(start));
        if (shard.ReleasedEpoch is { } epoch && target is { } node && membership.View.Find(node) is { } member)
        {
            courier.TrySend(member.Peer, new PlaceMessage(WireKind.Take, slot.ShardId, epoch, node));
        }
    }

    /// <summary>Compares what the store says with what is here: takes up what is this node's, lets go of what is not.</summary>
    public void Compare(IReadOnlyList<ShardRow> rows)
    {
        foreach (var row in rows)
        {
            if (map.Find(row.ShardId) is not { } slot)
            {
                continue;
            }

            if (slot.Local is not { } shard)
            {
                if (row.Owner == membership.Self)
                {
                    // A claim of which this node never heard that it took effect.
                    Recover(row);
                }
            }
            else if (row.Owner != membership.Self && shard.Epoch < row.Epoch && !shard.IsRefusing)
            {
                ClusterLog.LostUnawares(log, slot.EntityType, slot.Number, row.Epoch);
                Lose(shard, $"Shard {slot.EntityType}/{slot.Number} has another owner: this node no longer answers for it.");
            }
        }
    }

    /// <summary>This node is no member any more: nothing is answered from now on.</summary>
    public void LoseAll(string reason)
    {
        lock (_gate)
        {
            _closed = true;
        }

        foreach (var slot in map.Slots)
        {
            if (slot.Local is { } shard)
            {
                Lose(shard, reason);
            }
        }
    }

    /// <summary>After a drain: takes shards again.</summary>
    public void Reopen()
    {
        string[] hosted;
        lock (_gate)
        {
            _closed = false;
            hosted = [.. _hosted.Keys];
        }

        foreach (var entityType in hosted)
        {
            membership.Host(entityType);
        }
    }

    /// <summary>Hands every shard off and takes no more. Several at once, so that their waits add up to one.</summary>
    /// <param name="successor">Where a shard should go; asked for one after the other.</param>
    public async Task DrainAsync(Func<ShardSlot, NodeIncarnation?> successor, TimeSpan budget)
    {
        lock (_gate)
        {
            _closed = true;
        }

        var start = Runtime.Time.GetTimestamp();
        var here = map.Slots.Where(slot => slot.Local is not null).ToList();

        // Asked here and not in the work, which runs on many threads: who asks counts what it has given to whom.
        var all = Waits.All(here.Select(slot => (slot, Next: successor(slot))).Select(entry => Runtime.Run(() => LeaveAsync(entry.slot, entry.Next, budget / 2))).ToArray());
        if (await all.EndsWithin(budget * 0.75, Runtime.Time))
        {
            return;
        }

        foreach (var slot in here)
        {
            if (slot.Local is { Opened: { IsCompletedSuccessfully: true, Result: var writer } })
            {
                writer.GiveUp();
            }
        }

        if (!await all.EndsWithin(budget - Runtime.Time.GetElapsedTime(start), Runtime.Time))
        {
            ClusterLog.DrainCut(log, budget, here.Count(slot => slot.Local is not null));
        }
    }

    private async Task LeaveAsync(ShardSlot slot, NodeIncarnation? successor, TimeSpan budget)
    {
        await HandOffAsync(slot, successor, budget);
        if (slot.Local is { } shard)
        {
            // Somebody else had begun before.
            await ActorSystem.WhenStopped(shard.Actor);
        }
    }

    private async Task KeepAsync(ShardSlot slot, Shard shard)
    {
        try
        {
            var writer = await shard.Opened;
            ClusterMetrics.Takes.Add(1);
            Announce(slot, new ShardRoute(new Peer(membership.Self, courier.Transport.Address), writer.Epoch));
            slot.Changed.Beat();
        }
        catch (EntityUnavailableException)
        {
            // It never opened; whoever has it says so.
        }

        await ActorSystem.WhenStopped(shard.Actor);
        lock (_gate)
        {
            _leaving.Remove(shard);
        }

        if (shard.ReleasedEpoch is { } epoch)
        {
            Announce(slot, new ShardRoute(null, epoch));
        }

        slot.End(shard);
        membership.Look();
    }

    private void Recover(ShardRow row)
    {
        bool closed;
        lock (_gate)
        {
            closed = _closed;
        }

        if (closed)
        {
            _ = Runtime.Run(() => ReleaseAsync(row));
        }
        else
        {
            Take(row.ShardId, row.Epoch);
        }
    }

    private async Task ReleaseAsync(ShardRow row)
    {
        try
        {
            await store.ReleaseAsync(row.ShardId, row.Epoch);
        }
        catch (StoreException e)
        {
            EntityLog.ShardNotReleased(log, e, row.ShardId);
        }
    }

    private static void Lose(Shard shard, string reason)
    {
        shard.Refuse(reason);
        ActorSystem.Stop(shard.Actor, StopReason.HandedOff);
    }

    private bool TryLeave(Shard shard)
    {
        lock (_gate)
        {
            return _leaving.Add(shard);
        }
    }

    private void Announce(ShardSlot slot, ShardRoute route)
    {
        slot.Learn(route);
        courier.Broadcast(new LocatedMessage(slot.ShardId, route), membership.Self);
    }
}
