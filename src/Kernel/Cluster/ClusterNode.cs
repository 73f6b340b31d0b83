using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Cluster.Wire;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>This node as a part of the cluster: puts membership, shards and messages together, and hands each message to whom it concerns.</summary>
internal sealed class ClusterNode : ITransportHandler, IMembershipObserver
{
    private readonly ConcurrentDictionary<Peer, ServedPeer> _served = new();
    private readonly ConcurrentDictionary<string, IHostedType> _types = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource<string> _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Proposer _proposer;
    private readonly CommitHints _hints;

    public ClusterNode(ActorSystem system, IClusterStore store, ITransport transport, ClusterOptions options, CommitSignal local, CommitSignal all, ILogger log)
    {
        (Runtime, Options, Log) = (system.Runtime, options.Validated(), log);
        Membership = new Membership(store, transport, system.Runtime, options, this, log);
        Courier = new Courier(transport, () => Membership.View, system.Runtime);
        Map = new ShardMap(system.Runtime.Time);
        Keeper = new ShardKeeper(system, store, Membership, Map, Courier, log);
        _proposer = new Proposer(Membership, Map, Keeper, Courier, options, system.Runtime.Time, log);
        Calls = new NodeCalls(system.Runtime, Courier);
        _hints = new CommitHints(Membership, Courier, system.Runtime, options.HintEvery, local, all);
        ClusterGauges.Add(this);
    }

    public IRuntime Runtime { get; }

    public ClusterOptions Options { get; }

    public ILogger Log { get; }

    public Membership Membership { get; }

    public Courier Courier { get; }

    public ShardMap Map { get; }

    public ShardKeeper Keeper { get; }

    public RemoteAsks Asks { get; } = new();

    public RemoteStreams Streams { get; } = new();

    public NodeCalls Calls { get; }

    /// <summary>Completes with the reason when this node has stopped itself.</summary>
    public Task<string> Lost => _lost.Task;

    /// <summary>Why this node neither answers nor asks any more; null while it does.</summary>
    public string? Over => Membership.Lease.Ended;

    public void Add(string entityType, IHostedType type) => _types[entityType] = type;

    public Task DrainAsync(TimeSpan budget)
    {
        Membership.HostNothing();
        var given = new Dictionary<int, NodeIncarnation>();
        return Keeper.DrainAsync(slot => _proposer.SuccessorOf(slot, given), budget);
    }

    /// <summary>The first type kept here that no other node can take over; null where each can be.</summary>
    public string? WithoutSuccessor() =>
        Membership.Hosts.FirstOrDefault(type => !Membership.View.Members.Any(member =>
            member.Node != Membership.Self && member.IsUp && !Membership.Neighbours.IsSuspect(member.Node) && Membership.Neighbours.HostsOf(member.Node).Contains(type)));

    /// <summary>Asks the shard's owner to hand it over. False: the shard has no owner, or the target is not up.</summary>
    public bool Move(ShardSlot slot, NodeIncarnation target)
    {
        if (slot.Route is not { Owner: { } owner, Epoch: var epoch } || Membership.View.Find(target) is not { IsUp: true })
        {
            return false;
        }

        if (owner.Node != target)
        {
            _proposer.Send(Membership.View, new Move(slot.ShardId, epoch, owner.Node, target));
        }

        return true;
    }

    public ClusterStatus Describe()
    {
        var view = Membership.View;
        var shards = Membership.Shards;
        return new ClusterStatus(
            Membership.Self,
            view.Oldest?.Node,
            Membership.Lease.Left,
            Over,
            [
                .. view.Members.Select(member => new MemberStatus(
                    member.Node,
                    member.State,
                    member.Peer.Address,
                    member.Roles,
                    member.JoinedAt,
                    member.Node != Membership.Self && Membership.Neighbours.IsSuspect(member.Node),
                    shards.Count(shard => shard.Owner == member.Node),
                    member.Node == Membership.Self ? Membership.Hosts : Membership.Neighbours.HostsOf(member.Node))),
            ],
            Courier.Transport.Describe());
    }

    public void Looked(MembershipView former, MembershipView view, IReadOnlyList<ShardRow> shards)
    {
        foreach (var (member, change) in view.Since(former))
        {
            if (change == MemberChange.Gone && member.Node != Membership.Self)
            {
                Courier.Transport.Forget(member.Peer);
                Map.Forget(member.Peer);
                LinkLost(member.Peer, null);
                _served.TryRemove(member.Peer, out _);
            }
        }

        foreach (var shardId in Map.Learn(shards, view))
        {
            MovedTo(shardId);
        }

        Keeper.Compare(shards);
        _proposer.Propose(view, shards);
    }

    public void Fenced(string reason)
    {
        Left();
        _lost.TrySetResult(reason);
    }

    /// <summary>This node is no member any more: whoever still waits here for another node hears of it.</summary>
    public void Left()
    {
        ClusterGauges.Remove(this);
        Keeper.LoseAll(Over ?? "The node has left the cluster.");
        foreach (var slot in Map.Slots)
        {
            slot.Changed.Beat();
        }

        foreach (var member in Membership.View.Members)
        {
            Asks.LinkLost(member.Peer);
            Streams.LinkLost(member.Peer);
        }
    }

    public ValueTask ReceiveAsync(Peer from, ReadOnlySequence<byte> message, CancellationToken cancellationToken)
    {
        try
        {
            var reader = new WireReader(message);
            Receive(from, ref reader);
        }
        catch (InvalidDataException e)
        {
            ClusterMetrics.BadMessages.Add(1);
            ClusterLog.BadMessage(Log, e, from);
        }

        return ValueTask.CompletedTask;
    }

    public void LinkLost(Peer peer, Exception? reason)
    {
        ClusterLog.LinkLost(Log, reason, peer);
        if (Membership.View.IsAlive(peer.Node))
        {
            Membership.LinkLost(peer);
        }

        Asks.LinkLost(peer);
        Streams.LinkLost(peer);
        Calls.LinkLost(peer);
        if (_served.TryGetValue(peer, out var served))
        {
            served.LinkLost();
        }
    }

    /// <summary>Says no to a command or a subscription, as soon as a link lets it.</summary>
    public void Refuse(Peer peer, WireKind kind, long id, Outcome outcome, string? reason, int movedShard = 0)
    {
        ShardRoute? route = null;
        if (outcome == Outcome.Moved && Map.Find(movedShard) is { } slot)
        {
            ClusterMetrics.Moved.Add(1);
            route = slot.Local is { IsRefusing: true, Epoch: { } epoch } && epoch >= slot.Route.Epoch ? new ShardRoute(null, epoch) : slot.Route;
        }

        var refusal = new RefusalMessage(kind, id, outcome, reason, movedShard, route);
        if (!Courier.TrySend(peer, refusal))
        {
            _ = Runtime.Run(async () => await Courier.SendAsync(peer, refusal, Membership.Stopping));
        }
    }

    /// <summary>What is under way with a former owner is asked anew, for that one may be silent for ever.</summary>
    private void MovedTo(int shardId)
    {
        if (Map.Find(shardId)?.Route.Owner is { } owner)
        {
            Asks.Moved(shardId, owner);
            Streams.Moved(shardId, owner);
        }
    }

    private void Receive(Peer from, ref WireReader reader)
    {
        switch (reader.Kind)
        {
            case WireKind.Ask:
                Ask(from, ref reader);
                break;
            case WireKind.Reply:
                Asks.Answer(ref reader);
                break;
            case WireKind.Cancel:
                Served(from).Cancel(reader.Number());
                break;
            case WireKind.Subscribe:
                Subscribe(from, ref reader);
                break;
            case WireKind.Events:
                Events(from, ref reader);
                break;
            case WireKind.Credit:
                Served(from).FindStream(reader.Number())?.Grant(reader.Int32());
                break;
            case WireKind.Unsubscribe:
                Served(from).FindStream(reader.Number())?.Leave();
                break;
            case WireKind.StreamEnded:
                StreamEnded(ref reader);
                break;
            case WireKind.Status:
                Membership.Heard(from, StatusMessage.Read(ref reader));
                break;
            case WireKind.Take:
                Place(PlaceMessage.Read(ref reader));
                break;
            case WireKind.HandOff:
                Place(PlaceMessage.Read(ref reader));
                break;
            case WireKind.Located:
                var (shardId, route) = RouteWire.Read(ref reader);
                if (Map.Find(shardId)?.Learn(route) == true)
                {
                    MovedTo(shardId);
                }

                break;
            case WireKind.Committed:
                _hints.Received(ref reader);
                break;
            case WireKind.Call:
                Calls.Received(from, ref reader);
                break;
            case WireKind.CallReply:
                Calls.Answered(ref reader);
                break;
            default:
                ClusterMetrics.UnknownMessages.Add(1);
                ClusterLog.UnknownMessage(Log, (int)reader.Kind, from);
                break;
        }
    }

    private void Ask(Peer from, ref WireReader reader)
    {
        var ask = AskHeader.Read(ref reader);
        if (Find(ask.ShardId, ask.Epoch) is (var shard, var type))
        {
            type.Ask(Served(from), ask, reader.Payload, shard);
        }
        else
        {
            Refuse(from, WireKind.Reply, ask.Id, Outcome.Moved, null, ask.ShardId);
        }
    }

    private void Subscribe(Peer from, ref WireReader reader)
    {
        var subscription = SubscribeMessage.Read(ref reader);
        if (Find(subscription.ShardId, subscription.Epoch) is (var shard, var type))
        {
            type.Subscribe(Served(from), subscription, shard);
        }
        else
        {
            Refuse(from, WireKind.StreamEnded, subscription.Id, Outcome.Moved, null, subscription.ShardId);
        }
    }

    /// <summary>
    /// Null: not here. A message that was routed by an older epoch is welcome while the shard is here; one by a newer epoch
    /// says that it is not any more, though nobody has told this node.
    /// </summary>
    private (Shard Shard, IHostedType Type)? Find(int shardId, long epoch)
    {
        if (Over is not null || Map.Find(shardId) is not { Local: { IsRefusing: false } shard } || !_types.TryGetValue(shard.EntityType, out var type))
        {
            return null;
        }

        if (epoch > shard.Epoch)
        {
            Membership.Look();
            return null;
        }

        return (shard, type);
    }

    private void Events(Peer from, ref WireReader reader)
    {
        var id = reader.Number();
        if (Streams.Find(id) is not { } stream)
        {
            Courier.TrySend(from, new CancelMessage(WireKind.Unsubscribe, id));
            return;
        }

        try
        {
            stream.Receive(ref reader);
        }
        catch (InvalidDataException e)
        {
            // What is missing comes with the next subscription.
            stream.End(Outcome.Interrupted, e.Message, null);
            throw;
        }
    }

    private void StreamEnded(ref WireReader reader)
    {
        var (id, outcome, reason, (_, route)) = (reader.Number(), (Outcome)reader.Byte(), reader.OptionalText(), RouteWire.Read(ref reader));
        Streams.Find(id)?.End(outcome, reason, route);
    }

    private void Place(PlaceMessage message)
    {
        if (message.Kind == WireKind.Take && message.Target == Membership.Self)
        {
            Keeper.Take(message.ShardId, message.Epoch);
        }
        else if (message.Kind == WireKind.HandOff && Map.Find(message.ShardId) is { Local: { } shard } slot && shard.Epoch == message.Epoch)
        {
            _ = Runtime.Run(() => Keeper.HandOffAsync(slot, message.Target, Options.HandOffBudget));
        }
    }

    private ServedPeer Served(Peer peer) =>
        _served.TryGetValue(peer, out var served)
            ? served
            : _served.GetOrAdd(peer, static (peer, options) => new ServedPeer(peer, options.MaxRemoteCommands, options.MaxRemoteSubscriptions), Options);
}
