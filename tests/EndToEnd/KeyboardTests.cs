namespace RagCluster.EndToEnd;

public sealed class KeyboardTests(BrowserFixture fixture) : VisitTest(fixture)
{
    [Fact]
    public Task Everything_from_question_to_source_works_without_a_mouse() => VisitAsync(async page =>
    {
        var question = page.GetByLabel("Your question");
        await question.FocusAsync();
        await page.Keyboard.TypeAsync("How long is");
        await page.Keyboard.PressAsync("Shift+Enter");
        await page.Keyboard.TypeAsync("the free-look period?");
        await Expect(question).ToHaveValueAsync("How long is\nthe free-look period?");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "completed");

        // From the composer backwards: actions, source cards, citations.
        for (var steps = 0; steps < 20 && !await page.EvaluateAsync<bool>("() => document.activeElement.matches('button.cite')"); steps++)
        {
            await page.Keyboard.PressAsync("Shift+Tab");
        }

        (await page.EvaluateAsync<bool>("() => document.activeElement.matches(':focus-visible') && getComputedStyle(document.activeElement).outlineStyle !== 'none'")).ShouldBeTrue();
        await Expect(page.Locator("#tip")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#source-text mark:not(.other)")).ToBeInViewportAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator("#source")).ToBeHiddenAsync();
        await Expect(page.Locator("button.cite").Last).ToBeFocusedAsync();
    });

    [Fact]
    public Task Slash_goes_to_the_search_and_results_open_their_source() => VisitAsync(async page =>
    {
        await page.Locator("#transcript").FocusAsync();
        await page.Keyboard.PressAsync("/");
        await Expect(page.GetByLabel("Words to search for")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("premium paid");
        await Expect(page.Locator(".result mark").First).ToBeVisibleAsync();
        await Expect(page.Locator("#search-state")).ToContainTextAsync("passages in");
        await page.Locator(".result h2 button").First.FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#source-text mark")).ToBeInViewportAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator(".result h2 button").First).ToBeFocusedAsync();
    });

    [Fact]
    public Task Escape_stops_an_answer_and_a_slash_in_a_question_is_a_slash() => VisitAsync(async (page, node) =>
    {
        node.Conversations.Answers.Close();
        var question = page.GetByLabel("Your question");
        await question.FocusAsync();
        await page.Keyboard.TypeAsync("and/or?");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".turn .question")).ToHaveTextAsync("and/or?");
        await Expect(page.Locator(".turn .answer")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "cancelled");
    });

    [Fact]
    public Task The_skip_link_comes_first_and_leads_to_the_content() => VisitAsync(async page =>
    {
        await page.Keyboard.PressAsync("Tab");
        await Expect(page.Locator("#skip")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("#main")).ToBeFocusedAsync();
    }, new() { Path = "/#/documents" });
}
