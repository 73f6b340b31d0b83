using System.Net.WebSockets;
using System.Text.Json.Nodes;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Processes;

/// <summary>How the program starts, refuses to start, and stops.</summary>
public sealed class StartAndStopTests
{
    [Fact]
    public async Task SIGTERM_ends_it_in_order_whatever_is_connected_and_what_it_keeps_is_repaired_or_refused()
    {
        using var folder = new TemporaryFolder();
        await using (var node = await Ragcluster.ServeAsync(folder.Path))
        {
            using var caller = new Caller(node.Url);
            await caller.IndexAsync("stopped", "The tamarword is kept.");
            await using var chat = await caller.ChatAsync();
            await chat.AskAsync("q1", "stopping", "What is kept?");
            await chat.EndOfAsync("q1");
            await using var events = await caller.FollowAsync("/api/v1/events");
            await using var progress = await caller.FollowAsync("/api/v1/documents/stopped/events");
            await progress.UntilAsync(e => (string?)e["reached"]?["step"] == "indexed");
            File.Exists(folder.File("node.json")).ShouldBeTrue();

            var closed = chat.ClosedAsync();
            (await node.TerminateAsync(TimeSpan.FromSeconds(10))).ShouldBe(0, node.Error);
            (await closed).ShouldBe(WebSocketCloseStatus.EndpointUnavailable);
            (await progress.NextAsync()).ShouldBeNull();
            File.Exists(folder.File("node.json")).ShouldBeFalse();
            node.Error.ShouldNotContain("Exception");
        }

        // What can be derived is built anew; a node.json of a dead node is nobody.
        await File.WriteAllTextAsync(folder.File("catalog.db"), "This is no database, and is derived from the journal anyway.", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(folder.File("node.json"), """{"name":"x","url":"http://127.0.0.1:1","processId":1,"startedAt":"2020-01-01T00:00:00Z"}""", TestContext.Current.CancellationToken);
        var found = (await Ragcluster.RunAsync("search", "--data", folder.Path, "--json", "tamarword")).Expect(0);
        JsonNode.Parse(found.Output)!["passages"]!.AsArray().Count.ShouldBe(1);

        // The journal cannot.
        var database = folder.File("store.db");
        var whole = await File.ReadAllBytesAsync(database, TestContext.Current.CancellationToken);
        byte[] garbled = [.. whole];
        Array.Fill(garbled, (byte)'x', 0, 100);
        foreach (var damaged in new[] { garbled, whole[..(whole.Length / 2)] })
        {
            await File.WriteAllBytesAsync(database, damaged, TestContext.Current.CancellationToken);
            var refused = (await Ragcluster.RunAsync(Ragcluster.Serve(folder.Path))).Expect(1);
            refused.Error.ShouldContain(database);
            refused.Error.ShouldContain("backup");
            refused.Error.ShouldNotContain("   at ");
        }
    }

    [Fact]
    public async Task A_wrong_configuration_is_refused_with_its_place()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("my.conf", "ragcluster {\n  http {\n    prot = 9000\n    max-connections = lots\n  }\n}\n");
        var refused = (await Ragcluster.RunAsync("serve", "--data", folder.File("data"), "--config", file)).Expect(2);
        refused.Error.ShouldContain($"{file}:3");
        refused.Error.ShouldContain($"{file}:4");
        refused.Error.ShouldContain("prot");
        refused.Error.ShouldNotContain("   at ");
        (await Ragcluster.RunAsync("ask", "--data", folder.File("data"), "-D", "ragcluster.http.port=70000", "x")).Expect(2).Error.ShouldContain("ragcluster.http.port");
        (await Ragcluster.RunAsync("serve", "--config", folder.File("absent.conf"))).Expect(2).Error.ShouldContain("absent.conf");
        Directory.Exists(folder.File("data")).ShouldBeFalse();
    }

    [Fact]
    public async Task Without_a_running_node_a_command_starts_one_for_itself()
    {
        using var folder = new TemporaryFolder();
        var source = folder.Write("source/fact.md", "The ningaui rider costs 12 crowns.");
        var data = folder.File("data");
        (await Ragcluster.RunAsync("ingest", "--data", data, source)).Expect(0).Error.ShouldContain("1 indexed");
        var answer = JsonNode.Parse((await Ragcluster.RunAsync("ask", "--data", data, "--json", "What does the ningaui rider cost?")).Expect(0).Output)!;
        ((string?)answer["answer"]!["answer"]).ShouldNotBeNull().ShouldContain("12 crowns");
        File.Exists(Path.Combine(data, "node.json")).ShouldBeFalse();

        var notWritable = (await Ragcluster.RunAsync("search", "--data", Path.Combine(source, "below-a-file"), "x")).Expect(1);
        notWritable.Error.ShouldContain("below-a-file");
        notWritable.Error.ShouldNotContain("   at ");
    }
}
