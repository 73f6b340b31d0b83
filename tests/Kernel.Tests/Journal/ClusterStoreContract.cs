using System.Text;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Tests.Journal;

/// <summary>What a store must do that several nodes share: who is a member, and who may own a shard.</summary>
public abstract class ClusterStoreContract
{
    protected static readonly TimeSpan Lease = TimeSpan.FromHours(1);

    protected abstract ValueTask<IClusterStore> OpenAsync();

    /// <summary>Lets the store's clock go on.</summary>
    protected abstract ValueTask PassAsync(TimeSpan time);

    /// <summary>Sends an append that reaches the store and stays under way there until the shard is next claimed, or a little longer.</summary>
    protected abstract ValueTask<Task> StartSlowAppendAsync(IClusterStore store, ShardBatch batch);

    [Fact]
    public async Task A_node_joins_goes_up_drains_and_leaves_and_never_goes_back()
    {
        await using var store = await OpenAsync();
        var node = await store.JoinAsync(Join("a"));
        (await OneAsync(store)).State.ShouldBe(NodeState.Joining);

        (await store.ChangeStateAsync(node, NodeState.Up)).ShouldBeTrue();
        (await store.ChangeStateAsync(node, NodeState.Up)).ShouldBeTrue("saying it again does no harm");
        (await store.ChangeStateAsync(node, NodeState.Joining)).ShouldBeFalse();
        (await store.ChangeStateAsync(node, NodeState.Draining)).ShouldBeTrue();
        (await store.ChangeStateAsync(node, NodeState.Up)).ShouldBeFalse();
        (await store.RenewAsync(node, Lease)).ShouldBeTrue("a draining node still needs its lease");
        (await store.ChangeStateAsync(node, NodeState.Left)).ShouldBeTrue();
        (await store.RenewAsync(node, Lease)).ShouldBeFalse();
        (await store.DeclareDeadAsync(node)).ShouldBeFalse("who has left is not dead");
        (await OneAsync(store)).State.ShouldBe(NodeState.Left);
    }

    [Fact]
    public async Task Members_are_listed_by_their_joining_with_what_they_said_of_themselves()
    {
        await using var store = await OpenAsync();
        await store.JoinAsync(Join("b", "gateway", "shards"));
        await PassAsync(TimeSpan.FromSeconds(1));
        var a = await store.JoinAsync(Join("a"));
        await PassAsync(TimeSpan.FromSeconds(1));
        await store.JoinAsync(Join("c"));

        var members = await store.ListMembersAsync();
        members.Select(member => member.Node.Node).ShouldBe(["b", "a", "c"]);
        members[0].Roles.ShouldBe(["gateway", "shards"]);
        members[0].Address.ShouldBe("b:4711");
        members.ShouldAllBe(member => !member.Expired);

        await PassAsync(TimeSpan.FromSeconds(1));
        await store.JoinAsync(Join("b"));
        (await store.ListMembersAsync()).Select(member => member.Node.Node).ShouldBe(["a", "c", "b"], "a restarted node is the youngest");
        (await store.ListMembersAsync())[0].Node.ShouldBe(a);
    }

    [Fact]
    public async Task Two_living_nodes_cannot_have_one_address()
    {
        await using var store = await OpenAsync();
        var a = await store.JoinAsync(Join("a"));
        var clash = Join("b") with { Address = "a:4711" };
        var refusal = await Should.ThrowAsync<StoreRefusedException>(async () => await store.JoinAsync(clash));
        refusal.Message.ShouldContain("a:4711");
        refusal.Message.ShouldContain("node a");

        await store.JoinAsync(Join("a"));
        (await store.RenewAsync(a, Lease)).ShouldBeFalse("its own next life may have it");
        await PassAsync(Lease * 2);
        await store.JoinAsync(clash);
    }

    [Fact]
    public async Task A_lease_that_ran_out_cannot_be_renewed_and_its_holder_is_buried_once()
    {
        await using var store = await OpenAsync();
        var a = await UpAsync(store, "a");
        var b = await UpAsync(store, "b");
        await PassAsync(Lease * 0.7);
        (await store.RenewAsync(b, Lease)).ShouldBeTrue();
        (await store.BuryAsync()).ShouldBeEmpty();
        await PassAsync(Lease * 0.7);

        (await store.ListMembersAsync()).Single(member => member.Node == a).Expired.ShouldBeTrue();
        (await store.RenewAsync(a, Lease)).ShouldBeFalse();
        (await store.ChangeStateAsync(a, NodeState.Draining)).ShouldBeFalse();
        (await store.BuryAsync()).ShouldBe([a]);
        (await store.BuryAsync()).ShouldBeEmpty();
        var row = (await store.ListMembersAsync()).Single(member => member.Node == a);
        (row.State, row.Expired).ShouldBe((NodeState.Dead, true));
        (await store.ChangeStateAsync(a, NodeState.Left)).ShouldBeFalse("dead is final");
        (await store.RenewAsync(b, Lease)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_member_can_be_declared_dead_and_only_its_next_life_comes_back()
    {
        await using var store = await OpenAsync();
        var a = await UpAsync(store, "a");
        (await store.DeclareDeadAsync(a)).ShouldBeTrue();
        (await store.DeclareDeadAsync(a)).ShouldBeFalse();
        (await store.RenewAsync(a, Lease)).ShouldBeFalse();
        (await store.ListMembersAsync()).Single().Expired.ShouldBeFalse("it may not have heard of it yet, and answer until its lease is over");
        await PassAsync(Lease * 1.2);
        (await store.ListMembersAsync()).Single().Expired.ShouldBeTrue();

        var again = await UpAsync(store, "a");
        again.Incarnation.ShouldBe(a.Incarnation + 1);
        (await store.DeclareDeadAsync(a)).ShouldBeFalse("an old death does not hit the new life");
        (await store.RenewAsync(a, Lease)).ShouldBeFalse();
        (await store.RenewAsync(again, Lease)).ShouldBeTrue();
    }

    [Fact]
    public async Task Who_ended_long_ago_is_no_longer_listed_but_keeps_its_incarnation()
    {
        await using var store = await OpenAsync();
        var a = await UpAsync(store, "a");
        await store.ChangeStateAsync(a, NodeState.Left);
        await PassAsync(MemberRow.ListedAfterEnd / 2);
        (await store.ListMembersAsync()).Count.ShouldBe(1);
        await PassAsync(MemberRow.ListedAfterEnd);
        (await store.ListMembersAsync()).ShouldBeEmpty();
        (await store.JoinAsync(Join("a"))).Incarnation.ShouldBe(2);
    }

    [Fact]
    public async Task Only_a_member_that_is_up_may_claim()
    {
        await using var store = await OpenAsync();
        var shards = await store.PrepareShardsAsync("thing", 3);
        (await store.ListShardsAsync()).ShouldBe(shards);
        var joining = await store.JoinAsync(Join("joining"));
        (await store.ClaimAsync(shards[0].ShardId, 0, joining)).ShouldBeNull();

        var up = await UpAsync(store, "up");
        (await store.ClaimAsync(shards[0].ShardId, 0, up)).ShouldBe(1);
        (await store.ClaimAsync(shards[1].ShardId, 0, up with { Incarnation = 7 })).ShouldBeNull();
        (await store.ClaimAsync(shards[1].ShardId, 0, new NodeIncarnation("nobody", 1))).ShouldBeNull();

        await store.ChangeStateAsync(up, NodeState.Draining);
        (await store.ClaimAsync(shards[1].ShardId, 0, up)).ShouldBeNull("a draining node takes nothing more");
        (await store.ClaimAsync(shards[0].ShardId, 1, up)).ShouldBe(2, "but clears up what it has");
        (await store.ReleaseAsync(shards[0].ShardId, 2)).ShouldBeTrue();
        (await store.ClaimAsync(shards[0].ShardId, 3, up)).ShouldBeNull();
    }

    [Fact]
    public async Task An_expired_or_dead_claimer_gets_nothing()
    {
        await using var store = await OpenAsync();
        var shard = (await store.PrepareShardsAsync("thing", 1))[0].ShardId;
        var expired = await UpAsync(store, "expired");
        (await store.ClaimAsync(shard, 0, expired)).ShouldBe(1);
        await PassAsync(Lease * 2);
        (await store.ClaimAsync(shard, 1, expired)).ShouldBeNull();
        await store.BuryAsync();
        (await store.ClaimAsync(shard, 1, expired)).ShouldBeNull();

        var next = await UpAsync(store, "expired");
        (await store.ClaimAsync(shard, 1, next)).ShouldBe(2);
        (await store.FindShardAsync(shard)).Owner.ShouldBe(next);
        await store.DeclareDeadAsync(next);
        (await store.ClaimAsync(shard, 2, next)).ShouldBeNull();
    }

    [Fact]
    public async Task A_stale_append_that_arrives_after_the_takeover_writes_nothing()
    {
        await using var store = await OpenAsync();
        var shard = (await store.PrepareShardsAsync("thing", 1))[0].ShardId;
        var (old, young) = (await UpAsync(store, "old"), await UpAsync(store, "young"));
        await store.ClaimAsync(shard, 0, old);
        (await AppendAsync(store, shard, 1, 1, "a")).ShouldBe(AppendResult.Committed);
        (await store.ClaimAsync(shard, 1, young)).ShouldBe(2);

        (await AppendAsync(store, shard, 1, 2, "late")).ShouldBe(AppendResult.Fenced);
        (await store.LastShardSeqAsync(shard)).ShouldBe(1);
        (await AppendAsync(store, shard, 2, 2, "b")).ShouldBe(AppendResult.Committed);
    }

    [Fact]
    public async Task A_takeover_waits_for_an_append_that_is_under_way_and_reads_it()
    {
        await using var store = await OpenAsync();
        var shard = (await store.PrepareShardsAsync("thing", 1))[0].ShardId;
        var (old, young) = (await UpAsync(store, "old"), await UpAsync(store, "young"));
        await store.ClaimAsync(shard, 0, old);
        var slow = await StartSlowAppendAsync(store, Batch(shard, 1, 1, "slow"));

        (await store.ClaimAsync(shard, 1, young)).ShouldBe(2);
        (await store.ReadShardAsync(shard, 0, PageLimit.Default)).Select(r => (r.Entity, r.Epoch)).ShouldBe([("slow", 1L)], "whatever the new owner reads is all there will be");
        await slow;
        (await store.LastShardSeqAsync(shard)).ShouldBe(1);
        (await AppendAsync(store, shard, 2, 2, "b")).ShouldBe(AppendResult.Committed);
    }

    [Fact]
    public async Task One_poisoned_batch_does_not_fail_its_neighbours()
    {
        await using var store = await OpenAsync();
        var shards = await store.PrepareShardsAsync("thing", 8);
        var node = await UpAsync(store, "a");
        foreach (var row in shards)
        {
            await store.ClaimAsync(row.ShardId, 0, node);
        }

        await AppendAsync(store, shards[3].ShardId, 1, 1, "a");
        var lane = new GroupCommitLane(store, SystemRuntime.Instance, new GroupCommitOptions());

        // The first is under way alone while the others gather into one statement; the fourth says again what is there.
        var appends = shards.Select(row => lane.AppendAsync(Batch(row.ShardId, 1, row.Number == 3 ? 2 : 1, "a"))).ToArray();
        (await Task.WhenAll(appends)).ShouldBe([.. shards.Select(row => row.Number == 3 ? AppendResult.Conflict : AppendResult.Committed)]);
        (await store.LastShardSeqAsync(shards[3].ShardId)).ShouldBe(1);
        (await store.LastShardSeqAsync(shards[4].ShardId)).ShouldBe(1);
    }

    [Fact]
    public async Task A_member_of_another_store_is_judged_by_its_mirrored_row()
    {
        await using var store = await OpenAsync();
        var shard = (await store.PrepareShardsAsync("thing", 4, [1, 3]))[0];
        shard.Number.ShouldBe(1);
        await Should.ThrowAsync<StoreRefusedException>(async () => await store.PrepareShardsAsync("thing", 4, [0, 2]));
        await Should.ThrowAsync<StoreRefusedException>(async () => await store.PrepareShardsAsync("thing", 5, [1, 3]));
        var row = new MemberRow(new NodeIncarnation("a", 5), NodeState.Joining, "a:1", [], new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), false);
        (await store.MirrorAsync(row, Lease)).ShouldBeTrue();
        (await store.ClaimAsync(shard.ShardId, 0, row.Node)).ShouldBeNull();
        row = row with { State = NodeState.Up };
        (await store.MirrorAsync(row, Lease)).ShouldBeTrue();
        (await store.ClaimAsync(shard.ShardId, 0, row.Node)).ShouldBe(1);
        await PassAsync(Lease * 2);
        (await store.ClaimAsync(shard.ShardId, 1, row.Node)).ShouldBeNull();
        (await store.MirrorAsync(row, Lease)).ShouldBeTrue("the store that decides says that it lives");
        (await store.ClaimAsync(shard.ShardId, 1, row.Node)).ShouldBe(2);

        await store.MirrorAsync(row with { State = NodeState.Dead }, Lease);
        (await store.MirrorAsync(row, Lease)).ShouldBeFalse();
        (await store.MirrorAsync(row with { Node = row.Node with { Incarnation = 4 } }, Lease)).ShouldBeFalse();
        (await store.MirrorAsync(row with { Node = row.Node with { Incarnation = 6 } }, Lease)).ShouldBeTrue();
    }

    protected static NodeJoin Join(string node, params string[] roles) => new(node, $"{node}:4711", roles, Lease);

    protected static async Task<NodeIncarnation> UpAsync(IClusterStore store, string name)
    {
        var node = await store.JoinAsync(Join(name));
        (await store.ChangeStateAsync(node, NodeState.Up)).ShouldBeTrue();
        return node;
    }

    protected static ShardBatch Batch(int shard, long epoch, long first, string entity, string payload = "{}") =>
        new(shard, epoch, first, [new NewEvent(entity, 1, null, default, Encoding.UTF8.GetBytes(payload), DateTimeOffset.UnixEpoch)], []);

    protected static async Task<AppendResult> AppendAsync(IClusterStore store, int shard, long epoch, long first, string entity) =>
        (await store.AppendAsync([Batch(shard, epoch, first, entity)])).Single();

    private static async Task<MemberRow> OneAsync(IClusterStore store) => (await store.ListMembersAsync()).ShouldHaveSingleItem();
}
