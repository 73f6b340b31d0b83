using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.Postgres;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Kernel.Tests.Journal.Postgres;

/// <summary>What is wrong with a server, a database or a user is said at the start, in words that say what to do.</summary>
public sealed class PostgresOpeningTests
{
    [Fact]
    public async Task Many_nodes_may_make_the_tables_at_once()
    {
        var database = await PostgresDatabase.CreateAsync();
        var stores = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => database.OpenAsync()));
        stores.Select(store => store.ClusterId).Distinct().ShouldHaveSingleItem();
        var types = await Task.WhenAll(stores.Select(store => store.PrepareShardsAsync("thing", 4).AsTask()));
        types.ShouldAllBe(rows => rows.SequenceEqual(types[0]));
        (await stores[0].ListShardsAsync()).Count.ShouldBe(4);
        foreach (var store in stores)
        {
            await store.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_newer_schema_is_refused()
    {
        var database = await PostgresDatabase.CreateAsync();
        await (await database.OpenAsync()).DisposeAsync();
        await database.ExecuteAsync("UPDATE meta SET value = '999' WHERE key = 'schema_version'");
        (await RefusalAsync(database.Options)).ShouldContain("newer RagCluster");
    }

    [Fact]
    public async Task An_older_schema_is_brought_up_to_date()
    {
        var database = await PostgresDatabase.CreateAsync();
        await database.Server.ExecuteAsync(
            $"CREATE SCHEMA {database.Options.Schema}; CREATE TABLE {database.Options.Schema}.meta (key text PRIMARY KEY, value text NOT NULL)", database.Name);
        await using var store = await database.OpenAsync();
        (await store.JoinAsync("a")).Incarnation.ShouldBe(1);
    }

    [Theory]
    [InlineData("Port=abc", "Port")]
    [InlineData("Hots=x;Password=hunter2", "Hots")]
    [InlineData("Username=a", "Host")]
    public async Task A_connection_string_that_makes_no_sense_is_refused_without_being_repeated(string connection, string word)
    {
        var refusal = await Should.ThrowAsync<StoreRefusedException>(async () => await OpenAsync(new PostgresStoreOptions { Connection = connection }));
        refusal.Message.ShouldContain(word, Case.Insensitive);
        refusal.ToString().ShouldNotContain("hunter2");
    }

    [Fact]
    public async Task A_wrong_password_a_missing_database_and_a_missing_user_are_told_apart_and_no_secret_is_told()
    {
        var database = await PostgresDatabase.CreateAsync();
        var wrong = database.Options with { Password = "hunter2" };
        var refusal = await RefusalAsync(wrong);
        refusal.ShouldContain("pg_hba.conf");
        refusal.ShouldNotContain("hunter2");
        refusal.ShouldNotContain(PostgresServer.Password);
        wrong.ToString().ShouldNotContain("hunter2");
        wrong.ToString().ShouldNotContain(PostgresServer.Password);
        (await RefusalAsync(database.Options with { Connection = database.Server.ConnectionString("absent") })).ShouldContain("no such database");
        (await RefusalAsync(database.Options with { Connection = database.Options.Connection.Replace("Username=postgres", "Username=nobody", StringComparison.Ordinal) }))
            .ShouldContain("as nobody");
    }

    [Fact]
    public async Task A_user_without_rights_is_told_which_it_lacks()
    {
        var database = await PostgresDatabase.CreateAsync();
        await database.Server.ExecuteAsync("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN");
        var reader = database.Options with { Connection = database.Server.SocketConnectionString(database.Name).Replace("Username=postgres", "Username=reader", StringComparison.Ordinal) };
        (await RefusalAsync(reader)).ShouldContain("GRANT CREATE ON DATABASE");

        await (await database.OpenAsync()).DisposeAsync();
        await database.ExecuteAsync($"GRANT USAGE ON SCHEMA {database.Options.Schema} TO reader; GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA {database.Options.Schema} TO reader; REVOKE INSERT ON journal FROM reader");
        var refusal = await RefusalAsync(reader);
        refusal.ShouldContain("INSERT on journal");
        refusal.ShouldContain("DELETE on snapshot");
        refusal.ShouldNotContain("SELECT on node");

        await database.ExecuteAsync($"GRANT INSERT ON journal TO reader; GRANT DELETE ON ALL TABLES IN SCHEMA {database.Options.Schema} TO reader");
        await using var store = await OpenAsync(reader);
        var shard = (await store.PrepareShardsAsync("thing", 1))[0];
        (await store.ClaimAsync(shard.ShardId, 0, await store.JoinAsync("a"))).ShouldBe(1);
    }

    [Fact]
    public async Task A_session_that_acknowledges_too_early_is_refused_and_a_later_change_does_not_reach_the_store()
    {
        var database = await PostgresDatabase.CreateAsync();
        (await RefusalAsync(database.Options with { Connection = database.Options.Connection + ";Options=-c synchronous_commit=off" })).ShouldContain("synchronous_commit");

        await database.Server.ExecuteAsync($"ALTER DATABASE {database.Name} SET synchronous_commit = off");
        (await RefusalAsync(database.Options)).ShouldContain("synchronous_commit");
        await database.Server.ExecuteAsync($"ALTER DATABASE {database.Name} RESET synchronous_commit");
        await (await database.OpenAsync()).DisposeAsync();
    }

    [Fact]
    public async Task Sessions_carry_the_incarnation_and_their_purpose()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenAsync();
        await store.JoinAsync("first");
        await store.JoinAsync("node-7");
        await store.ListNodesAsync();
        await store.LastShardSeqAsync(1);
        (await database.ExecuteAsync("SELECT string_agg(application_name, ',' ORDER BY application_name) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'ragcluster%'"))
            .ShouldBe("ragcluster node-7#1 lease,ragcluster node-7#1 recovery");
    }

    [Fact]
    public async Task A_store_keeps_its_place_and_its_cluster()
    {
        var database = await PostgresDatabase.CreateAsync();
        var cluster = "";
        await using (var store = await database.OpenAsync(database.Options with { Number = 1, Cluster = "c-1" }))
        {
            cluster = store.ClusterId;
        }

        cluster.ShouldBe("c-1");
        (await RefusalAsync(database.Options with { Number = 2, Cluster = "c-1" })).ShouldContain("is number 1");
        (await RefusalAsync(database.Options with { Number = 1, Cluster = "c-2" })).ShouldContain("one cluster");
    }

    internal static Task<PostgresShardStore> OpenAsync(PostgresStoreOptions options) => PostgresShardStore.OpenAsync(
        options, SystemRuntime.Instance, Microsoft.Extensions.Logging.Abstractions.NullLogger<PostgresShardStore>.Instance);

    internal static async Task<string> RefusalAsync(PostgresStoreOptions options) =>
        (await Should.ThrowAsync<StoreRefusedException>(async () => await (await OpenAsync(options)).DisposeAsync())).Message;
}
