using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.Composite;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Journal;

public sealed class CompositeClusterStoreTests : ClusterStoreContract
{
    private readonly ManualTime _time = new(DateTimeOffset.UnixEpoch);
    private InMemoryShardStore[] _parts = [];

    [Fact]
    public async Task Shards_are_dealt_out_once_and_stay_when_a_store_is_added()
    {
        InMemoryShardStore[] parts = [new(_time), new(_time), new(_time)];
        await using var one = Compose(parts[0]);
        await one.PrepareShardsAsync("old", 4);
        await using var two = Compose(parts[0], parts[1]);
        var things = await two.PrepareShardsAsync("thing", 5);
        things.Select(row => (row.Number, row.ShardId >> 24)).ShouldBe([(0, 0), (1, 1), (2, 0), (3, 1), (4, 0)]);
        (await two.PrepareShardsAsync("old", 4)).ShouldAllBe(row => row.ShardId < 1 << 24);

        await using var three = Compose(parts);
        (await three.PrepareShardsAsync("thing", 5)).ShouldBe(things);
        (await three.PrepareShardsAsync("fresh", 3)).Select(row => row.ShardId >> 24).ShouldBe([0, 1, 2]);
        (await three.PrepareShardsAsync("single", 1)).Single().ShardId.ShouldBeLessThan(1 << 24);
        (await three.ListShardsAsync()).Count.ShouldBe(13);
        await Should.ThrowAsync<StoreRefusedException>(async () => await one.PrepareShardsAsync("thing", 5));
        await Should.ThrowAsync<StoreRefusedException>(async () => await three.PrepareShardsAsync("thing", 6));
    }

    [Fact]
    public async Task A_store_that_is_down_fails_its_own_shards_only()
    {
        InMemoryShardStore[] parts = [new(_time), new(_time)];
        await using var store = Compose(parts);
        var node = await UpAsync(store, "a");
        var shards = await store.PrepareShardsAsync("thing", 2);
        foreach (var row in shards)
        {
            (await store.ClaimAsync(row.ShardId, 0, node)).ShouldBe(1);
        }

        var rows = await store.ListShardsAsync();
        parts[1].Faults.Other = () => true;
        parts[1].Faults.Append = () => AppendFault.Fail;
        (await store.ListShardsAsync()).ShouldBe(rows);
        (await store.RenewAsync(node, Lease)).ShouldBeTrue();
        (await store.AppendAsync([Batch(shards[0].ShardId, 1, 1, "a"), Batch(shards[1].ShardId, 1, 1, "b")])).ShouldBe([AppendResult.Committed, AppendResult.Unknown]);
        await Should.ThrowAsync<StoreException>(async () => await store.AppendAsync([Batch(shards[1].ShardId, 1, 1, "b")]));
        (await AppendAsync(store, shards[0].ShardId, 1, 2, "c")).ShouldBe(AppendResult.Committed);
        (await UpAsync(store, "b")).Incarnation.ShouldBe(1, "a node may start without it");
    }

    [Fact]
    public async Task A_node_whose_lease_is_not_extended_in_the_first_store_cannot_claim_in_another()
    {
        InMemoryShardStore[] parts = [new(_time), new(_time)];
        await using var store = Compose(parts);
        var shard = (await store.PrepareShardsAsync("thing", 2))[1].ShardId;
        var node = await UpAsync(store, "a");
        await using var other = Compose(parts);
        (await other.DeclareDeadAsync(node)).ShouldBeTrue();
        (await store.RenewAsync(node, Lease)).ShouldBeFalse();
        (await store.ClaimAsync(shard, 0, node)).ShouldBeNull("its death was told to the shard's store, too");

        var again = await UpAsync(store, "a");
        (await store.ClaimAsync(shard, 0, again)).ShouldBe(1);
        parts[1].Faults.Other = () => true;
        await other.DeclareDeadAsync(again);
        parts[1].Faults.Other = null;
        (await store.RenewAsync(again, Lease)).ShouldBeFalse();
        await PassAsync(Lease * 2);
        (await store.ClaimAsync(shard, 1, again)).ShouldBeNull("nobody could tell the shard's store, and its lease there ran out");
    }

    protected override ValueTask<IClusterStore> OpenAsync()
    {
        _parts = [new(_time), new(_time), new(_time)];
        return ValueTask.FromResult<IClusterStore>(Compose(_parts));
    }

    protected override ValueTask PassAsync(TimeSpan time)
    {
        _time.Advance(time);
        return ValueTask.CompletedTask;
    }

    protected override async ValueTask<Task> StartSlowAppendAsync(IClusterStore store, ShardBatch batch)
    {
        var part = _parts[batch.ShardId >> 24];
        part.Faults.Append = () => AppendFault.UnknownLate;
        (await store.AppendAsync([batch])).ShouldBe([AppendResult.Unknown]);
        part.Faults.Append = null;
        return Task.CompletedTask;
    }

    private static CompositeShardStore Compose(params InMemoryShardStore[] parts) => new(parts, SystemRuntime.Instance, NullLogger.Instance);
}

public sealed class CompositeShardStoreTests : ShardStoreContract
{
    private readonly InMemoryShardStore _first = new(TimeProvider.System);

    protected override ValueTask<IShardStore> OpenAsync() => ValueTask.FromResult<IShardStore>(
        new CompositeShardStore([_first, new InMemoryShardStore(TimeProvider.System)], SystemRuntime.Instance, NullLogger.Instance));

    /// <summary>Whoever opens the stores gives out the first one's.</summary>
    protected override IBlobTable Blobs(IShardStore store) => _first;
}
