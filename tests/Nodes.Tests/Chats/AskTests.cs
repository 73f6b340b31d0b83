using System.Net;
using System.Text.Json.Nodes;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Chats;

/// <summary>Questions and answers over the WebSocket and over HTTP.</summary>
public sealed class AskTests(OpenNode node, SmallNode scripted)
{
    [Fact]
    public async Task An_answer_comes_in_order_with_citations_that_stand_where_they_say()
    {
        using var caller = node.Caller();
        await caller.IndexAsync("numbered-days", "# Cooling off\n\nThe phascogale policy may be returned within 23 days after delivery.\n", "cooling.md");
        await using var chat = await caller.ChatAsync();
        await chat.AskAsync("q1", "ask-1", "Within how many days may the phascogale policy be returned?");
        var frames = await chat.EndOfAsync("q1");

        ((string?)frames[0]["type"]).ShouldBe("accepted");
        ((string?)frames[0]["conversation"]).ShouldBe("ask-1");
        frames.ShouldBeDense((long)frames[0]["seq"]!);
        var types = frames.Types();
        types[1..3].ShouldBe(["begun", "sources"]);
        types[3..^1].ShouldNotBeEmpty();
        types[3..^1].ShouldAllBe(t => t == "delta");
        types[^1].ShouldBe("completed");

        var completed = frames[^1];
        ((string?)completed["text"]).ShouldNotBeNull().ShouldContain("23 days");
        frames.Shown("q1").Trim().ShouldBe(((string)completed["text"]!).Trim());
        var citation = completed["citations"]!.AsArray().ShouldHaveSingleItem()!;
        ((string?)citation["document"]).ShouldBe("numbered-days");
        var text = (string)(await caller.GetAsync("/api/v1/documents/numbered-days/text")).Json["text"]!;
        text[(int)citation["start"]!..(int)citation["end"]!].ShouldBe((string)citation["quote"]!);
    }

    [Fact]
    public async Task What_the_documents_do_not_say_is_not_answered()
    {
        await using var chat = await node.Caller().ChatAsync();
        await chat.AskAsync("q1", "ask-nothing", "Qwxz vbnm zyxw?");
        var completed = (await chat.EndOfAsync("q1"))[^1];
        ((bool?)completed["abstained"]).ShouldBe(true);
        completed["citations"]!.AsArray().ShouldBeEmpty();
    }

    [Fact]
    public async Task The_same_question_id_twice_is_one_question()
    {
        using var caller = node.Caller();
        await using var chat = await caller.ChatAsync();
        await chat.AskAsync("same", "ask-same", "Is this one question?");
        var first = await chat.EndOfAsync("same");
        await chat.AskAsync("same", "ask-same", "Is this one question?");
        ((long?)(await chat.ExpectAsync("accepted"))["seq"]).ShouldBe((long)first[0]["seq"]!);

        // On a connection of its own, it is followed to its end like the first time.
        await using var other = await caller.ChatAsync();
        await other.AskAsync("same", "ask-same", "Is this one question?");
        (await other.EndOfAsync("same")).Select(f => f.ToJsonString()).ShouldBe(first.Select(f => f.ToJsonString()));

        await chat.AskAsync("same", "ask-same", "Is this another question?");
        ((string?)(await chat.UntilAsync(f => (string?)f["type"] == "error"))[^1]["id"]).ShouldBe("same");
        (await caller.GetAsync("/api/v1/conversations/ask-same")).Json["turns"]!.AsArray().Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_question_is_cancelled_while_it_is_answered()
    {
        using var caller = scripted.Caller();
        await using var chat = await caller.ChatAsync();
        await chat.AskAsync("q1", "ask-cancel", "Please hold.");
        await chat.UntilAsync(f => (string?)f["type"] == "delta");
        await chat.SendAsync(new { type = "cancel", id = "q1", conversation = "ask-cancel" });
        ((string?)(await chat.EndOfAsync("q1"))[^1]["type"]).ShouldBe("cancelled");

        // The next one has its turn, and cancelling what has ended changes nothing.
        await chat.SendAsync(new { type = "cancel", id = "q1", conversation = "ask-cancel" });
        await chat.AskAsync("q2", "ask-cancel", "And now?");
        var frames = await chat.EndOfAsync("q2");
        ((string?)frames[^1]["type"]).ShouldBe("completed");
        await chat.SendAsync(new { type = "cancel", id = "none", conversation = "ask-cancel" });
        ((string?)(await chat.ExpectAsync("error"))["code"]).ShouldBe("not-found");
    }

    [Fact]
    public async Task A_conversation_takes_so_many_open_questions_and_says_when_it_is_busy()
    {
        using var caller = scripted.Caller();
        const int most = 8;
        for (var i = 0; i < most; i++)
        {
            (await caller.PostAsync("/api/v1/conversations/busy/messages", Hold($"busy-{i}"))).Expect(HttpStatusCode.Accepted);
        }

        (await caller.PostAsync("/api/v1/conversations/busy/messages", Hold("busy-more"))).ExpectProblem(HttpStatusCode.Conflict, "busy");
        await TestKit.Retry.Until("all are answered", async () =>
        {
            scripted.Model.Release("busy-");
            var turns = (await caller.GetAsync("/api/v1/conversations/busy")).Expect(HttpStatusCode.OK)["turns"]!.AsArray();
            return turns.Count == most && turns.All(t => (string?)t!["status"] == "completed");
        });

        static JsonObject Hold(string id) => new() { ["id"] = id, ["text"] = $"Please hold {id}." };
    }

    [Fact]
    public async Task A_model_that_fails_fails_the_question_with_its_reason()
    {
        await using var chat = await scripted.Caller().ChatAsync();
        await chat.AskAsync("q1", "ask-broken", "Please break.");
        var failed = (await chat.EndOfAsync("q1"))[^1];
        ((string?)failed["type"]).ShouldBe("failed");
        ((string?)failed["code"]).ShouldNotBeNull().ShouldStartWith("inference-");
        ((string?)failed["detail"]).ShouldNotBeNull().ShouldContain("The model is broken.");
    }

    [Fact]
    public async Task An_answer_is_regenerated_and_judged()
    {
        using var caller = node.Caller();
        await caller.IndexAsync("judged", "The thylacine rider costs 41 crowns.");
        await using var chat = await caller.ChatAsync();
        await chat.AskAsync("q1", "ask-judged", "What does the thylacine rider cost?");
        var completed = (await chat.EndOfAsync("q1"))[^1];
        await chat.SendAsync(new { type = "ask", id = "q2", conversation = "ask-judged", regenerateOf = "q1" });
        ((string?)(await chat.EndOfAsync("q2"))[^1]["text"]).ShouldBe((string?)completed["text"]);

        await chat.SendAsync(new { type = "feedback", conversation = "ask-judged", question = "q1", rating = "down", comment = "too short" });
        ((string?)(await chat.ExpectAsync("feedback"))["rating"]).ShouldBe("down");
        await chat.SendAsync(new { type = "feedback", conversation = "ask-judged", question = "q1", rating = "up", citation = 9 });
        ((string?)(await chat.ExpectAsync("error"))["code"]).ShouldBe("invalid");
        (await caller.PostAsync("/api/v1/conversations/ask-judged/feedback", new JsonObject { ["question"] = "q2", ["rating"] = "up", ["citation"] = 1 })).Expect(HttpStatusCode.OK);
        (await caller.PostAsync("/api/v1/conversations/ask-judged/feedback", new JsonObject { ["question"] = "q2" })).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await caller.PostAsync("/api/v1/conversations/ask-judged/feedback", new JsonObject { ["question"] = "none", ["rating"] = "up" })).ExpectProblem(HttpStatusCode.NotFound, "not-found");
        var turns = (await caller.GetAsync("/api/v1/conversations/ask-judged")).Json["turns"]!.AsArray();
        turns.Select(t => (string?)t!["rating"]).ShouldBe(["down", null]);
    }

    [Fact]
    public async Task Over_HTTP_a_question_is_asked_once_by_its_key_and_waited_for()
    {
        using var caller = node.Caller();
        var body = new JsonObject { ["text"] = "Is the key enough?" };
        var first = (await caller.PostAsync("/api/v1/conversations/http-1/messages", body, ("Idempotency-Key", "key-1"))).Expect(HttpStatusCode.Accepted);
        var again = (await caller.PostAsync("/api/v1/conversations/http-1/messages", body, ("Idempotency-Key", "key-1"))).Expect(HttpStatusCode.Accepted);
        again.ToJsonString().ShouldBe(first.ToJsonString());
        body["wait"] = true;
        var answer = (await caller.PostAsync("/api/v1/conversations/http-1/messages", body, ("Idempotency-Key", "key-1"))).Expect(HttpStatusCode.OK);
        ((string?)answer["answer"]!["status"]).ShouldBe("completed");
        ((string?)answer["id"]).ShouldBe("key-1");
        (await caller.GetAsync("/api/v1/conversations/http-1")).Json["turns"]!.AsArray().Count.ShouldBe(1);
        (await caller.PostAsync("/api/v1/conversations/http-1/messages", new JsonObject { ["text"] = "Another" }, ("Idempotency-Key", "key-1"))).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await caller.PostAsync("/api/v1/conversations/http-1/messages", new JsonObject())).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await caller.PostAsync("/api/v1/conversations/http-1/messages", new JsonObject { ["text"] = "  " })).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
    }

    [Fact]
    public async Task A_question_of_a_megabyte_is_refused_and_costs_nothing_else()
    {
        using var caller = node.Caller();
        var long1 = new string('a', 1 << 20);
        ((string?)(await caller.PostAsync("/api/v1/conversations/long/messages", new JsonObject { ["text"] = long1 })).ExpectProblem(HttpStatusCode.BadRequest, "invalid")["detail"])
            .ShouldNotBeNull().ShouldContain("1048576 characters");
        (await caller.GetAsync("/api/v1/conversations/long")).ExpectProblem(HttpStatusCode.NotFound, "not-found");

        // Over the WebSocket, a question within the frame limit but over its own.
        await using var chat = await scripted.Caller().ChatAsync();
        await chat.AskAsync("q1", "long", new string('a', 2_001));
        ((string?)(await chat.ExpectAsync("error"))["detail"]).ShouldNotBeNull().ShouldContain("2001 characters");
        await chat.AskAsync("q2", "long", "Still there?");
        ((string?)(await chat.EndOfAsync("q2"))[^1]["type"]).ShouldBe("completed");
    }

    [Fact]
    public async Task Conversations_are_listed_last_changed_first_and_renamed()
    {
        using var caller = node.Caller();
        foreach (var id in new[] { "list-1", "list-2" })
        {
            (await caller.PostAsync($"/api/v1/conversations/{id}/messages", new JsonObject { ["text"] = $"First of {id}?", ["wait"] = true })).Expect(HttpStatusCode.OK);
        }

        (await caller.SendAsync(HttpMethod.Patch, "/api/v1/conversations/list-1", System.Net.Http.Json.JsonContent.Create(new { title = "Renamed" }))).Expect(HttpStatusCode.OK);
        string[] mine = [];
        await TestKit.Retry.Until("the list shows the new title first", async () =>
        {
            var rows = (await caller.GetAsync("/api/v1/conversations?limit=500")).Expect(HttpStatusCode.OK)["conversations"]!.AsArray();
            mine = [.. rows.Where(r => ((string)r!["id"]!).StartsWith("list-", StringComparison.Ordinal)).Select(r => $"{r!["id"]} {r["title"]}")];
            return mine is ["list-1 Renamed", "list-2 First of list-2?"];
        });
        (await caller.GetAsync("/api/v1/conversations?limit=0")).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await caller.SendAsync(HttpMethod.Patch, "/api/v1/conversations/none", System.Net.Http.Json.JsonContent.Create(new { title = "x" }))).ExpectProblem(HttpStatusCode.NotFound, "not-found");
    }
}
