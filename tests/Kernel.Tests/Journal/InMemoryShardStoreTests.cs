using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Journal;

public sealed class InMemoryShardStoreTests : ShardStoreContract
{
    protected override ValueTask<IShardStore> OpenAsync() => ValueTask.FromResult<IShardStore>(new InMemoryShardStore(TimeProvider.System));
}

public sealed class InMemoryClusterStoreTests : ClusterStoreContract
{
    private readonly ManualTime _time = new(DateTimeOffset.UnixEpoch);

    protected override ValueTask<IClusterStore> OpenAsync() => ValueTask.FromResult<IClusterStore>(new InMemoryShardStore(_time));

    protected override ValueTask PassAsync(TimeSpan time)
    {
        _time.Advance(time);
        return ValueTask.CompletedTask;
    }

    protected override async ValueTask<Task> StartSlowAppendAsync(IClusterStore store, ShardBatch batch)
    {
        ((InMemoryShardStore)store).Faults.Append = () => AppendFault.UnknownLate;
        (await store.AppendAsync([batch])).ShouldBe([AppendResult.Unknown]);
        ((InMemoryShardStore)store).Faults.Append = null;
        return Task.CompletedTask;
    }
}
