using Microsoft.Playwright;

namespace RagCluster.EndToEnd;

/// <summary>The page with the real node: what a user does, from the file to the passage, and what happens to them when things break.</summary>
public sealed class RealNodeTests(BrowserFixture fixture) : VisitTest(fixture)
{
    private const string Policy =
        "# Harbour Term Life\n\n## Your right to change your mind\n\n" +
        "You may return the policy within 30 days of receiving it and get back every premium paid. " +
        "Write to us or use your online account; no reason is needed.\n\n" +
        "## Missed premiums\n\nCover continues for 31 days after a premium was missed. This time is called the grace period.\n";

    private const string Hostile = "The branch code of Seaside is SX-19 <img src=x onerror=\"document.title='owned'\"> [click](javascript:alert(1)).";

    private const string Question = "How many days do I have to return the policy?";

    [Fact]
    public async Task From_a_dropped_file_to_the_marked_passage_and_back_to_who_may_read_it()
    {
        SkipWithoutBrowser();
        await using var node = new RealNode();
        await node.StartAsync();
        await VisitAsync($"http://127.0.0.1:{node.Port}", async page =>
        {
            await DropAsync(page, ("harbour-term-life.md", Policy), ("branches.txt", Hostile), ("empty.txt", ""));
            await Expect(page.Locator("#tray li.done")).ToHaveCountAsync(2);
            await Expect(page.Locator("#tray li.failed .why")).Not.ToBeEmptyAsync();

            await AskAsync(page, Question);
            await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "completed");
            await Expect(page.Locator(".turn .answer")).ToContainTextAsync("within 30 days of receiving it");
            await page.Locator(".turn .answer button.cite").First.ClickAsync();
            await Expect(page.Locator("#source-text mark:not(.other)")).ToContainTextAsync("return the policy within 30 days");
            await Expect(page.Locator("#source-text mark:not(.other)")).ToBeInViewportAsync();
            await page.GetByRole(AriaRole.Button, new() { Name = "Good answer" }).ClickAsync();
            await page.GetByRole(AriaRole.Button, new() { Name = "No comment" }).ClickAsync();
            await page.ReloadAsync();
            await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Good answer" })).ToHaveAttributeAsync("aria-pressed", "true");
            await Expect(page.Locator("#conversations a[aria-current]")).ToHaveTextAsync(Question);

            await AskAsync(page, "What is the branch code of Seaside?");
            await Expect(page.Locator(".turn").Last.Locator(".answer")).ToContainTextAsync("SX-19 <img src=x onerror=");
            await Expect(page.Locator("#turns img, #turns a")).ToHaveCountAsync(0);

            await page.GotoAsync("/#/documents");
            await page.GetByRole(AriaRole.Button, new() { Name = "Who may read Harbour Term Life" }).ClickAsync();
            await page.GetByRole(AriaRole.Checkbox, new() { Name = "underwriter" }).CheckAsync();
            await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
            await Expect(page.Locator(".document", new() { HasText = "harbour-term-life.md" }).Locator(".readers")).ToHaveTextAsync("underwriter");
            await page.GetByLabel("View as").SelectOptionAsync("customer");
            await Expect(page.Locator(".document", new() { HasText = "branches.txt" })).ToHaveCountAsync(1);
            await Expect(page.Locator(".document", new() { HasText = "harbour-term-life.md" })).ToHaveCountAsync(0);
            await page.GotoAsync("/#/search");
            await page.GetByLabel("Words to search for").FillAsync("grace period");
            await Expect(page.Locator("#search-state")).Not.ToBeEmptyAsync();
            await Expect(page.Locator("#results")).Not.ToContainTextAsync("31 days");
        });
    }

    [Fact]
    public async Task A_question_whose_acceptance_was_lost_on_the_way_is_answered_once()
    {
        SkipWithoutBrowser();
        await using var node = new RealNode();
        await node.StartAsync();
        await using var wire = new CuttableWire(node.Port);
        await VisitAsync(wire.Address, async page =>
        {
            await DropAsync(page, ("harbour-term-life.md", Policy));
            await Expect(page.Locator("#tray li.done")).ToHaveCountAsync(1);
            wire.Hold();
            await AskAsync(page, Question);
            await Expect(page.Locator(".turn .stage")).ToHaveTextAsync("Waiting for the node");

            // The node has the question and answers it; the page has heard nothing of that and asks again.
            using var client = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{node.Port}") };
            await UntilAsync("the node has answered", async () => (await client.GetStringAsync("/api/v1/conversations")).Contains(Question, StringComparison.Ordinal));
            wire.Cut();
            await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "completed");
            await Expect(page.Locator(".turn .answer")).ToContainTextAsync("within 30 days of receiving it");
            await Expect(page.Locator(".turn")).ToHaveCountAsync(1);
            await Expect(page.Locator("#conversations a")).ToHaveCountAsync(1);
        }, new() { Expected = "ERR_" });
    }

    [Fact]
    public async Task A_restart_of_the_node_is_a_pause()
    {
        SkipWithoutBrowser();
        await using var node = new RealNode();
        await node.StartAsync();
        await VisitAsync($"http://127.0.0.1:{node.Port}", async page =>
        {
            await DropAsync(page, ("harbour-term-life.md", Policy));
            await Expect(page.Locator("#tray li.done")).ToHaveCountAsync(1);
            await AskAsync(page, Question);
            await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "completed");
            await node.StopAsync();
            await Expect(page.Locator(".sidebar [data-connection]")).Not.ToHaveTextAsync("Connected");
            await AskAsync(page, "And for how long does cover continue after a missed premium?");
            await node.StartAsync();
            await Expect(page.Locator(".turn").Last).ToHaveAttributeAsync("data-status", "completed");
            await Expect(page.Locator(".turn").Last.Locator(".answer")).ToContainTextAsync("31 days");
            await Expect(page.Locator(".turn")).ToHaveCountAsync(2);
        }, new() { Expected = "ERR_" });
    }
}
