using System.Text;
using Npgsql;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.Postgres;

namespace RagCluster.Kernel.Tests.Journal.Postgres;

/// <summary>What happens between statements: each of these races has cost some other system its data.</summary>
public sealed class PostgresFencingTests
{
    [Fact]
    public async Task An_append_that_waited_for_a_takeover_finds_itself_fenced()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenPatientAsync();
        var (shard, _) = await ClaimedAsync(store);
        await using var taker = await database.ConnectAsync();
        await using var takeover = await taker.BeginTransactionAsync();
        await using var take = new NpgsqlCommand("UPDATE shard SET owner = 'other', incarnation = 1, epoch = epoch + 1", taker);
        await take.ExecuteNonQueryAsync();

        var append = store.AppendAsync([Batch(shard, 1, 1, "zombie")]).AsTask();
        await database.WaitingAsync("append");
        await takeover.CommitAsync();

        (await append).ShouldBe([AppendResult.Fenced]);
        (await store.LastShardSeqAsync(shard)).ShouldBe(0);
    }

    [Fact]
    public async Task A_claim_that_waited_while_its_lease_ran_out_gets_nothing()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenPatientAsync();
        var (shard, _) = await ClaimedAsync(store);
        var other = await UpAsync(store, "other");
        var gate = await database.BlockAppendsAsync();
        var append = store.AppendAsync([Batch(shard, 1, 1, "a")]).AsTask();
        await database.WaitingAsync("append");
        var claim = store.ClaimAsync(shard, 1, other).AsTask();
        await database.WaitingAsync("query");

        await database.ExecuteAsync("UPDATE node SET expires_at = now() - interval '1 second' WHERE id = 'other'");
        await gate.DisposeAsync();

        (await append).ShouldBe([AppendResult.Committed]);
        (await claim).ShouldBeNull();
        (await store.FindShardAsync(shard)).Epoch.ShouldBe(1);
    }

    [Fact]
    public async Task An_append_whose_session_is_killed_is_unknown_and_the_next_epoch_settles_it()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenPatientAsync();
        var (shard, node) = await ClaimedAsync(store);
        await using var gate = await database.BlockAppendsAsync();
        var append = store.AppendAsync([Batch(shard, 1, 1, "a")]).AsTask();
        await database.WaitingAsync("append");
        await database.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '% append'");

        (await append).ShouldBe([AppendResult.Unknown]);
        (await store.ClaimAsync(shard, 1, node)).ShouldBe(2);
        (await store.LastShardSeqAsync(shard)).ShouldBe(0);
        await gate.DisposeAsync();
        (await store.AppendAsync([Batch(shard, 2, 1, "a")])).ShouldBe([AppendResult.Committed]);
    }

    [Fact]
    public async Task An_append_is_not_acknowledged_before_its_commit()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenAsync();
        var (shard, _) = await ClaimedAsync(store);
        await database.ExecuteAsync(
            """
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''at the commit''; END';
            CREATE CONSTRAINT TRIGGER late AFTER INSERT ON journal DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()
            """);

        // The statement's rows have all been sent by the time that this one fails.
        (await Should.ThrowAsync<StoreException>(async () => await store.AppendAsync([Batch(shard, 1, 1, "a")]))).Message.ShouldContain("at the commit");
        (await store.LastShardSeqAsync(shard)).ShouldBe(0);
    }

    [Fact]
    public async Task A_statement_that_ends_with_a_warning_is_not_taken_for_durable()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenAsync();
        var (shard, node) = await ClaimedAsync(store);

        // As a primary says whose wait for its standby was broken off.
        await database.ExecuteAsync(
            """
            CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''canceling wait for synchronous replication''; RETURN new; END';
            CREATE TRIGGER warned BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION warn()
            """);
        (await store.AppendAsync([Batch(shard, 1, 1, "a")])).ShouldBe([AppendResult.Unknown]);
        (await store.ClaimAsync(shard, 1, node)).ShouldBe(2);
        (await store.LastShardSeqAsync(shard)).ShouldBe(1, "the owner asks the log");
    }

    [Fact]
    public async Task Sessions_of_a_dead_owner_that_hold_its_shard_are_ended_and_those_of_a_living_one_are_not()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var zombie = await database.OpenPatientAsync();
        var (shard, node) = await ClaimedAsync(zombie);
        await using var store = await database.OpenAsync();
        var heir = await UpAsync(store, "heir");
        await using var gate = await database.BlockAppendsAsync();
        var append = zombie.AppendAsync([Batch(shard, 1, 1, "a")]).AsTask();
        await database.WaitingAsync("append");

        (await Should.ThrowAsync<StoreException>(async () => await store.ClaimAsync(shard, 1, heir))).Failure.ShouldBe(StoreFailure.Busy, "the owner lives");
        await store.DeclareDeadAsync(node);
        (await store.ClaimAsync(shard, 1, heir)).ShouldBe(2);
        (await append).ShouldBe([AppendResult.Unknown]);
        (await store.LastShardSeqAsync(shard)).ShouldBe(0);
    }

    [Fact]
    public async Task Two_appends_that_lock_the_same_shards_do_not_wait_for_each_other_in_a_circle()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenAsync(database.Options with { Lanes = 4, LockTimeout = TimeSpan.FromSeconds(10) });
        var node = await UpAsync(store, "a");
        var shards = await store.PrepareShardsAsync("thing", 16);
        var epochs = shards.ToDictionary(row => row.ShardId, row => row.Epoch);

        // Claims take rows one by one while appends take many, in whatever order the batches are given.
        var random = new Random(7);
        var writers = Enumerable.Range(0, 4).Select(async lane =>
        {
            for (var i = 0; i < 20; i++)
            {
                var order = shards.OrderBy(_ => { lock (random) { return random.Next(); } }).ToArray();
                await store.AppendAsync([.. order.Select(row => Batch(row.ShardId, 1, 1_000_000, $"gap-{lane}-{i}"))]);
            }
        }).ToArray();
        foreach (var row in shards)
        {
            (await store.ClaimAsync(row.ShardId, epochs[row.ShardId], node)).ShouldBe(1);
        }

        await Task.WhenAll(writers);
    }

    [Fact]
    public async Task A_payload_comes_back_byte_for_byte()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenAsync();
        var (shard, _) = await ClaimedAsync(store);
        string[] payloads = ["{ \"b\" :1,\"a\":1.50,  \"a\":2e0 }", "\"\\u0000 \\ud800 \u00e4\u4e2d\ud83d\ude00\"", "null", "{\"n\":123456789012345678901234567890}", new string('9', 100_000)];

        await store.AppendAsync([new ShardBatch(shard, 1, 1, [.. payloads.Select((p, i) => Event($"e{i}", p))], [])]);
        (await store.ReadShardAsync(shard, 0, new PageLimit(10, int.MaxValue))).Select(r => Encoding.UTF8.GetString(r.Payload.Span)).ShouldBe(payloads);
        (await store.ReadShardAsync(shard, 0, new PageLimit(10, 50))).Count.ShouldBeInRange(1, 2, "the page ends with the record that fills it");
    }

    [Fact]
    public async Task Text_that_the_server_cannot_keep_fails_alone()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenAsync();
        var (first, node) = await ClaimedAsync(store);
        var second = (await store.PrepareShardsAsync("other", 1))[0].ShardId;
        await store.ClaimAsync(second, 0, node);
        var poison = new ShardBatch(first, 1, 1, [Event("a", "\0")], []);

        (await store.AppendAsync([poison, Batch(second, 1, 1, "b")])).ShouldBe([AppendResult.Conflict, AppendResult.Conflict], "who sent several asks again one by one");
        await Should.ThrowAsync<StoreException>(async () => await store.AppendAsync([poison]));
        (await store.AppendAsync([Batch(second, 1, 1, "b")])).ShouldBe([AppendResult.Committed]);
    }

    private static NewEvent Event(string entity, string payload) => new(entity, 1, null, default, Encoding.UTF8.GetBytes(payload), DateTimeOffset.UnixEpoch);

    private static ShardBatch Batch(int shard, long epoch, long first, string entity) => new(shard, epoch, first, [Event(entity, "{}")], []);

    private static async Task<NodeIncarnation> UpAsync(PostgresShardStore store, string name)
    {
        var node = await store.JoinAsync(new NodeJoin(name, $"{name}:1", [], TimeSpan.FromHours(1)));
        await store.ChangeStateAsync(node, NodeState.Up);
        return node;
    }

    private static async Task<(int Shard, NodeIncarnation Node)> ClaimedAsync(PostgresShardStore store)
    {
        var node = await UpAsync(store, "owner");
        var shard = (await store.PrepareShardsAsync("thing", 1))[0].ShardId;
        (await store.ClaimAsync(shard, 0, node)).ShouldBe(1);
        return (shard, node);
    }
}
