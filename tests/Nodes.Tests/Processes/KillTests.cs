using System.Net;
using System.Text.Json.Nodes;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Processes;

/// <summary>kill -9 at any moment: nothing acknowledged is lost, nothing is doubled, everything that began finishes.</summary>
public sealed class KillTests
{
    private const int Documents = 50;
    private const int Conversations = 4;
    private const int Questions = 3;

    private readonly HashSet<string> _taken = [];
    private readonly HashSet<(string Conversation, string Question)> _accepted = [];

    [Fact]
    public async Task What_was_acknowledged_survives_two_kills_and_happens_once()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        using var folder = new TemporaryFolder();

        // Killed while it takes in and answers, at a random acknowledgement; then soon after the start, while it recovers.
        await RunUntilKilledAsync(folder.Path, acknowledgements: random.Next(5, Documents));
        await RunUntilKilledAsync(folder.Path, acknowledgements: random.Next(0, 20));

        await using var node = await Ragcluster.ServeAsync(folder.Path);
        using var caller = new Caller(node.Url);
        var acknowledged = _taken.Count;

        // By the list, which wakes no document: the node itself must have taken the work up again.
        string[] missing = [];
        try
        {
            await TestKit.Retry.Until("every acknowledged document is indexed", async () =>
            {
                var indexed = (await caller.ListAsync("&status=indexed")).Select(d => (string)d["id"]!).ToHashSet();
                missing = [.. _taken.Where(id => !indexed.Contains(id))];
                return missing.Length == 0;
            });
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message} Missing of {_taken.Count}, seed {seed}: {string.Join(", ", missing)}", e);
        }

        // What was not acknowledged is sent again, and the rest with it, as a source does that does not know either.
        foreach (var reply in await Task.WhenAll(_taken.Select(id => caller.PutDocumentAsync(id, Text(id)))))
        {
            ((bool?)reply.Expect(HttpStatusCode.Accepted)["changed"]).ShouldBe(false);
        }

        await Task.WhenAll(Ids().Where(id => !_taken.Contains(id)).Select(id => caller.IndexAsync(id, Text(id))));
        await TestKit.Retry.Until("the list has every document", async () => (await caller.ListAsync("&status=indexed")).Count >= Documents);
        var listed = await caller.ListAsync();
        listed.Select(d => (string)d["id"]!).Order(StringComparer.Ordinal).ShouldBe(Ids().Order(StringComparer.Ordinal), $"seed {seed}");
        listed.ShouldAllBe(d => (int)d["version"]! == 1 && (string)d["status"]! == "indexed");
        foreach (var id in Ids())
        {
            var passages = await caller.PassagesAsync(Word(id));
            passages.Select(p => $"{p!["document"]} {p["version"]} {p["ordinal"]}").ShouldBe([$"{id} 1 0"], $"seed {seed}, {acknowledged} acknowledged before the last start");
        }

        foreach (var (conversation, questions) in _accepted.GroupBy(a => a.Conversation).Select(g => (g.Key, g.Select(a => a.Question).ToList())))
        {
            await CheckAsync(caller, conversation, questions, seed);
        }
    }

    [Fact]
    public async Task An_answer_that_a_kill_cut_off_starts_over_says_so_and_ends_without_anybody_asking()
    {
        await using var model = await ScriptedModel.StartAsync();
        string[] scripted =
        [
            "-D", "ragcluster.inference.generation.provider=openai",
            "-D", $"ragcluster.inference.generation.url={model.Url}",
            "-D", "ragcluster.inference.generation.model=scripted",
        ];
        using var folder = new TemporaryFolder();
        var seen = new List<JsonNode>();
        await using (var node = await Ragcluster.ServeAsync(folder.Path, scripted))
        {
            await using var chat = await Chat.OpenAsync(node.Url);
            await chat.AskAsync("q1", "cut", "Please hold.");
            seen.AddRange(await chat.UntilAsync(f => (string?)f["type"] == "delta"));
            node.Kill();
        }

        // The node itself asks the model again, before any client is there.
        var before = model.Asked;
        await using var next = await Ragcluster.ServeAsync(folder.Path, scripted);
        await TestKit.Retry.Until("the question is taken up again", () => model.Asked > before);
        await using var resumed = await Chat.OpenAsync(next.Url);
        await resumed.ResumeAsync("cut", (long)seen[^1]["seq"]!);
        await resumed.ExpectAsync("resumed");
        model.Release("hold");
        var end = resumed.EndOfAsync("q1");
        await TestKit.Retry.Until("the answer has ended", () =>
        {
            model.Release("hold");
            return end.IsCompleted;
        });
        seen.AddRange(await end);
        seen.ShouldBeDense((long)seen[0]["seq"]!);
        seen.Types().Count(t => t == "restarted").ShouldBe(1);
        ((string?)seen[^1]["type"]).ShouldBe("completed");
        seen.Shown("q1").Trim().ShouldBe(((string)seen[^1]["text"]!).Trim());
    }

    private static IEnumerable<string> Ids() => Enumerable.Range(0, Documents).Select(i => $"doc-{i}");

    private static string Word(string id) => "kangaroo" + string.Concat(id[4..].Select(d => (char)('a' + d - '0'))) + "x";

    private static string Text(string id) => $"The {Word(id)} policy number {id[4..]} is valid for {id[4..]} years.";

    private async Task RunUntilKilledAsync(string folder, int acknowledgements)
    {
        await using var node = await Ragcluster.ServeAsync(folder);
        using var caller = new Caller(node.Url);
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var count = 0;
        if (acknowledgements == 0)
        {
            reached.SetResult();
        }

        void Acknowledged(Action remember)
        {
            lock (_taken)
            {
                remember();
                if (++count >= acknowledgements)
                {
                    reached.TrySetResult();
                }
            }
        }

        var sending = Task.WhenAll(
            Parallel.ForEachAsync(Ids().Where(id => !_taken.Contains(id)).ToList(), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (id, _) =>
            {
                if (await TryAsync(() => caller.PutDocumentAsync(id, Text(id))) is { Status: HttpStatusCode.Accepted })
                {
                    Acknowledged(() => _taken.Add(id));
                }
            }),
            Parallel.ForEachAsync(Enumerable.Range(0, Conversations * Questions), async (i, _) =>
            {
                var (conversation, question) = ($"talk-{i % Conversations}", $"q{i}");
                var ask = new JsonObject { ["id"] = question, ["text"] = $"For how many years is the {Word($"doc-{i}")} policy valid?" };
                if (await TryAsync(() => caller.PostAsync($"/api/v1/conversations/{conversation}/messages", ask)) is { Status: HttpStatusCode.Accepted })
                {
                    Acknowledged(() => _accepted.Add((conversation, question)));
                }
            }));
        await Task.WhenAny(reached.Task, sending);
        node.Kill();
        await sending;
    }

    private static async Task<Reply?> TryAsync(Func<Task<Reply>> send)
    {
        try
        {
            return await send();
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // The node is dead; what became of it is not known, and must not matter.
            return null;
        }
    }

    private static async Task CheckAsync(Caller caller, string conversation, IReadOnlyList<string> questions, int seed)
    {
        JsonNode view = new JsonObject();
        await TestKit.Retry.Until($"no question of {conversation} is open", async () =>
        {
            view = (await caller.GetAsync($"/api/v1/conversations/{conversation}")).Expect(HttpStatusCode.OK);
            return view["turns"]!.AsArray().All(t => (string?)t!["status"] == "completed");
        });
        var turns = view["turns"]!.AsArray().Select(t => (string)t!["question"]!).ToList();
        turns.ShouldBeUnique();
        questions.ShouldAllBe(q => turns.Contains(q), $"seed {seed}");

        await using var stream = await caller.FollowAsync($"/api/v1/conversations/{conversation}/events");
        var events = (await stream.UntilAsync(e => (long?)e["seq"] == (long)view["seq"]!)).Select(e => e.Data).ToList();
        events.ShouldBeDense(1);
        foreach (var question in turns)
        {
            var own = events.Where(e => (string?)e["id"] == question).ToList();
            own.Count(e => (string?)e["type"] == "question").ShouldBe(1);
            own.Count(e => (string?)e["type"] == "completed").ShouldBe(1, $"{question}, seed {seed}");
            own.Shown(question).Trim().ShouldBe(((string)own[^1]["text"]!).Trim());
        }
    }
}
