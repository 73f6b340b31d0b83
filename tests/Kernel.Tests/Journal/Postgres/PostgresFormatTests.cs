using System.Text;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Tests.Journal.Postgres;

/// <summary>
/// What psql shows stays as it is: a database outlives the program that wrote it, and people have queries. If this test
/// fails, a released format changed; add a migration instead.
/// </summary>
public sealed class PostgresFormatTests
{
    [Fact]
    public async Task Rows_look_as_they_always_did()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenAsync();
        var node = await store.JoinAsync(new NodeJoin("node-1", "10.0.0.1:4711", ["conversations", "documents"], TimeSpan.FromHours(1)));
        await store.ChangeStateAsync(node, NodeState.Up);
        var shards = await store.PrepareShardsAsync("account", 2);
        await store.ClaimAsync(shards[0].ShardId, 0, node);
        var at = new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.FromHours(2));
        await store.AppendAsync([new ShardBatch(
            shards[0].ShardId,
            1,
            1,
            [
                new NewEvent("alice", 1, "first", Utf8("""{"done":true}"""), Utf8("""{"type":"deposited", "amount":2000000}"""), at),
                new NewEvent("alice", 2, null, default, Utf8("""{"type":"withdrawn","amount":5}"""), at),
            ],
            [new RememberedChange("alice", true)])]);
        await store.SaveSnapshotAsync(shards[0].ShardId, 1, new Snapshot("alice", 2, Utf8("""{"balance":1999995}"""), Utf8("[]"), new byte[] { 1, 2 }, at));
        await store.SaveBlobAsync("sha256-00", new byte[] { 255 });

        (await RowsAsync(database, "SELECT shard_id, shard_seq, entity, seq, epoch, (at AT TIME ZONE 'UTC')::text, command_id, reply, payload FROM journal ORDER BY shard_seq")).ShouldBe(
            """
            1|1|alice|1|1|2026-01-02 01:04:05.678|first|{"done":true}|{"type":"deposited", "amount":2000000}
            1|2|alice|2|1|2026-01-02 01:04:05.678|||{"type":"withdrawn","amount":5}
            """);
        (await RowsAsync(database, "SELECT entity_type, shard, entity, seq, payload->>'type' FROM event ORDER BY seq")).ShouldBe(
            """
            account|0|alice|1|deposited
            account|0|alice|2|withdrawn
            """);
        (await RowsAsync(database, "SELECT shard_id, entity, seq, epoch, (at AT TIME ZONE 'UTC')::text, state, commands, attachment FROM snapshot")).ShouldBe(
            """1|alice|2|1|2026-01-02 01:04:05.678|{"balance":1999995}|[]|\x0102""");
        (await RowsAsync(database, "SELECT shard_id, entity_type, number, owner, incarnation, epoch FROM shard ORDER BY shard_id")).ShouldBe(
            """
            1|account|0|node-1|1|1
            2|account|1|||0
            """);
        (await RowsAsync(database, "SELECT id, incarnation, state, address, roles::text, expires_at > now() FROM node")).ShouldBe("node-1|1|up|10.0.0.1:4711|{conversations,documents}|true");
        (await RowsAsync(database, "SELECT * FROM remembered")).ShouldBe("1|alice");
        (await RowsAsync(database, "SELECT id, length, content, upload FROM blob")).ShouldBe(@"sha256-00|1|\xff|");
        (await RowsAsync(database, "SELECT key, CASE WHEN key IN ('cluster_id', 'timeline') THEN '...' ELSE value END FROM meta ORDER BY key")).ShouldBe(
            """
            cluster_id|...
            schema_version|1
            shards.account|2
            store_number|0
            timeline|...
            """);
    }

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>As "psql -At" shows them.</summary>
    private static async Task<string> RowsAsync(PostgresDatabase database, string sql) => (string)(await database.ExecuteAsync(
        $"""
        SELECT string_agg((SELECT string_agg(coalesce(v, ''), '|' ORDER BY o) FROM unnest(c) WITH ORDINALITY u(v, o)), E'\n' ORDER BY n)
        FROM (SELECT row_number() OVER () AS n, ARRAY(SELECT value FROM json_each_text(row_to_json(r))) AS c FROM ({sql}) r) t
        """))!;
}
