using System.Net;
using System.Text.Json.Nodes;
using RagCluster.Nodes.Tests.Running;
using RagCluster.TestKit;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Nodes.Tests.Processes;

/// <summary>A store is copied while its node works, lost, and brought back; what is no whole backup is refused.</summary>
public sealed class BackupTests
{
    [Fact]
    public async Task An_embedded_store_is_copied_while_the_node_works_and_brought_back()
    {
        using var root = new TemporaryFolder();
        var (data, backup, again) = (Path.Combine(root.Path, "data"), Path.Combine(root.Path, "backup"), Path.Combine(root.Path, "again"));
        var large = "The durrawong is a bird of the coast. " + string.Concat(Enumerable.Repeat("It sings at night. ", 5_000));
        await using (var node = await Ragcluster.ServeAsync(data))
        {
            using var caller = new Caller(node.Url);
            await caller.IndexAsync("small", "The wongalong policy pays 44 crowns a day.");
            await caller.IndexAsync("large", large);
            (await caller.PostAsync("/api/v1/conversations/talk/messages", new JsonObject { ["id"] = "q1", ["text"] = "What does the wongalong policy pay?", ["wait"] = true })).Expect(HttpStatusCode.OK);

            // Somebody writes all the time.
            using var stop = new CancellationTokenSource();
            var writing = Task.Run(async () =>
            {
                for (var i = 0; !stop.IsCancellationRequested; i++)
                {
                    await caller.PutDocumentAsync($"more-{i}", $"Document number {i}.");
                }
            });
            (await Ragcluster.RunAsync("store", "backup", backup, "--data", data)).Expect(0).Output.ShouldContain("Backed up to");
            await stop.CancelAsync();
            await writing;
        }

        (await Ragcluster.RunAsync("store", "verify", backup)).Expect(0).Output.ShouldContain("whole and unchanged");
        (await Ragcluster.RunAsync("store", "restore", backup, "--data", again)).Expect(0).Output.ShouldContain("compared byte for byte");
        await using (var node = await Ragcluster.ServeAsync(again))
        {
            using var caller = new Caller(node.Url);
            var talk = (await caller.GetAsync("/api/v1/conversations/talk")).Expect(HttpStatusCode.OK).ToJsonString();
            talk.ShouldContain("44 crowns");
            (await Ragcluster.RunAsync("search", "--data", again, "durrawong")).Expect(0).Output.ShouldContain("bird of the coast");
            (await caller.GetAsync("/api/v1/documents/large/text")).Expect(HttpStatusCode.OK).ToJsonString().ShouldContain("It sings at night. It sings at night.");
        }

        // Nothing is written over, and nothing is taken that is not whole.
        (await Ragcluster.RunAsync("store", "backup", backup, "--data", data)).Expect(1).Error.ShouldContain("is not empty");
        (await Ragcluster.RunAsync("store", "restore", backup, "--data", again)).Expect(1).Error.ShouldContain("nothing is restored over data");
        var fresh = Path.Combine(root.Path, "fresh");
        (await Ragcluster.RunAsync("store", "restore", root.Path, "--data", fresh)).Expect(1).Error.ShouldContain("There is no backup");
        using (var database = File.OpenWrite(Path.Combine(backup, "store.db")))
        {
            database.Position = database.Length / 2;
            database.WriteByte(0xA5);
            database.WriteByte(0x5A);
        }

        (await Ragcluster.RunAsync("store", "restore", backup, "--data", fresh)).Expect(1).Error.ShouldContain("checksum");
        using (var database = File.OpenWrite(Path.Combine(backup, "store.db")))
        {
            database.SetLength(database.Length - 4096);
        }

        (await Ragcluster.RunAsync("store", "verify", backup)).Expect(1).Error.ShouldContain("not whole");
        File.WriteAllText(Path.Combine(backup, "manifest.json"), """{"format":7,"engine":"sqlite","parts":[],"shards":[],"program":"9.0"}""");
        (await Ragcluster.RunAsync("store", "verify", backup)).Expect(1).Error.ShouldContain("format 7");
        File.WriteAllText(Path.Combine(backup, "manifest.json"), """{"format":1,"engine":"sqlite","parts":[{"file":"../../etc/passwd","bytes":1,"sha256":""}],"shards":[],"program":"1"}""");
        (await Ragcluster.RunAsync("store", "verify", backup)).Expect(1).Error.ShouldContain("outside");
        Directory.Exists(fresh).ShouldBeFalse();
    }

    [Fact]
    public async Task A_store_on_PostgreSQL_is_copied_while_the_node_works_and_brought_back_elsewhere()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        var server = await PostgresServer.SharedAsync();
        using var root = new TemporaryFolder();
        var backup = Path.Combine(root.Path, "backup");
        string[] there = Store(server.ConnectionString(await server.CreateDatabaseAsync()));
        string[] elsewhere = Store(server.ConnectionString(await server.CreateDatabaseAsync()));
        (await Ragcluster.RunAsync(["store", "backup", backup, .. there])).Expect(1).Error.ShouldContain("holds no store");
        Directory.Delete(backup);
        await using (var node = await Ragcluster.ServeAsync(Path.Combine(root.Path, "data"), there))
        {
            using var caller = new Caller(node.Url);
            await caller.IndexAsync("kept", "The yarrabong policy pays 55 crowns a day.");
            (await Ragcluster.RunAsync(["store", "backup", backup, .. there])).Expect(0);
        }

        var said = JsonNode.Parse((await Ragcluster.RunAsync(["store", "restore", backup, "--json", .. elsewhere])).Expect(0).Output)!;
        ((string?)said["engine"]).ShouldBe("postgres");
        ((long)said["events"]!).ShouldBeGreaterThan(4);
        await using (var node = await Ragcluster.ServeAsync(Path.Combine(root.Path, "again"), elsewhere))
        {
            using var caller = new Caller(node.Url);
            (await Ragcluster.RunAsync("search", "--data", Path.Combine(root.Path, "again"), "yarrabong")).Expect(0).Output.ShouldContain("55 crowns");
            await caller.IndexAsync("after", "And the new node goes on with the gillabong.");
        }

        (await Ragcluster.RunAsync(["store", "restore", backup, .. elsewhere])).Expect(1).Error.ShouldContain("nothing is restored over data");
        (await Ragcluster.RunAsync("store", "restore", backup, "--data", Path.Combine(root.Path, "embedded"))).Expect(1).Error.ShouldContain("postgres");
    }

    private static string[] Store(string connection) => ["-D", "ragcluster.store.engine=postgres", "-D", $"ragcluster.store.postgres.connection={connection}"];
}
