namespace RagCluster.Kernel.Journal;

/// <summary>What a node says of itself when it joins.</summary>
/// <param name="Node">Its name; a restart under the same name is a new incarnation.</param>
/// <param name="Address">Where its transport is reached, "host:port".</param>
/// <param name="Roles">What it is for, such as "gateway"; in ordinal order.</param>
/// <param name="Lease">How long the row is valid without renewal, by the store's clock.</param>
public sealed record NodeJoin(string Node, string Address, IReadOnlyList<string> Roles, TimeSpan Lease);

/// <summary>A row of the membership table, as the store's clock judged it when it was read.</summary>
/// <param name="JoinedAt">By the store's clock; the oldest member is the first by this, then by name.</param>
/// <param name="Expired">
/// The lease is over. One that is not dead in the row may be called so from now on; one that was declared dead before its
/// lease was over may have answered reads until now. False for one that has left.
/// </param>
public sealed record MemberRow(
    NodeIncarnation Node, NodeState State, string Address, IReadOnlyList<string> Roles, DateTimeOffset JoinedAt, bool Expired)
{
    /// <summary>How long a member that is dead or has left stays in the list, for people to see.</summary>
    public static readonly TimeSpan ListedAfterEnd = TimeSpan.FromHours(24);
}

/// <summary>
/// A store that several nodes share: the shards, and the rows that say which nodes live. Only the store's clock writes
/// or judges a lease; leases decide liveness and the freshness of reads, never the safety of writes.
/// </summary>
/// <remarks>
/// <para>Here <see cref="IShardStore.ClaimAsync"/> takes effect only for a claimer whose own row is up, or draining if
/// it already owns the shard (it resolves a doubt); otherwise it answers null, as where the epoch differs.</para>
/// <para><see cref="IShardStore.ChangeStateAsync"/> goes joining, up, draining, left and never back; the state that it
/// has already is answered with true. Dead and left are final. Who is expired can only leave.</para>
/// <para>A claim, release, snapshot or change of state that throws <see cref="StoreFailure.Unreachable"/> may have taken
/// effect, or may still do so before the row's next change: read the row again.</para>
/// </remarks>
public interface IClusterStore : IShardStore
{
    /// <summary>Begins a new life of the node, in state joining, with its lease running. Its earlier incarnations are dead from now on.</summary>
    /// <exception cref="StoreRefusedException">Another node that is alive has the same address.</exception>
    ValueTask<NodeIncarnation> JoinAsync(NodeJoin join, CancellationToken cancellationToken = default);

    /// <summary>Extends the lease from now. False if this incarnation is dead, has left, or is expired: it must stop.</summary>
    ValueTask<bool> RenewAsync(NodeIncarnation node, TimeSpan lease, CancellationToken cancellationToken = default);

    /// <summary>All members that are not long gone, in the order of their joining.</summary>
    ValueTask<IReadOnlyList<MemberRow>> ListMembersAsync(CancellationToken cancellationToken = default);

    /// <summary>Says of every member whose lease is over that it is dead; gives those for whom this call was first.</summary>
    ValueTask<IReadOnlyList<NodeIncarnation>> BuryAsync(CancellationToken cancellationToken = default);

    /// <summary>Declares a member dead before its lease is over, as an operator does. False if it was not alive.</summary>
    ValueTask<bool> DeclareDeadAsync(NodeIncarnation node, CancellationToken cancellationToken = default);

    /// <summary>
    /// Writes down a member whose membership another store decides, with a lease by this store's clock, so that its
    /// claims are judged here. Never takes a state back. False if a later incarnation is known here, or this one as dead or left.
    /// </summary>
    ValueTask<bool> MirrorAsync(MemberRow member, TimeSpan lease, CancellationToken cancellationToken = default);

    /// <summary>The shards of these numbers, of a type that has <paramref name="shards"/> in all over several stores; created when the type is new here.</summary>
    /// <exception cref="StoreRefusedException">The type has another number of shards, or other ones here.</exception>
    ValueTask<IReadOnlyList<ShardRow>> PrepareShardsAsync(string entityType, int shards, IReadOnlyList<int> numbers, CancellationToken cancellationToken = default);

    /// <summary>Every shard of every type, in order of id.</summary>
    ValueTask<IReadOnlyList<ShardRow>> ListShardsAsync(CancellationToken cancellationToken = default);
}
