using System.Text.RegularExpressions;
using Microsoft.Playwright;
using RagCluster.EndToEnd.Scripted;

namespace RagCluster.EndToEnd;

public sealed class AskTests(BrowserFixture fixture) : VisitTest(fixture)
{
    private const string Question = "How long is the free-look period?";
    private const string First = "You may return the policy within 30 days of receiving it and get back every premium paid.";

    [Fact]
    public Task An_answer_streams_in_and_its_citations_open_the_marked_passage() => VisitAsync(async (page, node) =>
    {
        node.Conversations.Answers.Close();
        await AskAsync(page, Question);
        var turn = page.Locator(".turn");
        await Expect(turn.Locator(".answer")).ToHaveTextAsync("You may return the policy within 30 days of receiving it and");
        await Expect(turn).ToHaveAttributeAsync("data-status", "open");
        await Expect(turn.Locator("button.cite")).ToHaveCountAsync(0);

        node.Conversations.Answers.Open();
        await Expect(turn).ToHaveAttributeAsync("data-status", "completed");
        await Expect(turn.Locator(".answer p")).ToHaveCountAsync(2);
        await Expect(turn.Locator(".answer")).ToContainTextAsync($"{First} 1 The free-look period starts");
        await Expect(page.Locator("#announcer")).ToContainTextAsync("Answer: You may return the policy");

        var cite = turn.Locator("button.cite").First;
        await cite.HoverAsync();
        await Expect(page.GetByRole(AriaRole.Tooltip)).ToContainTextAsync(First);
        await cite.ClickAsync();
        var mark = page.Locator("#source-text mark:not(.other)");
        await Expect(mark).ToHaveTextAsync(First);
        await Expect(mark).ToBeInViewportAsync();
        await Expect(cite).ToHaveAttributeAsync("aria-expanded", "true");
        await Expect(page.Locator("#source-title")).ToBeFocusedAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "Next passage" }).ClickAsync();
        await Expect(mark).ToHaveTextAsync("The free-look period starts on the day on which the policy reaches you, by post or in your online account.");
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator("#source")).ToBeHiddenAsync();
        await Expect(cite).ToBeFocusedAsync();
    });

    [Fact]
    public Task A_question_that_the_documents_do_not_answer_says_so() => VisitAsync(async page =>
    {
        await AskAsync(page, "An unanswerable question");
        await Expect(page.Locator(".turn .notice")).ToContainTextAsync("Nothing is cited.");
        await Expect(page.Locator(".turn .sources")).ToBeHiddenAsync();
    });

    [Fact]
    public Task A_failed_answer_shows_the_reason_and_can_be_asked_for_again() => VisitAsync(async (page, node) =>
    {
        await AskAsync(page, "Is the model unavailable?");
        await Expect(page.Locator(".turn .notice.bad")).ToHaveTextAsync(Script.Unavailable);
        await page.GetByRole(AriaRole.Button, new() { Name = "Answer again" }).ClickAsync();
        await Expect(page.Locator(".turn")).ToHaveCountAsync(2);
        await Expect(page.Locator(".turn").Last.Locator(".question")).ToContainTextAsync("Asked again");
        node.Sockets.Received.Last(frame => (string?)frame["type"] == "ask")["regenerateOf"].ShouldNotBeNull();
    });

    [Fact]
    public Task An_answer_can_be_stopped_with_the_button_and_keeps_what_was_written() => VisitAsync(async (page, node) =>
    {
        node.Conversations.Answers.Close();
        await AskAsync(page, Question);
        await Expect(page.Locator(".turn .answer")).ToContainTextAsync("30 days");
        await page.GetByRole(AriaRole.Button, new() { Name = "Stop answering" }).ClickAsync();
        await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "cancelled");
        await Expect(page.Locator(".turn .answer")).ToContainTextAsync("30 days");
        await Expect(page.Locator(".turn .notice")).ToHaveTextAsync("Stopped before the answer was complete.");
        await Expect(page.GetByLabel("Your question")).ToBeFocusedAsync();
    });

    [Fact]
    public Task A_thumb_and_its_comment_reach_the_node() => VisitAsync(async (page, node) =>
    {
        await AskAsync(page, Question);
        var down = page.GetByRole(AriaRole.Button, new() { Name = "Poor answer" });
        await down.ClickAsync();
        await Expect(down).ToHaveAttributeAsync("aria-pressed", "true");
        await page.GetByLabel("What was wrong or missing?").FillAsync("The exception for replaced policies is missing.");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send comment" }).ClickAsync();
        await UntilAsync("the comment has arrived", () => node.Conversations.Feedback.Any(feedback => (string?)feedback["comment"] == "The exception for replaced policies is missing."));
        node.Conversations.Feedback.ShouldAllBe(feedback => (string?)feedback["rating"] == "down");

        await page.Locator("button.cite").Nth(1).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "It supports the statement" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "It supports the statement" })).ToHaveAttributeAsync("aria-pressed", "true");
        node.Conversations.Feedback.ShouldContain(feedback => (string?)feedback["rating"] == "up" && (int?)feedback["citation"] == 2);
        await Expect(down).ToHaveAttributeAsync("aria-pressed", "true");
    });

    [Fact]
    public Task Conversations_are_listed_switched_and_renamed() => VisitAsync(async (page, node) =>
    {
        await AskAsync(page, Question);
        await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "completed");
        await Expect(page.Locator("#conversations a[aria-current]")).ToHaveTextAsync(Question);
        await page.GetByRole(AriaRole.Button, new() { Name = "New conversation" }).ClickAsync();
        await Expect(page.Locator(".turn")).ToHaveCountAsync(0);
        await AskAsync(page, "And who can make a claim?");
        await Expect(page.Locator("#conversations a")).ToHaveCountAsync(2);

        await page.Locator("#conversations a", new() { HasText = Question }).ClickAsync();
        await Expect(page.Locator(".turn .question")).ToHaveTextAsync(Question);
        await Expect(page.Locator(".turn button.cite")).ToHaveCountAsync(3);

        await page.GetByRole(AriaRole.Button, new() { Name = $"Rename {Question}" }).ClickAsync();
        await page.GetByLabel("Title of the conversation").FillAsync("Free look");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#conversations a[aria-current]")).ToHaveTextAsync("Free look");
        await Expect(page).ToHaveTitleAsync(new Regex("^Free look"));
        node.Conversations.All.ShouldContain(conversation => conversation.Title == "Free look");
    });

    [Fact]
    public Task A_conversation_opened_by_its_address_goes_on_where_it_is() => VisitAsync(
        async (page, node) =>
        {
            await Expect(page.Locator(".turn .answer")).ToContainTextAsync("30 days");
            await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "open");
            node.Conversations.Answers.Open();
            await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "completed");
            await Expect(page.Locator(".turn .answer")).ToContainTextAsync($"{First} 1 The free-look");
        },
        new()
        {
            Path = "/#/chat/c-1",
            Prepare = node =>
            {
                node.Conversations.Answers.Close();
                node.Conversations.Ask("q-1", "c-1", Question);
            },
        });
}
