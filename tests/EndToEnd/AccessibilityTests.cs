using System.Text.Json;
using Microsoft.Playwright;

namespace RagCluster.EndToEnd;

/// <summary>What the browser tells assistive technology, read from its accessibility tree.</summary>
public sealed class AccessibilityTests(BrowserFixture fixture) : VisitTest(fixture)
{
    private static readonly string[] Controls = ["button", "link", "textbox", "searchbox", "combobox", "checkbox", "progressbar", "dialog", "region", "article"];

    [Fact]
    public Task Every_control_has_a_name_in_every_view() => VisitAsync(async page =>
    {
        await AskAsync(page, "How long is the free-look period?");
        await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "completed");
        await page.Locator("button.cite").First.ClickAsync();
        await Expect(page.Locator("#source-text mark").First).ToBeVisibleAsync();
        (await NamelessAsync(page)).ShouldBeEmpty();

        await page.GotoAsync("/#/documents");
        await Expect(page.Locator(".document")).ToHaveCountAsync(7);
        (await NamelessAsync(page)).ShouldBeEmpty();
        await page.GetByRole(AriaRole.Button, new() { Name = "Who may read Fee tables" }).ClickAsync();
        await Expect(page.Locator("dialog")).ToBeVisibleAsync();
        (await NamelessAsync(page)).ShouldBeEmpty();
        await page.Keyboard.PressAsync("Escape");

        await page.GotoAsync("/#/search");
        await page.GetByLabel("Words to search for").FillAsync("premium");
        await Expect(page.Locator(".result").First).ToBeVisibleAsync();
        (await NamelessAsync(page)).ShouldBeEmpty();
    });

    [Fact]
    public Task There_are_landmarks_headings_and_one_live_region_for_answers() => VisitAsync(async page =>
    {
        await Expect(page.GetByRole(AriaRole.Main)).ToHaveCountAsync(1);
        await Expect(page.GetByRole(AriaRole.Banner)).ToHaveCountAsync(1);
        await Expect(page.GetByRole(AriaRole.Navigation, new() { Name = "Views" })).ToHaveCountAsync(1);
        await Expect(page.GetByRole(AriaRole.Navigation, new() { Name = "Conversations" })).ToHaveCountAsync(1);
        await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveCountAsync(1);
        (await page.Locator("html").GetAttributeAsync("lang")).ShouldBe("en");

        // The answer is not itself live: a screen reader would read each piece as it comes.
        await AskAsync(page, "How long is the free-look period?");
        await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "completed");
        await Expect(page.Locator("#turns").Locator("xpath=ancestor-or-self::*[@aria-live or @role='log' or @role='status']")).ToHaveCountAsync(0);
        await Expect(page.Locator("#announcer")).ToContainTextAsync("(source 1)");
        await page.Locator("button.cite").First.ClickAsync();
        await Expect(page.GetByRole(AriaRole.Complementary, new() { Name = "Harbour Term Life" })).ToBeVisibleAsync();
    });

    private static async Task<List<string>> NamelessAsync(IPage page)
    {
        var session = await page.Context.NewCDPSessionAsync(page);
        var tree = (await session.SendAsync("Accessibility.getFullAXTree"))!.Value.GetProperty("nodes");
        var nameless = new List<string>();
        foreach (var node in tree.EnumerateArray())
        {
            if (node.GetProperty("ignored").GetBoolean() || !node.TryGetProperty("role", out var role))
            {
                continue;
            }

            var name = node.TryGetProperty("name", out var named) && named.TryGetProperty("value", out var value) ? value.GetString() : null;
            if (Controls.Contains(role.GetProperty("value").GetString()) && string.IsNullOrWhiteSpace(name))
            {
                nameless.Add(JsonSerializer.Serialize(node));
            }
        }

        return nameless;
    }
}
