using FsCheck;
using FsCheck.Fluent;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Chats;

/// <summary>Resuming after any number misses nothing and repeats nothing (I4).</summary>
public sealed class ResumeTests(OpenNode node, SmallNode scripted)
{
    [Fact]
    public async Task After_every_number_exactly_the_rest_comes()
    {
        using var caller = scripted.Caller();
        await using var chat = await caller.ChatAsync();
        var frames = new List<System.Text.Json.Nodes.JsonNode>();
        foreach (var question in new[] { "q1", "q2" })
        {
            await chat.AskAsync(question, "resume-all", $"Question {question}?");
            await chat.EndOfAsync(question);
        }

        await chat.ResumeAsync("resume-all", 0);
        ((long?)(await chat.ExpectAsync("resumed"))["after"]).ShouldBe(0);
        var all = await chat.EndOfAsync("q2");
        all.ShouldBeDense(1);
        all.Types()[..2].ShouldBe(["started", "question"]);

        var last = (int)(long)all[^1]["seq"]!;
        for (var after = 0; after < last; after++)
        {
            await using var resumed = await caller.ChatAsync();
            await resumed.ResumeAsync("resume-all", after);
            await resumed.ExpectAsync("resumed");
            (await resumed.EndOfAsync("q2")).Select(f => f.ToJsonString()).ShouldBe(all.Skip(after).Select(f => f.ToJsonString()));
        }

        await chat.ResumeAsync("resume-all", last + 1);
        ((string?)(await chat.ExpectAsync("error"))["code"]).ShouldBe("invalid");
        await chat.ResumeAsync("resume-all", -1);
        ((string?)(await chat.ExpectAsync("error"))["code"]).ShouldBe("invalid");
    }

    [Fact]
    public void However_often_the_connection_is_cut_the_frames_together_have_no_gap_and_no_duplicate()
    {
        var count = 0;
        var cuts = Gen.Choose(1, 6).ListOf(4).ToArbitrary();
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(5),
            Prop.ForAll(cuts, lengths =>
            {
                SeenAsync($"resume-cut-{Interlocked.Increment(ref count)}", [.. lengths]).GetAwaiter().GetResult();
            }));
    }

    [Fact]
    public async Task The_event_stream_over_HTTP_has_the_same_events_with_the_same_numbers()
    {
        using var caller = node.Caller();
        await using var chat = await caller.ChatAsync();
        await chat.AskAsync("q1", "resume-sse", "Which events are there?");
        await chat.EndOfAsync("q1");
        await chat.ResumeAsync("resume-sse", 0);
        var frames = (await chat.EndOfAsync("q1")).Where(f => f["seq"] is not null).ToList();
        await using var stream = await caller.FollowAsync("/api/v1/conversations/resume-sse/events", ("Last-Event-ID", "1"));
        var events = await stream.UntilAsync(e => (string?)e["type"] == "completed");
        events.Select(e => e.Id).ShouldBe(frames.Skip(1).Select(f => $"{f["seq"]}"));
        events.Select(e => e.Data.ToJsonString()).ShouldBe(frames.Skip(1).Select(f => f.ToJsonString()));
    }

    /// <summary>Reads so many frames from each connection, cuts it, and goes on with the next; the last reads to the end.</summary>
    private async Task SeenAsync(string conversation, IReadOnlyList<int> lengths)
    {
        using var caller = scripted.Caller();
        var seen = new List<System.Text.Json.Nodes.JsonNode>();
        await using (var first = await caller.ChatAsync())
        {
            await first.AskAsync("q1", conversation, $"Please hold {conversation}.");
            seen.Add(await first.ExpectAsync("accepted"));
        }

        foreach (var length in lengths)
        {
            await using var chat = await caller.ChatAsync();
            await chat.ResumeAsync(conversation, seen[^1].AsObject()["seq"]!.GetValue<long>());
            await chat.ExpectAsync("resumed");
            scripted.Model.Release(conversation);
            for (var i = 0; i < length && (string?)seen[^1]["type"] != "completed"; i++)
            {
                scripted.Model.Release(conversation);
                seen.Add((await chat.NextAsync()).ShouldNotBeNull());
            }
        }

        await using (var end = await caller.ChatAsync())
        {
            if ((string?)seen[^1]["type"] != "completed")
            {
                await end.ResumeAsync(conversation, (long)seen[^1]["seq"]!);
                await end.ExpectAsync("resumed");
                scripted.Model.Release(conversation);
                seen.AddRange(await end.EndOfAsync("q1"));
            }
        }

        seen.ShouldBeDense((long)seen[0]["seq"]!);
        seen.Shown("q1").Trim().ShouldBe(((string)seen[^1]["text"]!).Trim());
    }
}
