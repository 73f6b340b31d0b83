using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;

namespace RagCluster.Kernel.Tests.Journal;

public sealed class InMemoryShardStoreTests : ShardStoreContract
{
    protected override ValueTask<IShardStore> OpenAsync() => ValueTask.FromResult<IShardStore>(new InMemoryShardStore(TimeProvider.System));
}
