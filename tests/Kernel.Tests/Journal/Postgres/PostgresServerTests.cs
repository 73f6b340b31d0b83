using Npgsql;
using RagCluster.TestKit;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Kernel.Tests.Journal.Postgres;

/// <summary>The server that other tests stand on does what they ask of it.</summary>
public sealed class PostgresServerTests
{
    [Fact]
    public async Task What_was_committed_survives_stopping_killing_and_pausing()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        string folder;
        await using (var server = await PostgresServer.StartAsync())
        {
            folder = server.Folder;
            await server.ExecuteAsync("CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)");
            (await server.ExecuteAsync("SHOW fsync")).ShouldBe("on");
            await server.RestartAsync();
            (await CountAsync(server)).ShouldBe(1);
            await server.ExecuteAsync("INSERT INTO kept VALUES (2)");
            await server.KillAsync();
            await Should.ThrowAsync<NpgsqlException>(() => CountAsync(server));
            await server.StartAgainAsync();

            server.Pause();
            var count = CountAsync(server);
            (await Task.WhenAny(count, Task.Delay(200))).ShouldNotBe(count, "a paused server answers nothing");
            server.Resume();
            (await count).ShouldBe(2);
        }

        Directory.Exists(folder).ShouldBeFalse();
    }

    private static async Task<long> CountAsync(PostgresServer server)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString() + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT count(*) FROM kept", connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
