using System.Diagnostics;
using System.Text.Json.Nodes;
using RagCluster.TestKit;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Cluster.Tests;

/// <summary>`cluster up --postgres`: a local cluster on a server that somebody else runs, and which stays theirs.</summary>
public sealed class ClusterOnServerTests
{
    [Fact]
    public async Task A_cluster_on_a_given_server_starts_ends_and_leaves_the_server_running()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        var server = await PostgresServer.SharedAsync();
        var database = await server.CreateDatabaseAsync();
        var connection = server.ConnectionString(database);
        var folder = Directory.CreateTempSubdirectory("ragcluster-up-").FullName;
        try
        {
            string[] up = ["cluster", "up", "--nodes", "2", "--data", folder, "-D", "ragcluster.ingestion.samples-on-first-start=false", "-D", "ragcluster.cluster.lease=10s"];
            (await RunAsync([.. up, "--postgres", connection])).ShouldSucceed();
            Directory.Exists(Path.Combine(folder, "postgres")).ShouldBeFalse("a server is given, so none is made");

            // A shard that is just on its way to the second node has no owner for a moment.
            var said = new Ran(-1, "", "");
            await Retry.Until("the cluster is well", async () => (said = await RunAsync("cluster", "status", "--json", "--data", folder)).Exit == 0);
            var status = JsonNode.Parse(said.ShouldSucceed())!;
            status["nodes"]!.AsArray().Select(node => (string?)node!["status"]).ShouldBe(["up", "up"]);
            (await server.ExecuteAsync("SELECT count(*) FROM ragcluster.node WHERE state = 'up'", database)).ShouldBe(2L);

            // The same cluster on another database would be two clusters in one folder.
            var elsewhere = await RunAsync([.. up, "--postgres", server.ConnectionString(await server.CreateDatabaseAsync())]);
            elsewhere.Exit.ShouldBe(1);
            elsewhere.Error.ShouldContain("has another database already");

            (await RunAsync("cluster", "down", "--data", folder)).ShouldSucceed();
            (await server.ExecuteAsync("SELECT count(*) FROM ragcluster.node WHERE state = 'left'", database)).ShouldBe(2L);
        }
        finally
        {
            await RunAsync("cluster", "down", "--data", folder);
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<Ran> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "ragcluster"), arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return new Ran(process.ExitCode, await output, await error);
    }

    private sealed record Ran(int Exit, string Output, string Error)
    {
        public string ShouldSucceed()
        {
            Exit.ShouldBe(0, Output + Error);
            return Output;
        }
    }
}
