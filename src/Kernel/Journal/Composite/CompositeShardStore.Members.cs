using RagCluster.Kernel.Entities;

namespace RagCluster.Kernel.Journal.Composite;

public sealed partial class CompositeShardStore
{
    /// <summary>For members that need no lease.</summary>
    private static readonly TimeSpan Endless = TimeSpan.FromDays(36_500);

    private readonly Lock _gate = new();

    /// <summary>Those who joined through this object, to be mirrored: in production the node itself.</summary>
    private readonly SortedDictionary<string, (MemberRow Row, TimeSpan Lease)> _own = new(StringComparer.Ordinal);
    private readonly bool[] _mirroring;

    public async ValueTask<NodeIncarnation> JoinAsync(string node, CancellationToken cancellationToken = default)
    {
        var joined = await First.JoinAsync(node, cancellationToken);
        await EnterAsync(new MemberRow(joined, NodeState.Up, "", [], _runtime.Time.GetUtcNow(), false), Endless);
        return joined;
    }

    public async ValueTask<NodeIncarnation> JoinAsync(NodeJoin join, CancellationToken cancellationToken = default)
    {
        var joined = await First.JoinAsync(join, cancellationToken);
        await EnterAsync(new MemberRow(joined, NodeState.Joining, join.Address, join.Roles, _runtime.Time.GetUtcNow(), false), join.Lease);
        return joined;
    }

    public async ValueTask<bool> ChangeStateAsync(NodeIncarnation node, NodeState state, CancellationToken cancellationToken = default)
    {
        if (!await First.ChangeStateAsync(node, state, cancellationToken))
        {
            return false;
        }

        (MemberRow Row, TimeSpan Lease) own;
        lock (_gate)
        {
            if (!_own.TryGetValue(node.Node, out own) || own.Row.Node != node)
            {
                return true;
            }

            _own[node.Node] = own = own with { Row = own.Row with { State = state } };
        }

        await MirrorEverywhereAsync(own.Row, own.Lease);
        return true;
    }

    public ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken = default) => First.ListNodesAsync(cancellationToken);

    public async ValueTask<bool> RenewAsync(NodeIncarnation node, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        if (!await First.RenewAsync(node, lease, cancellationToken))
        {
            return false;
        }

        lock (_gate)
        {
            if (!_own.TryGetValue(node.Node, out var own) || own.Row.Node != node)
            {
                return true;
            }

            _own[node.Node] = own with { Lease = lease };
        }

        for (var i = 1; i < _stores.Count; i++)
        {
            RenewMirror(i, node.Node);
        }

        return true;
    }

    public ValueTask<IReadOnlyList<MemberRow>> ListMembersAsync(CancellationToken cancellationToken = default) => First.ListMembersAsync(cancellationToken);

    public async ValueTask<IReadOnlyList<NodeIncarnation>> BuryAsync(CancellationToken cancellationToken = default)
    {
        var buried = await First.BuryAsync(cancellationToken);
        foreach (var node in buried)
        {
            await MirrorDeathAsync(node);
        }

        return buried;
    }

    public async ValueTask<bool> DeclareDeadAsync(NodeIncarnation node, CancellationToken cancellationToken = default)
    {
        if (!await First.DeclareDeadAsync(node, cancellationToken))
        {
            return false;
        }

        await MirrorDeathAsync(node);
        return true;
    }

    public async ValueTask<bool> MirrorAsync(MemberRow member, TimeSpan lease, CancellationToken cancellationToken = default)
    {
        var known = true;
        foreach (var store in _stores)
        {
            known &= await store.MirrorAsync(member, lease, cancellationToken);
        }

        return known;
    }

    private async ValueTask EnterAsync(MemberRow row, TimeSpan lease)
    {
        lock (_gate)
        {
            _own[row.Node.Node] = (row, lease);
        }

        await MirrorEverywhereAsync(row, lease);
    }

    private ValueTask MirrorDeathAsync(NodeIncarnation node) =>
        MirrorEverywhereAsync(new MemberRow(node, NodeState.Dead, "", [], _runtime.Time.GetUtcNow(), false), TimeSpan.Zero);

    private async ValueTask MirrorEverywhereAsync(MemberRow row, TimeSpan lease) =>
        await Waits.All(Enumerable.Range(1, _stores.Count - 1).Select(store => TryMirrorAsync(store, row, lease)));

    private async Task TryMirrorAsync(int store, MemberRow row, TimeSpan lease)
    {
        try
        {
            await _stores[store].MirrorAsync(row, lease);
        }
        catch (StoreException e)
        {
            LogNotMirrored(_log, e, store, row.Node.ToString());
        }
    }

    /// <summary>Beside the renewal, which must not wait for a slow store; one at a time for each store.</summary>
    private void RenewMirror(int store, string node)
    {
        (MemberRow Row, TimeSpan Lease) own;
        lock (_gate)
        {
            if (_mirroring[store])
            {
                return;
            }

            _mirroring[store] = true;
            own = _own[node];
        }

        _ = _runtime.Run(async () =>
        {
            try
            {
                await TryMirrorAsync(store, own.Row, own.Lease);
            }
            finally
            {
                lock (_gate)
                {
                    _mirroring[store] = false;
                }
            }
        });
    }
}
