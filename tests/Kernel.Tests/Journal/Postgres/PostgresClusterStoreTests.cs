using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Tests.Journal.Postgres;

public sealed class PostgresClusterStoreTests : ClusterStoreContract
{
    private PostgresDatabase? _database;

    protected override async ValueTask<IClusterStore> OpenAsync()
    {
        _database = await PostgresDatabase.CreateAsync();
        return await _database.OpenPatientAsync();
    }

    /// <summary>Nobody sets a server's clock for a test: everything in the rows becomes older instead.</summary>
    protected override async ValueTask PassAsync(TimeSpan time) => await _database!.ExecuteAsync(
        $"UPDATE node SET expires_at = expires_at - i, joined_at = joined_at - i, changed_at = changed_at - i FROM make_interval(secs => {time.TotalSeconds}) AS i");

    protected override async ValueTask<Task> StartSlowAppendAsync(IClusterStore store, ShardBatch batch)
    {
        var gate = await _database!.BlockAppendsAsync();
        var append = store.AppendAsync([batch]).AsTask();
        await _database.WaitingAsync("append");
        return FinishAsync();

        async Task FinishAsync()
        {
            await _database.WaitingAsync("query");
            await gate.DisposeAsync();
            (await append).ShouldBe([AppendResult.Committed]);
        }
    }
}
