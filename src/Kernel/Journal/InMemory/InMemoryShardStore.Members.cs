namespace RagCluster.Kernel.Journal.InMemory;

/// <summary>The membership rows. The store's own time is the database's clock.</summary>
public sealed partial class InMemoryShardStore
{
    public ValueTask<NodeIncarnation> JoinAsync(string node, CancellationToken cancellationToken = default) =>
        Call(() => Join(node, NodeState.Up, "", [], null));

    public ValueTask<NodeIncarnation> JoinAsync(NodeJoin join, CancellationToken cancellationToken = default) => Call(() =>
    {
        if (_nodes.Values.FirstOrDefault(other => join.Address.Length > 0 && other.Address == join.Address && other.Node.Node != join.Node && IsAlive(other)) is { } taken)
        {
            throw new StoreRefusedException(
                $"The address {join.Address} belongs to node {taken.Node}, which is {taken.State}: give this node another address, or wait until that one has left.");
        }

        return Join(join.Node, NodeState.Joining, join.Address, join.Roles, join.Lease);
    });

    public ValueTask<bool> ChangeStateAsync(NodeIncarnation node, NodeState state, CancellationToken cancellationToken = default) => Call(() =>
    {
        if (!_nodes.TryGetValue(node.Node, out var row) || row.Node != node || row.HasEnded || Rank(state) < Rank(row.State)
            || (state is not (NodeState.Left or NodeState.Dead) && !IsAlive(row)))
        {
            return false;
        }

        _nodes[node.Node] = row.In(state, time.GetUtcNow());
        return true;
    });

    public ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken = default) => Call<IReadOnlyList<NodeRow>>(() =>
        [.. _nodes.Values.Select(row => new NodeRow(row.Node.Node, row.Node.Incarnation, row.State, row.ExpiresAt))]);

    public ValueTask<bool> RenewAsync(NodeIncarnation node, TimeSpan lease, CancellationToken cancellationToken = default) => Call(() =>
    {
        if (!_nodes.TryGetValue(node.Node, out var row) || row.Node != node || !IsAlive(row))
        {
            return false;
        }

        _nodes[node.Node] = row with { ExpiresAt = time.GetUtcNow() + lease };
        return true;
    });

    public ValueTask<IReadOnlyList<MemberRow>> ListMembersAsync(CancellationToken cancellationToken = default) => Call<IReadOnlyList<MemberRow>>(() =>
    [
        .. _nodes.Values.Where(row => !row.HasEnded || row.ChangedAt > time.GetUtcNow() - MemberRow.ListedAfterEnd)
            .OrderBy(row => row.JoinedAt).ThenBy(row => row.Node.Node, StringComparer.Ordinal)
            .Select(row => new MemberRow(row.Node, row.State, row.Address, row.Roles, row.JoinedAt, row.State != NodeState.Left && !IsLeased(row))),
    ]);

    public ValueTask<IReadOnlyList<NodeIncarnation>> BuryAsync(CancellationToken cancellationToken = default) => Call<IReadOnlyList<NodeIncarnation>>(() =>
    {
        var expired = _nodes.Values.Where(row => !row.HasEnded && !IsAlive(row)).ToList();
        expired.ForEach(row => _nodes[row.Node.Node] = row.In(NodeState.Dead, time.GetUtcNow()));
        return [.. expired.Select(row => row.Node)];
    });

    public ValueTask<bool> DeclareDeadAsync(NodeIncarnation node, CancellationToken cancellationToken = default) => Call(() =>
    {
        if (!_nodes.TryGetValue(node.Node, out var row) || row.Node != node || row.HasEnded)
        {
            return false;
        }

        _nodes[node.Node] = row.In(NodeState.Dead, time.GetUtcNow());
        return true;
    });

    public ValueTask<bool> MirrorAsync(MemberRow member, TimeSpan lease, CancellationToken cancellationToken = default) => Call(() =>
    {
        var now = time.GetUtcNow();
        if (_nodes.TryGetValue(member.Node.Node, out var row)
            && (row.Node.Incarnation > member.Node.Incarnation || (row.Node == member.Node && row.HasEnded)))
        {
            return false;
        }

        var same = row is not null && row.Node == member.Node;
        var state = same && Rank(row!.State) > Rank(member.State) ? row.State : member.State;
        var changed = same && row!.State == member.State ? row.ChangedAt : now;
        _nodes[member.Node.Node] = new InMemoryNode(member.Node, state, member.Address, member.Roles, member.JoinedAt, now + lease, changed);
        return true;
    });

    public ValueTask<IReadOnlyList<ShardRow>> ListShardsAsync(CancellationToken cancellationToken = default) =>
        Call<IReadOnlyList<ShardRow>>(() => [.. _shards.Select(shard => shard.Row)]);

    private NodeIncarnation Join(string node, NodeState state, string address, IReadOnlyList<string> roles, TimeSpan? lease)
    {
        var incarnation = new NodeIncarnation(node, _nodes.TryGetValue(node, out var row) ? row.Node.Incarnation + 1 : 1);
        var now = time.GetUtcNow();
        _nodes[node] = new InMemoryNode(incarnation, state, address, roles, now, lease is { } length ? now + length : null, now);
        return incarnation;
    }

    private bool IsAlive(InMemoryNode row) =>
        !row.HasEnded && IsLeased(row);

    private bool IsLeased(InMemoryNode row) => row.ExpiresAt is not { } expires || expires > time.GetUtcNow();

    private bool MayClaim(NodeIncarnation claimer, ShardRow shard) =>
        _nodes.TryGetValue(claimer.Node, out var row) && row.Node == claimer && IsAlive(row)
        && (row.State == NodeState.Up || (row.State == NodeState.Draining && shard.Owner == claimer));

    private static int Rank(NodeState state) => state switch
    {
        NodeState.Joining => 0,
        NodeState.Up => 1,
        NodeState.Draining => 2,
        NodeState.Left => 3,
        _ => 4,
    };

    private sealed record InMemoryNode(
        NodeIncarnation Node,
        NodeState State,
        string Address,
        IReadOnlyList<string> Roles,
        DateTimeOffset JoinedAt,
        DateTimeOffset? ExpiresAt,
        DateTimeOffset ChangedAt)
    {
        public bool HasEnded => State is NodeState.Dead or NodeState.Left;

        public InMemoryNode In(NodeState state, DateTimeOffset now) => this with { State = state, ChangedAt = state == State ? ChangedAt : now };
    }
}
