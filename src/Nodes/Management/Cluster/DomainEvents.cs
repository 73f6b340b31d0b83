using System.Runtime.CompilerServices;
using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Nodes.Gateway;

namespace RagCluster.Nodes.Management.Cluster;

/// <summary>A member in an event, as Pekko Management writes it.</summary>
public sealed record EventMemberJson(string Address, string DataCenter, IReadOnlyList<string> Roles, string Status);

/// <summary>A shard that has another owner, or none while it is on its way.</summary>
public sealed record EventShardJson(string EntityType, int Number, long Epoch, string? Owner);

/// <summary>Something that happened in the cluster. Which fields there are depends on the type.</summary>
public sealed record DomainEventJson(string Type)
{
    public EventMemberJson? Member { get; init; }

    public string? PreviousStatus { get; init; }

    /// <summary>Of the new leader.</summary>
    public string? Address { get; init; }

    public string? Role { get; init; }

    public EventShardJson? Shard { get; init; }
}

/// <summary>
/// What happens in the cluster, as this node sees it: first the state as events, then each change. Found by comparing,
/// which is what the membership itself does with its rows; so it may be late by <see cref="s_every"/>, and what comes and
/// goes within it is not seen.
/// </summary>
internal sealed class DomainEvents(ManagedNode node, TimeProvider time)
{
    /// <summary>The names of Pekko's classes, and which types each stands for.</summary>
    private static readonly Dictionary<string, string[]> s_classes = new(StringComparer.OrdinalIgnoreCase)
    {
        ["ClusterDomainEvent"] = [],
        ["MemberEvent"] = ["MemberJoined", "MemberWeaklyUp", "MemberUp", "MemberLeft", "MemberExited", "MemberDowned", "MemberPreparingForShutdown", "MemberReadyForShutdown", "MemberRemoved"],
        ["ReachabilityEvent"] = ["UnreachableMember", "ReachableMember"],
        ["DataCenterReachabilityEvent"] = ["UnreachableDataCenter", "ReachableDataCenter"],
        ["LeaderChanged"] = ["LeaderChanged"],
        ["RoleLeaderChanged"] = ["RoleLeaderChanged"],
        ["ClusterShuttingDown"] = ["ClusterShuttingDown"],
        ["ShardMoved"] = ["ShardMoved"],
    };

    private static readonly TimeSpan s_every = TimeSpan.FromMilliseconds(200);

    /// <param name="types">Of <c>?type=</c>; none: everything but shards, which Pekko's users do not expect here.</param>
    /// <exception cref="ArgumentException">There is no such type.</exception>
    public static Func<DomainEventJson, bool> Filter(IReadOnlyList<string> types)
    {
        if (types.Count == 0)
        {
            return e => e.Shard is null;
        }

        var all = false;
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        foreach (var type in types)
        {
            if (s_classes.TryGetValue(type, out var members))
            {
                all |= members.Length == 0;
                wanted.UnionWith(members);
            }
            else
            {
                wanted.Add(s_classes.Values.SelectMany(names => names).FirstOrDefault(name => string.Equals(name, type, StringComparison.OrdinalIgnoreCase))
                    ?? throw new ArgumentException($"\"{type}\" is no type of event; there are {string.Join(", ", s_classes.Keys)}, and each class of members' events."));
            }
        }

        return e => wanted.Contains(e.Type) || (all && e.Shard is null);
    }

    public async IAsyncEnumerable<ServerSentEvent<DomainEventJson>> ReadAsync(Func<DomainEventJson, bool> filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        Snapshot? former = null;
        while (true)
        {
            if (MembersView.Of(node) is { } view)
            {
                var now = new Snapshot(view, node.Entities!.Describe());
                foreach (var e in Compare(former, now).Where(filter))
                {
                    yield return new ServerSentEvent<DomainEventJson>(null, e.Type, e);
                }

                former = now;
            }

            await Task.Delay(s_every, time, cancellationToken);
        }
    }

    /// <summary>What happened between two looks; everything that is, where there was none before.</summary>
    internal static IEnumerable<DomainEventJson> Compare(Snapshot? former, Snapshot now)
    {
        var before = former?.View.Members.ToDictionary(member => member.Node) ?? [];
        var unreachable = former is null ? [] : former.View.Members.Where(member => member.Suspect).Select(member => member.Node).ToHashSet();
        foreach (var member in now.View.Members)
        {
            if (!before.Remove(member.Node, out var known) || known.State != member.State)
            {
                var type = member.State switch { NodeState.Joining => "MemberJoined", NodeState.Up => "MemberUp", _ => "MemberLeft" };
                yield return new DomainEventJson(type) { Member = Json(now.View, member, member.State) };
            }

            if (member.Suspect != unreachable.Contains(member.Node))
            {
                yield return new DomainEventJson(member.Suspect ? "UnreachableMember" : "ReachableMember") { Member = Json(now.View, member, member.State) };
            }
        }

        foreach (var gone in before.Values)
        {
            // One that has left in order had been leaving; any other was declared dead.
            if (gone.State != NodeState.Draining)
            {
                yield return new DomainEventJson("MemberDowned") { Member = Json(now.View, gone, NodeState.Dead) };
            }

            yield return new DomainEventJson("MemberRemoved") { Member = Json(now.View, gone, NodeState.Left), PreviousStatus = gone.State == NodeState.Draining ? "Exiting" : "Down" };
        }

        if (former?.View.OldestAddress != now.View.OldestAddress || former is null)
        {
            yield return new DomainEventJson("LeaderChanged") { Address = now.View.OldestAddress };
        }

        foreach (var (role, address) in now.View.Json().OldestPerRole)
        {
            if (former is null || former.View.Json().OldestPerRole.GetValueOrDefault(role) != address)
            {
                yield return new DomainEventJson("RoleLeaderChanged") { Role = role, Address = address };
            }
        }

        foreach (var shard in now.Shards)
        {
            if (former?.Shards.FirstOrDefault(other => other.EntityType == shard.EntityType && other.Number == shard.Number) is not { } known || known.Owner != shard.Owner)
            {
                yield return new DomainEventJson("ShardMoved") { Shard = new EventShardJson(shard.EntityType, shard.Number, shard.Epoch, shard.Owner?.Node) };
            }
        }
    }

    private static EventMemberJson Json(MembersView view, MemberStatus member, NodeState state) =>
        new(view.AddressOf(member), "default", member.Roles, MembersView.StatusOf(state));

    internal sealed record Snapshot(MembersView View, IReadOnlyList<ShardStatus> Shards);
}
