using System.Text;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Tests.Journal;

/// <summary>What every engine must do. A new engine derives from this and passes it all.</summary>
public abstract class ShardStoreContract
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);

    protected abstract ValueTask<IShardStore> OpenAsync();

    protected virtual IBlobTable Blobs(IShardStore store) => (IBlobTable)store;

    [Fact]
    public async Task An_append_is_read_back_by_entity_and_by_shard()
    {
        await using var store = await OpenAsync();
        var (shard, epoch) = await ClaimedAsync(store);

        (await AppendAsync(store, shard, epoch, 1, Event("a", 1), Event("b", 1), Event("a", 2, "command-7", "\"done\""))).ShouldBe(AppendResult.Committed);

        var log = await store.ReadShardAsync(shard, 0, PageLimit.Default);
        log.Select(r => (r.ShardSeq, r.Entity, r.Seq, r.Epoch)).ShouldBe([(1L, "a", 1L, epoch), (2, "b", 1, epoch), (3, "a", 2, epoch)]);
        log[0].CommandId.ShouldBeNull();
        log[0].Reply.Length.ShouldBe(0);
        log[2].CommandId.ShouldBe("command-7");
        Text(log[2].Reply).ShouldBe("\"done\"");
        Text(log[2].Payload).ShouldBe("{\"n\":2}");
        log[2].At.ShouldBe(At);
        (await store.ReadEntityAsync(shard, "a", 1, PageLimit.Default)).Single().Seq.ShouldBe(2);
        (await store.LastShardSeqAsync(shard)).ShouldBe(3);
    }

    [Fact]
    public async Task The_first_value_of_a_setting_holds_until_it_is_replaced()
    {
        await using var store = await OpenAsync();
        (await store.AgreeAsync("spread", "4", replace: false)).ShouldBe("4");
        (await store.AgreeAsync("spread", "5", replace: false)).ShouldBe("4");
        (await store.AgreeAsync("other", "6", replace: false)).ShouldBe("6");
        (await store.AgreeAsync("spread", "7", replace: true)).ShouldBe("7");
        (await store.AgreeAsync("spread", "4", replace: false)).ShouldBe("7");
    }

    [Fact]
    public async Task Pages_are_bounded_and_continue_where_they_stopped()
    {
        await using var store = await OpenAsync();
        var (shard, epoch) = await ClaimedAsync(store);
        await AppendAsync(store, shard, epoch, 1, [.. Enumerable.Range(1, 25).Select(n => Event("a", n))]);

        var seen = new List<long>();
        for (long after = 0; await store.ReadShardAsync(shard, after, new PageLimit(10, int.MaxValue)) is { Count: > 0 } page; after = page[^1].ShardSeq)
        {
            page.Count.ShouldBeLessThanOrEqualTo(10);
            seen.AddRange(page.Select(r => r.ShardSeq));
        }

        seen.ShouldBe(Enumerable.Range(1, 25).Select(n => (long)n));
        (await store.ReadEntityAsync(shard, "a", 0, new PageLimit(1000, 1))).Count.ShouldBe(1, "one record comes even where it is larger than the page");
    }

    [Fact]
    public async Task An_older_epoch_is_fenced_and_its_neighbours_are_not()
    {
        await using var store = await OpenAsync();
        var shards = await store.PrepareShardsAsync("thing", 2);
        var old = await store.JoinAsync("old");
        var young = await store.JoinAsync("young");
        var oldEpoch = (await store.ClaimAsync(shards[0].ShardId, 0, old)).ShouldNotBeNull();
        var neighbour = (await store.ClaimAsync(shards[1].ShardId, 0, old)).ShouldNotBeNull();
        var newEpoch = (await store.ClaimAsync(shards[0].ShardId, oldEpoch, young)).ShouldNotBeNull();
        newEpoch.ShouldBeGreaterThan(oldEpoch);

        var results = await store.AppendAsync(
        [
            new ShardBatch(shards[0].ShardId, oldEpoch, 1, [Event("a", 1)], [new RememberedChange("a", true)]),
            new ShardBatch(shards[1].ShardId, neighbour, 1, [Event("b", 1)], []),
        ]);

        results.ShouldBe([AppendResult.Fenced, AppendResult.Committed]);
        (await store.LastShardSeqAsync(shards[0].ShardId)).ShouldBe(0);
        (await store.ListRememberedAsync(shards[0].ShardId)).ShouldBeEmpty();
        (await store.LastShardSeqAsync(shards[1].ShardId)).ShouldBe(1);
        (await AppendAsync(store, shards[0].ShardId, newEpoch, 1, Event("a", 1))).ShouldBe(AppendResult.Committed);
    }

    [Fact]
    public async Task A_number_that_is_taken_or_leaves_a_gap_conflicts_and_writes_nothing_of_its_batch()
    {
        await using var store = await OpenAsync();
        var shards = await store.PrepareShardsAsync("thing", 4);
        var node = await store.JoinAsync("node");
        foreach (var shard in shards)
        {
            await store.ClaimAsync(shard.ShardId, 0, node);
        }

        await AppendAsync(store, shards[0].ShardId, 1, 1, Event("a", 1));

        var results = await store.AppendAsync(
        [
            new ShardBatch(shards[0].ShardId, 1, 2, [Event("a", 2), Event("a", 1)], [new RememberedChange("a", true)]),
            new ShardBatch(shards[1].ShardId, 1, 1, [Event("b", 1)], []),
            new ShardBatch(shards[2].ShardId, 1, 2, [Event("c", 1)], []),
        ]);

        // An engine may blame the whole statement; then nothing of it is there.
        var tellsApart = results[1] == AppendResult.Committed;
        results.ShouldBe([AppendResult.Conflict, tellsApart ? AppendResult.Committed : AppendResult.Conflict, AppendResult.Conflict]);
        (await store.LastShardSeqAsync(shards[0].ShardId)).ShouldBe(1);
        (await store.ListRememberedAsync(shards[0].ShardId)).ShouldBeEmpty();
        (await store.LastShardSeqAsync(shards[1].ShardId)).ShouldBe(tellsApart ? 1 : 0);
        (await store.LastShardSeqAsync(shards[2].ShardId)).ShouldBe(0);
        (await AppendAsync(store, shards[0].ShardId, 1, 1, Event("z", 1))).ShouldBe(AppendResult.Conflict, "the shard's number 1 is taken");
    }

    [Fact]
    public async Task A_claim_is_a_compare_and_set()
    {
        await using var store = await OpenAsync();
        var shard = (await store.PrepareShardsAsync("thing", 1))[0];
        shard.Owner.ShouldBeNull();
        shard.Epoch.ShouldBe(0);
        var node = await store.JoinAsync("node");

        (await store.ClaimAsync(shard.ShardId, 0, node)).ShouldBe(1);
        (await store.ClaimAsync(shard.ShardId, 0, node)).ShouldBeNull();
        (await store.FindShardAsync(shard.ShardId)).ShouldBe(new ShardRow(shard.ShardId, "thing", 0, node, 1));
        (await store.ReleaseAsync(shard.ShardId, 7)).ShouldBeFalse();
        (await store.ReleaseAsync(shard.ShardId, 1)).ShouldBeTrue();
        (await store.FindShardAsync(shard.ShardId)).ShouldBe(new ShardRow(shard.ShardId, "thing", 0, null, 2));
        (await AppendAsync(store, shard.ShardId, 1, 1, Event("a", 1))).ShouldBe(AppendResult.Fenced);
    }

    [Fact]
    public async Task The_number_of_shards_is_frozen_for_each_type()
    {
        await using var store = await OpenAsync();
        var things = await store.PrepareShardsAsync("thing", 3);
        var others = await store.PrepareShardsAsync("other", 2);
        things.Concat(others).Select(s => s.ShardId).Distinct().Count().ShouldBe(5);

        (await store.PrepareShardsAsync("thing", 3)).ShouldBe(things);
        var refusal = await Should.ThrowAsync<StoreRefusedException>(async () => await store.PrepareShardsAsync("thing", 4));
        refusal.Message.ShouldContain("configure 3");
    }

    [Fact]
    public async Task Remembered_entities_follow_the_appends()
    {
        await using var store = await OpenAsync();
        var (shard, epoch) = await ClaimedAsync(store);
        await store.AppendAsync([new ShardBatch(shard, epoch, 1, [Event("b", 1), Event("a", 1)], [new("b", true), new("a", true)])]);
        await store.AppendAsync([new ShardBatch(shard, epoch, 3, [Event("b", 2)], [new("b", true)])]);
        (await store.ListRememberedAsync(shard)).ShouldBe(["a", "b"]);

        await store.AppendAsync([new ShardBatch(shard, epoch, 4, [Event("a", 2)], [new("a", false)])]);
        (await store.ListRememberedAsync(shard)).ShouldBe(["b"]);
    }

    [Fact]
    public async Task The_latest_snapshot_is_kept_and_an_old_owner_cannot_save_one()
    {
        await using var store = await OpenAsync();
        var (shard, epoch) = await ClaimedAsync(store);
        (await store.LoadSnapshotAsync(shard, "a")).ShouldBeNull();

        (await store.SaveSnapshotAsync(shard, epoch, Snap("a", 3, []))).ShouldBeTrue();
        (await store.SaveSnapshotAsync(shard, epoch, Snap("a", 9, [1, 2, 3]))).ShouldBeTrue();
        (await store.SaveSnapshotAsync(shard, epoch - 1, Snap("a", 10, []))).ShouldBeFalse();

        var loaded = (await store.LoadSnapshotAsync(shard, "a")).ShouldNotBeNull();
        (loaded.Seq, Text(loaded.State), Text(loaded.Commands), loaded.At).ShouldBe((9, "{\"state\":9}", "[]", At));
        loaded.Attachment.ToArray().ShouldBe([1, 2, 3]);
        await store.DeleteSnapshotAsync(shard, "a");
        (await store.LoadSnapshotAsync(shard, "a")).ShouldBeNull();
    }

    [Fact]
    public async Task A_restarted_node_is_a_new_incarnation_and_the_old_one_cannot_come_back()
    {
        await using var store = await OpenAsync();
        var first = await store.JoinAsync("node");
        var second = await store.JoinAsync("node");
        second.Incarnation.ShouldBe(first.Incarnation + 1);

        (await store.ChangeStateAsync(first, NodeState.Draining)).ShouldBeFalse();
        (await store.ChangeStateAsync(second, NodeState.Draining)).ShouldBeTrue();
        (await store.ChangeStateAsync(second, NodeState.Left)).ShouldBeTrue();
        (await store.ChangeStateAsync(second, NodeState.Up)).ShouldBeFalse();
        (await store.ListNodesAsync()).ShouldBe([new NodeRow("node", second.Incarnation, NodeState.Left, null)]);
    }

    [Fact]
    public async Task Small_blobs_are_kept_by_id()
    {
        await using var store = await OpenAsync();
        var blobs = Blobs(store);
        await blobs.SaveBlobAsync("x", new byte[] { 1, 2 });
        await blobs.SaveBlobAsync("x", new byte[] { 1, 2 });
        await blobs.SaveBlobAsync("empty", ReadOnlyMemory<byte>.Empty);

        (await blobs.LoadBlobAsync("x")).ShouldNotBeNull().ToArray().ShouldBe([1, 2]);
        (await blobs.BlobLengthAsync("x")).ShouldBe(2);
        (await blobs.LoadBlobAsync("empty")).ShouldNotBeNull().Length.ShouldBe(0);
        (await blobs.LoadBlobAsync("y")).ShouldBeNull();
        (await blobs.BlobLengthAsync("y")).ShouldBeNull();
        (await blobs.DeleteBlobAsync("x")).ShouldBeTrue();
        (await blobs.DeleteBlobAsync("x")).ShouldBeFalse();
    }

    [Fact]
    public async Task Any_text_may_name_an_entity()
    {
        await using var store = await OpenAsync();
        var (shard, epoch) = await ClaimedAsync(store);
        string[] names = ["a/b", "ä", "\u4e2d\u6587", new string('x', 512), "'; DROP TABLE journal; --", "emoji \ud83d\ude00"];
        await AppendAsync(store, shard, epoch, 1, [.. names.Select(name => Event(name, 1))]);

        foreach (var name in names)
        {
            (await store.ReadEntityAsync(shard, name, 0, PageLimit.Default)).Single().Entity.ShouldBe(name);
        }
    }

    protected static NewEvent Event(string entity, long seq, string? commandId = null, string reply = "") =>
        new(entity, seq, commandId, Encoding.UTF8.GetBytes(reply), Encoding.UTF8.GetBytes($"{{\"n\":{seq}}}"), At);

    protected static async Task<(int Shard, long Epoch)> ClaimedAsync(IShardStore store)
    {
        var shard = (await store.PrepareShardsAsync("thing", 1))[0];
        return (shard.ShardId, (await store.ClaimAsync(shard.ShardId, shard.Epoch, await store.JoinAsync("node"))).ShouldNotBeNull());
    }

    protected static async Task<AppendResult> AppendAsync(IShardStore store, int shard, long epoch, long first, params NewEvent[] events) =>
        (await store.AppendAsync([new ShardBatch(shard, epoch, first, events, [])])).Single();

    private static Snapshot Snap(string entity, long seq, byte[] attachment) =>
        new(entity, seq, Encoding.UTF8.GetBytes($"{{\"state\":{seq}}}"), "[]"u8.ToArray(), attachment, At);

    private static string Text(ReadOnlyMemory<byte> utf8) => Encoding.UTF8.GetString(utf8.Span);
}
