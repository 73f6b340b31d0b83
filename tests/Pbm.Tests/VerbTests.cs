using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace RagCluster.Pbm.Tests;

/// <summary>Each verb against a node, as a person and as a script meets it.</summary>
public sealed class VerbTests(Stage stage)
{
    public static TheoryData<string, string> Verbs => new()
    {
        { "cluster show", "node-1*" },
        { "cluster down-unreachable", "Every member can be reached." },
        { "cluster-sharding list", "conversation" },
        { "cluster-sharding region-stats -r document", "shard  entities" },
        { "actor hierarchy -s /user/flags-0 -d 2", "└─ cluster  EntityActor" },
        { "actor slowest --seconds 1", "" },
        { "actor fullest", "" },
        { "actor dead-letters", "since the start" },
        { "entity show flags cluster", "snapshotSeq" },
        { "log level", "(all others)" },
        { "log tail --once --last 5", "" },
        { "config show management", "ragcluster.management.tokens.0.role" },
        { "config show --changed", "the tests" },
        { "flag list", "vectors" },
        { "inference list", "generation" },
        { "ingest status", "" },
        { "ingest dead-letters", "" },
        { "store check", "all is well" },
        { "health show", "It is ready." },
    };

    [Theory]
    [MemberData(nameof(Verbs))]
    public async Task Every_verb_prints_text_and_JSON(string verb, string text)
    {
        await stage.RunAsync("flag", "set", "vectors", "default", "--reason", "there is something to see");
        var words = verb.Split(' ');
        var run = (await stage.RunAsync(words)).Expect(0);
        run.Output.ShouldContain(text);
        run.Error.ShouldBeEmpty();
        (await stage.RunAsync([.. words, "--json"])).Expect(0).Json.ShouldNotBeNull();
    }

    [Fact]
    public async Task The_cluster_as_JSON_is_what_the_node_says()
    {
        var json = (await stage.RunAsync("cluster", "show", "--json")).Expect(0).Json;
        ((string?)json["self"]).ShouldBe("node-1");
        json["members"]!.AsArray().Count.ShouldBe(1);
        json["shards"]!.AsArray().Count.ShouldBe(49);
    }

    [Fact]
    public async Task A_conversation_is_shown_with_its_texts_to_an_admin_only()
    {
        using var http = new HttpClient { BaseAddress = stage.Gateway };
        (await http.PostAsJsonAsync("/api/v1/conversations/shown/messages", new JsonObject { ["text"] = "Where is the quincunxword?", ["wait"] = true }, TestContext.Current.CancellationToken)).EnsureSuccessStatusCode();
        (await stage.RunAsync("conversation", "show", "shown")).Expect(0).Output.ShouldContain("quincunxword");
        (await stage.RunAsync("conversation", "events", "default/shown", "--last", "100")).Expect(0).Output.ShouldContain("question-asked");
        var viewer = (await Stage.BareAsync("", "conversation", "events", "shown", "--url", stage.Url.ToString(), "--token-file", stage.File("viewer"))).Expect(0);
        viewer.Output.ShouldNotContain("quincunxword");
        viewer.Output.ShouldContain("needs the role admin");
        (await stage.RunAsync("conversation", "passivate", "shown")).Expect(0).Output.ShouldContain("left memory");
        (await stage.RunAsync("conversation", "passivate", "shown")).Expect(ExitCodes.Refused).Error.ShouldContain("not in memory");
    }

    [Fact]
    public async Task A_feature_is_switched_with_a_reason()
    {
        (await stage.RunAsync("flag", "set", "vectors", "off", "--reason", "the tests")).Expect(0).Output.ShouldStartWith("vectors is off, by admin: the tests");
        (await stage.RunAsync("flag", "set", "vectors", "default", "--reason", "the tests")).Expect(0);
        (await stage.RunAsync("flag", "set", "vectors", "off")).Expect(ExitCodes.Usage).Error.ShouldContain("--reason");
        (await stage.RunAsync("flag", "set", "vectors", "perhaps", "--reason", "x")).Expect(ExitCodes.Usage);
        (await stage.RunAsync("flag", "set", "nothing", "on", "--reason", "x")).Expect(ExitCodes.Refused).Error.ShouldContain("there are");
    }

    [Theory]
    [InlineData(ExitCodes.Refused, "numbered from 0 to 15", "cluster-sharding", "move", "-r", "document", "-s", "99", "-t", "node-1")]
    [InlineData(ExitCodes.Refused, "Member [nobody] not found", "cluster", "leave", "nobody")]
    [InlineData(ExitCodes.Refused, "joins by itself", "cluster", "join", "10.0.0.1:2552")]
    [InlineData(ExitCodes.Refused, "nothing has ever happened", "document", "show", "never-there")]
    [InlineData(ExitCodes.Refused, "no setting", "config", "show", "no.such.key")]
    [InlineData(ExitCodes.Refused, "not found", "cluster", "show", "--node", "west")]
    [InlineData(ExitCodes.Usage, "--yes", "cluster", "shutdown")]
    [InlineData(ExitCodes.Usage, "'--type' is required", "cluster-sharding", "region-stats")]
    [InlineData(ExitCodes.Usage, "Did you mean: pbm cluster show", "cluster", "shwo")]
    [InlineData(ExitCodes.Usage, "Did you mean: pbm cluster", "clutser", "show")]
    [InlineData(ExitCodes.Usage, "Did you mean: pbm store check", "check")]
    [InlineData(ExitCodes.Usage, "Try: pbm cluster --help", "cluster", "zzzzzzzz")]
    [InlineData(ExitCodes.Usage, "There is no context", "cluster", "show", "--context", "nowhere")]
    public async Task What_is_wrong_is_told_with_its_exit_code(int exitCode, string error, params string[] args) =>
        (await stage.RunAsync(args)).Expect(exitCode).Error.ShouldContain(error);

    [Fact]
    public async Task Who_is_nobody_or_too_little_is_told_so()
    {
        (await Stage.BareAsync("", "cluster", "show", "--url", stage.Url.ToString())).Expect(ExitCodes.NotAllowed).Error.ShouldContain("Bearer");
        (await Stage.BareAsync("", "cluster", "leave", "node-1", "--url", stage.Url.ToString(), "--token-file", stage.File("viewer"))).Expect(ExitCodes.NotAllowed).Error.ShouldContain("operator");
        (await Stage.BareAsync("", "cluster", "show", "--token-file", stage.File("none"))).Expect(ExitCodes.Usage).Error.ShouldContain("cannot be read");
    }

    [Fact]
    public async Task Where_no_node_is_that_is_told()
    {
        (await Stage.BareAsync("", "cluster", "show", "--url", "http://127.0.0.1:1")).Expect(ExitCodes.Unreachable).Error.ShouldContain("No node answers");
        (await Stage.BareAsync("", "cluster", "show", "--url", "nonsense")).Expect(ExitCodes.Usage);

        // Something else answers: the gateway is no management port.
        (await Stage.BareAsync("", "cluster", "show", "--url", stage.Gateway.ToString())).ExitCode.ShouldNotBe(0);
    }

    [Fact]
    public async Task Contexts_are_remembered_without_their_tokens()
    {
        (await Stage.BareAsync("", "context", "add", "here", stage.Url.ToString(), "--token-file", stage.File("admin"))).Expect(0);
        (await Stage.BareAsync("", "context", "add", "there", "http://127.0.0.1:1")).Expect(0);
        (await Stage.BareAsync("", "context", "use", "here")).Expect(0);
        (await Stage.BareAsync("", "cluster", "show")).Expect(0).Output.ShouldContain("node-1");
        (await Stage.BareAsync("", "cluster", "show", "-x", "there")).Expect(ExitCodes.Unreachable);
        (await Stage.BareAsync("", "context", "list")).Expect(0).Output.ShouldContain("here*");
        (await File.ReadAllTextAsync(stage.File("contexts.json"), TestContext.Current.CancellationToken)).ShouldNotContain("the-admin's-token");
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(stage.File("contexts.json")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        (await Stage.BareAsync("", "context", "use", "nowhere")).Expect(ExitCodes.Usage).Error.ShouldContain("here, there");
        (await Stage.BareAsync("", "context", "remove", "here")).Expect(0);
        (await Stage.BareAsync("", "context", "remove", "there")).Expect(0);
        (await Stage.BareAsync("", "context", "add", "bad", "ftp://x")).Expect(ExitCodes.Usage);
    }

    [Fact]
    public async Task A_script_runs_line_by_line_and_stops_at_what_fails()
    {
        var common = $"--url {stage.Url} --token-file {stage.File("admin")}";
        var run = await Stage.BareAsync($"# who is there\ncluster show {common}\n\ncluster shwo\nflag list {common}\n");
        run.Expect(ExitCodes.Usage);
        run.Output.ShouldContain("node-1");
        run.Output.ShouldNotContain("vectors");
        (await Stage.BareAsync("")).Expect(0);
        (await Stage.BareAsync("help cluster drain\n")).Expect(0).Output.ShouldContain("give all its shards away");
    }

    [Fact]
    public async Task The_program_itself_starts_and_says_how_it_went()
    {
        var start = new System.Diagnostics.ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "pbm"), ["cluster", "show", "--url", stage.Url.ToString(), "--token-file", stage.File("admin")]) { RedirectStandardOutput = true };
        using var process = System.Diagnostics.Process.Start(start)!;
        (await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).ShouldContain("node-1*");
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        process.ExitCode.ShouldBe(0);
    }
}
