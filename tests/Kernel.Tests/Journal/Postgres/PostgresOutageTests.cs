using System.Globalization;
using System.Text;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.Postgres;
using RagCluster.TestKit;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Kernel.Tests.Journal.Postgres;

/// <summary>Servers that are down, frozen, killed, or not the ones that they were.</summary>
public sealed class PostgresOutageTests
{
    [Fact]
    public async Task A_store_waits_for_its_server_and_survives_its_restarts()
    {
        await using var server = await StartAsync();
        await server.StopAsync();
        var opening = PostgresOpeningTests.OpenAsync(Options(server.ConnectionString()));
        (await Task.WhenAny(opening, Task.Delay(300))).ShouldNotBe(opening);
        await server.StartAgainAsync();
        await using var store = await opening;
        var (shard, node) = await ClaimedAsync(store);
        (await AppendAsync(store, shard, 1, 1)).ShouldBe(AppendResult.Committed);

        await server.KillAsync();
        (await AppendAsync(store, shard, 1, 2)).ShouldBe(AppendResult.Unknown, "its connection broke, and who knows when");
        var down = await Should.ThrowAsync<StoreException>(async () => await AppendAsync(store, shard, 1, 2));
        down.Failure.ShouldBe(StoreFailure.Unreachable);
        down.Message.ShouldContain("does not answer");
        (await Should.ThrowAsync<StoreException>(async () => await store.RenewAsync(node, TimeSpan.FromHours(1)))).Failure.ShouldBe(StoreFailure.Unreachable);
        await server.StartAgainAsync();
        (await store.RenewAsync(node, TimeSpan.FromHours(1))).ShouldBeTrue();
        (await store.LastShardSeqAsync(shard)).ShouldBe(1);

        // A restart in order: what may be repeated is, and nobody hears of it.
        await server.RestartAsync();
        (await store.FindShardAsync(shard)).Epoch.ShouldBe(1);
        (await store.ListMembersAsync()).Count.ShouldBe(1);
        (await AppendAsync(store, shard, 1, 99)).ShouldBe(AppendResult.Conflict, "the first to notice the restart has had all connections replaced");

        server.Pause();
        var frozen = store.AppendAsync([Batch(shard, 1, 2)]).AsTask();
        (await frozen.WaitAsync(TimeSpan.FromSeconds(30))).ShouldBe([AppendResult.Unknown]);
        server.Resume();
        await Retry.Until("the owner has raised its epoch", async () => await ClaimedAgainAsync(store, shard, node));
        var epoch = (await store.FindShardAsync(shard)).Epoch;
        var last = await store.LastShardSeqAsync(shard);
        (await AppendAsync(store, shard, epoch, last + 1, "after")).ShouldBe(AppendResult.Committed);
    }

    [Fact]
    public async Task A_failover_takes_the_shards_from_all_owners_and_a_former_primary_is_shunned()
    {
        await using var primary = await StartAsync();
        await using var standby = await primary.StartStandbyAsync();
        var both = string.Create(
            CultureInfo.InvariantCulture,
            $"Host=127.0.0.1:{primary.Port},127.0.0.1:{standby.Port};Username=postgres;Password={PostgresServer.Password};Target Session Attributes=primary;Host Recheck Seconds=0");
        await using var store = await PostgresOpeningTests.OpenAsync(Options(both));
        var (shard, node) = await ClaimedAsync(store);
        (await AppendAsync(store, shard, 1, 1)).ShouldBe(AppendResult.Committed);
        await Retry.Until("the standby has it", async () => await standby.ExecuteAsync("SELECT count(*) FROM ragcluster.journal") is 1L);
        (await PostgresOpeningTests.RefusalAsync(Options(standby.ConnectionString()))).ShouldContain("standby");

        await primary.KillAsync();
        await standby.PromoteAsync();
        var result = AppendResult.Unknown;
        await Retry.Until("the new primary answers", async () =>
        {
            try
            {
                return (result = await AppendAsync(store, shard, 1, 2)) != AppendResult.Unknown;
            }
            catch (StoreException e) when (e.Failure == StoreFailure.Unreachable)
            {
                return false;
            }
        });
        result.ShouldBe(AppendResult.Fenced, "on another timeline, nobody's picture of a log can be trusted");
        (await store.FindShardAsync(shard)).ShouldBe(new ShardRow(shard, "thing", 0, null, 2));
        (await store.ClaimAsync(shard, 2, node)).ShouldBe(3);
        (await AppendAsync(store, shard, 3, 2)).ShouldBe(AppendResult.Committed);

        // The old one comes back and takes itself for the primary; it must not get a single event.
        await primary.StartAgainAsync();
        await standby.StopAsync();
        await Retry.Until("the former primary is recognised", async () =>
        {
            try
            {
                return (await AppendAsync(store, shard, 3, 3)) switch { AppendResult.Unknown => false, var other => throw new InvalidOperationException(other.ToString()) };
            }
            catch (StoreException e)
            {
                return e.Message.Contains("former primary", StringComparison.Ordinal);
            }
        });
        (await primary.ExecuteAsync("SELECT count(*) FROM ragcluster.journal")).ShouldBe(1L);
    }

    [Fact]
    public async Task A_server_that_can_lose_everything_in_a_power_cut_is_refused_unless_told_otherwise()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        await using var server = await PostgresServer.StartAsync(new() { Fsync = false });
        (await PostgresOpeningTests.RefusalAsync(Options(server.ConnectionString()))).ShouldContain("fsync=off");

        // What was refused at the start cannot be slipped in later, and every limit is the session's own.
        await using var store = await PostgresOpeningTests.OpenAsync(Options(server.ConnectionString()) with { AllowFsyncOff = true });
        var (shard, _) = await ClaimedAsync(store);
        (await AppendAsync(store, shard, 1, 1)).ShouldBe(AppendResult.Committed);
        await server.ExecuteAsync(
            """
            CREATE TABLE seen (setting text, value text);
            CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.seen SELECT n, current_setting(n) FROM unnest(ARRAY[
                ''synchronous_commit'', ''statement_timeout'', ''lock_timeout'', ''idle_in_transaction_session_timeout'', ''transaction_isolation'']) n; RETURN new; END';
            CREATE TRIGGER look BEFORE INSERT ON ragcluster.journal FOR EACH ROW EXECUTE FUNCTION look()
            """);
        await server.ExecuteAsync("ALTER SYSTEM SET synchronous_commit = off");
        await server.ExecuteAsync("SELECT pg_reload_conf()");
        await Retry.Until("the server has read its settings", async () => await server.ExecuteAsync("SHOW synchronous_commit") is "off");
        (await AppendAsync(store, shard, 1, 2)).ShouldBe(AppendResult.Committed);
        (await server.ExecuteAsync("SELECT string_agg(setting || '=' || value, ' ') FROM seen")).ShouldBe(
            "synchronous_commit=on statement_timeout=1s lock_timeout=1s idle_in_transaction_session_timeout=10s transaction_isolation=read committed");
    }

    private static Task<PostgresServer> StartAsync()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        return PostgresServer.StartAsync();
    }

    private static PostgresStoreOptions Options(string connection) => new()
    {
        Connection = connection,
        ConnectTimeout = TimeSpan.FromSeconds(2),
        StatementTimeout = TimeSpan.FromSeconds(1),
        MinBackoff = TimeSpan.FromMilliseconds(20),
        MaxBackoff = TimeSpan.FromMilliseconds(100),
    };

    private static async Task<(int Shard, NodeIncarnation Node)> ClaimedAsync(PostgresShardStore store)
    {
        var node = await store.JoinAsync(new NodeJoin("owner", "owner:1", [], TimeSpan.FromHours(1)));
        await store.ChangeStateAsync(node, NodeState.Up);
        var shard = (await store.PrepareShardsAsync("thing", 1))[0].ShardId;
        (await store.ClaimAsync(shard, 0, node)).ShouldBe(1);
        return (shard, node);
    }

    private static async Task<bool> ClaimedAgainAsync(PostgresShardStore store, int shard, NodeIncarnation node)
    {
        try
        {
            return await store.ClaimAsync(shard, (await store.FindShardAsync(shard)).Epoch, node) is not null;
        }
        catch (StoreException)
        {
            return false;
        }
    }

    private static ShardBatch Batch(int shard, long epoch, long first, string entity = "a") =>
        new(shard, epoch, first, [new NewEvent(entity, first, null, default, Encoding.UTF8.GetBytes("{}"), DateTimeOffset.UnixEpoch)], []);

    private static async Task<AppendResult> AppendAsync(PostgresShardStore store, int shard, long epoch, long first, string entity = "a") =>
        (await store.AppendAsync([Batch(shard, epoch, first, entity)])).Single();
}
