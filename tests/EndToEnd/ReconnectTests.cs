namespace RagCluster.EndToEnd;

/// <summary>Connections break in the middle of answers; readers must not notice more than a pause.</summary>
public sealed class ReconnectTests(BrowserFixture fixture) : VisitTest(fixture)
{
    private const string Whole =
        "You may return the policy within 30 days of receiving it and get back every premium paid. 1 " +
        "The free-look period starts on the day on which the policy reaches you, by post or in your online account. 2";

    [Fact]
    public Task A_connection_lost_in_mid_answer_is_taken_up_without_gap_or_repetition() => VisitAsync(async (page, node) =>
    {
        node.Conversations.Answers.Close();
        await AskAsync(page, "How long is the free-look period?");
        await Expect(page.Locator(".turn .answer")).ToHaveTextAsync("You may return the policy within 30 days of receiving it and");

        node.Sockets.Drop();
        await UntilAsync("the page has connected again and asked for the rest", () =>
            node.Sockets.Connections == 2 && node.Sockets.Received.Any(frame => (string?)frame["type"] == "resume"));
        var resume = node.Sockets.Received.Last(frame => (string?)frame["type"] == "resume");
        ((long)resume["after"]!).ShouldBe(7, "its start, the question, the search, its sources and three pieces were seen");

        node.Conversations.HoldAfter = 6;
        node.Conversations.Answers.Open();
        node.Conversations.Answers.Close();
        await Expect(page.Locator(".turn .answer")).ToHaveTextAsync("You may return the policy within 30 days of receiving it and get back every premium paid. 1 The free-look period starts on the");

        node.Conversations.Answers.Open();
        await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "completed");
        await Expect(page.Locator(".turn .answer p").First).ToHaveTextAsync(Whole);
        await Expect(page.Locator(".turn")).ToHaveCountAsync(1);
    });

    [Fact]
    public Task A_question_asked_without_a_connection_is_sent_once_when_it_is_back() => VisitAsync(
        async (page, node) =>
        {
            node.Sockets.Away = true;
            node.Sockets.Drop();
            await Expect(page.Locator(".sidebar [data-connection]")).Not.ToHaveTextAsync("Connected");
            await AskAsync(page, "How long is the free-look period?");
            await Expect(page.Locator(".turn .stage")).ToHaveTextAsync("Waiting for the node");
            await Expect(page.Locator("#chat-notice")).ToContainTextAsync("No connection");

            node.Sockets.Away = false;
            await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "completed");
            await Expect(page.Locator(".turn .answer p").First).ToHaveTextAsync(Whole);
            node.Conversations.All.Count().ShouldBe(1);
        },
        new() { Expected = "WebSocket connection" });

    [Fact]
    public Task A_transcript_is_the_same_however_often_frames_come() => VisitAsync(async page =>
    {
        // Any prefix may come again after a reconnection: what was seen is passed over, by its number.
        var wrong = await page.EvaluateAsync<string[]>("""
            async () => {
              const { Transcript } = await import('/js/transcript.js');
              const words = 'a b c d e f g h'.split(' ');
              const journal = [
                { type: 'question', id: 'q', text: 'Q' },
                { type: 'sources', id: 'q', passages: [] },
                ...words.map((text) => ({ type: 'delta', id: 'q', text })),
                { type: 'restarted', id: 'q' },
                ...words.map((text) => ({ type: 'delta', id: 'q', text })),
                { type: 'completed', id: 'q', text: 'done', citations: [] },
                { type: 'feedback', id: 'q', rating: 'up' },
              ].map((frame, i) => ({ ...frame, seq: i + 1 }));
              const seen = (frames) => {
                const transcript = new Transcript('c');
                for (const frame of frames) transcript.apply(frame);
                const { askedAt, ...turn } = transcript.turns[0] ?? {};
                return JSON.stringify({ seq: transcript.seq, turn });
              };
              const wrong = [];
              for (let end = 1; end <= journal.length; end++)
                for (let stop = 1; stop <= end; stop++)
                  for (let again = 0; again <= stop; again++) {
                    const twice = [...journal.slice(0, stop), ...journal.slice(again, end)];
                    if (seen(twice) !== seen(journal.slice(0, end))) wrong.push(`${again}..${stop}..${end}`);
                  }
              return wrong;
            }
            """);
        wrong.ShouldBeEmpty();
    });
}
