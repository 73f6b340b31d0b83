using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Tests.Journal.Postgres;

public sealed class PostgresShardStoreTests : ShardStoreContract
{
    protected override async ValueTask<IShardStore> OpenAsync() => await (await PostgresDatabase.CreateAsync()).OpenAsync();
}
