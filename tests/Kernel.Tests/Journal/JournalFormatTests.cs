using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Journal.Sqlite;
using RagCluster.Kernel.Tests.Entities;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Journal;

/// <summary>
/// What is on disk stays readable: a data folder outlives the program that wrote it. If this test fails, a released
/// format changed; add a migration or a new event instead. The text is what "sqlite3 store.db" shows.
/// </summary>
public sealed class JournalFormatTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Rows_look_as_they_always_did()
    {
        var time = new ManualTime(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
        var runtime = new FixedTimeRuntime(time);
        await using (var store = SqliteShardStore.Open(new SqliteStoreOptions { Folder = _folder.Path }, runtime, NullLogger<SqliteShardStore>.Instance))
        {
            var node = await AccountNode.StartAsync(runtime, store, new() { Shards = 2, SnapshotEvery = 3 });
            await node.AskAsync("alice", new Deposit(2_000_000), "first");
            await node.AskAsync("alice", new Withdraw(5));
            await node.AskAsync("alice", new Deposit(7), "third");
            await Retry.Until("the snapshot is saved", async () => await store.LoadSnapshotAsync(1, "alice") is not null || await store.LoadSnapshotAsync(2, "alice") is not null);
        }

        Rows("SELECT shard_id, shard_seq, position, entity, seq, epoch, command_id, reply, payload, at FROM journal ORDER BY position").ShouldBe(
            """
            1|1|1099511627777|alice|1|1|first|{"done":true,"balance":2000000}|{"type":"deposited","amount":2000000}|1767323045000
            1|2|1099511627778|alice|2|1|||{"type":"withdrawn","amount":5}|1767323045000
            1|3|1099511627779|alice|3|1|third|{"done":true,"balance":2000002}|{"type":"deposited","amount":7}|1767323045000
            """);
        Rows("SELECT shard_id, entity, seq, epoch, state, commands, length(attachment), at FROM snapshot").ShouldBe(
            """
            1|alice|3|1|{"balance":2000002,"changes":3}|[{"id":"first","seq":1,"reply":{"done":true,"balance":2000000}},{"id":"third","seq":3,"reply":{"done":true,"balance":2000002}}]|0|1767323045000
            """);
        Rows("SELECT shard_id, entity_type, number, owner, incarnation, epoch FROM shard ORDER BY shard_id").ShouldBe(
            """
            1|account|0|embedded|1|1
            2|account|1|embedded|1|1
            """);
        Rows("SELECT * FROM remembered").ShouldBe("1|alice");
        Rows("SELECT * FROM node").ShouldBe("embedded|1|up|");
        Rows("SELECT * FROM meta ORDER BY key").ShouldBe(
            """
            schema_version|1
            shards.account|2
            """);
    }

    private string Rows(string sql)
    {
        using var session = SqliteSession.Open(_folder.Under("store.db"), readOnly: true, TimeSpan.FromSeconds(1));
        using var use = session.Use(sql);
        var text = new StringBuilder();
        for (var row = use.Value; row.Step();)
        {
            text.AppendJoin('|', Enumerable.Range(0, row.Columns).Select(column => row.IsNull(column) ? "" : row.Text(column))).Append('\n');
        }

        return text.ToString().TrimEnd('\n');
    }

    private sealed class FixedTimeRuntime(TimeProvider time) : IRuntime
    {
        public TimeProvider Time => time;

        public Random Random => SystemRuntime.Instance.Random;

        public void Schedule(IThreadPoolWorkItem turn, bool toTheEnd = false) => SystemRuntime.Instance.Schedule(turn, toTheEnd);

        public Task Run(Func<Task> work) => SystemRuntime.Instance.Run(work);
    }
}
