using Microsoft.Playwright;

namespace RagCluster.EndToEnd;

public sealed class AppearanceTests(BrowserFixture fixture) : VisitTest(fixture)
{
    [Fact]
    public Task Text_has_the_contrast_that_people_need_to_read_it() => VisitAsync(async page =>
    {
        await AskAsync(page, "Is the model unavailable?");
        await Expect(page.Locator(".turn .notice.bad")).ToBeVisibleAsync();
        await AskAsync(page, "How long is the free-look period?");
        await page.Locator("button.cite").First.ClickAsync();
        await Expect(page.Locator("#source-text mark").First).ToBeVisibleAsync();
        await CheckContrastAsync(page, "conversation");
        await page.GotoAsync("/#/documents");
        await Expect(page.Locator(".document")).ToHaveCountAsync(7);
        await CheckContrastAsync(page, "documents");
        await page.GotoAsync("/#/search");
        await page.GetByLabel("Words to search for").FillAsync("premium");
        await Expect(page.Locator(".result mark").First).ToBeVisibleAsync();
        await CheckContrastAsync(page, "search");
    });

    [Fact]
    public Task The_theme_follows_the_system_until_it_is_chosen_and_is_remembered() => VisitAsync(async page =>
    {
        (await LightnessAsync(page)).ShouldBeLessThan(60);
        var toggle = page.GetByRole(AriaRole.Button, new() { Name = "Theme:" });
        await toggle.ClickAsync();
        (await LightnessAsync(page)).ShouldBeGreaterThan(200);
        await page.ReloadAsync();
        (await LightnessAsync(page)).ShouldBeGreaterThan(200);
        await toggle.ClickAsync();
        (await LightnessAsync(page)).ShouldBeLessThan(60);
    }, new() { Scheme = ColorScheme.Dark });

    [Fact]
    public Task Nothing_is_wider_than_the_window() => VisitAsync(async page =>
    {
        await AskAsync(page, "How long is the free-look period, and " + new string('x', 120) + "?");
        await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "completed");
        await CheckWidthAsync(page, "conversation");
        await page.Locator("button.cite").First.ClickAsync();
        await Expect(page.Locator("#source-text mark").First).ToBeVisibleAsync();
        await CheckWidthAsync(page, "source");
        await page.Keyboard.PressAsync("Escape");
        foreach (var view in new[] { "search", "documents" })
        {
            await page.GotoAsync($"/#/{view}");
            await Expect(page.Locator($"#view-{view}")).ToBeVisibleAsync();
            await CheckWidthAsync(page, view);
        }
    });

    [Fact]
    public Task On_a_phone_the_sidebar_is_a_drawer() => VisitAsync(async page =>
    {
        await Expect(page.Locator("#sidebar")).Not.ToBeInViewportAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Menu" }).ClickAsync();
        await Expect(page.Locator("#sidebar")).ToBeInViewportAsync();
        await page.Locator(".nav a[data-view=documents]").ClickAsync();
        await Expect(page.Locator("#sidebar")).Not.ToBeInViewportAsync();
        await Expect(page.Locator("#view-documents")).ToBeVisibleAsync();
    }, new() { Width = 390, Height = 800 });

    private static async Task CheckWidthAsync(IPage page, string view)
    {
        foreach (var width in new[] { 1440, 768, 390, 320 })
        {
            await page.SetViewportSizeAsync(width, 800);
            (await OverflowAsync(page)).ShouldBe(0, $"{view} at {width} pixels");
        }
    }

    private static async Task CheckContrastAsync(IPage page, string view)
    {
        foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            await page.EmulateMediaAsync(new() { ColorScheme = scheme });
            (await FaintAsync(page)).ShouldBeEmpty($"{view}, {scheme}");
        }
    }

    private static Task<int> OverflowAsync(IPage page) => page.EvaluateAsync<int>("() => Math.max(0, document.documentElement.scrollWidth - innerWidth, ...[...document.querySelectorAll('.transcript, .page-scroll, .source-text')].map(e => e.scrollWidth - e.clientWidth))");

    private static Task<int> LightnessAsync(IPage page) => page.EvaluateAsync<int>("() => Number(/\\d+/.exec(getComputedStyle(document.querySelector('.main')).backgroundColor)[0])");

    /// <summary>Visible text whose contrast to what lies behind it is below 4.5 (WCAG 2.2, success criterion 1.4.3).</summary>
    private static Task<string[]> FaintAsync(IPage page) => page.EvaluateAsync<string[]>("""
        () => {
          const parse = (text) => {
            const mixed = /^color\(srgb ([^)]+)\)/.exec(text);
            const numbers = (mixed?.[1] ?? text).match(/[\d.]+/g).map(Number);
            const [r, g, b] = mixed ? numbers.map((n) => n * 255) : numbers;
            return { r, g, b, a: numbers[3] ?? 1 };
          };
          const over = (top, under) => ({ r: top.r * top.a + under.r * (1 - top.a), g: top.g * top.a + under.g * (1 - top.a), b: top.b * top.a + under.b * (1 - top.a), a: 1 });
          const behind = (element) => {
            const colour = parse(getComputedStyle(element).backgroundColor);
            if (colour.a === 1) return colour;
            return over(colour, element.parentElement ? behind(element.parentElement) : { r: 255, g: 255, b: 255, a: 1 });
          };
          const linear = (c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
          const luminance = ({ r, g, b }) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
          const faint = [];
          const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          while (walker.nextNode()) {
            const element = walker.currentNode.parentElement;
            if (!walker.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true }) || element.closest('.visually-hidden, :disabled, noscript')) continue;
            const back = behind(element);
            const [light, dark] = [luminance(over(parse(getComputedStyle(element).color), back)), luminance(back)].sort((a, b) => b - a);
            const ratio = (light + 0.05) / (dark + 0.05);
            if (ratio < 4.5) faint.push(`${ratio.toFixed(2)}: ${walker.currentNode.data.trim().slice(0, 40)} (${element.className || element.tagName})`);
          }
          return [...new Set(faint)];
        }
        """);
}
