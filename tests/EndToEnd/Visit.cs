using System.Collections.Concurrent;
using Microsoft.Playwright;
using RagCluster.EndToEnd.Scripted;

namespace RagCluster.EndToEnd;

/// <summary>How a visit to the page looks: the window, the colours, and what may go wrong on purpose.</summary>
internal sealed record VisitOptions
{
    public int Width { get; init; } = 1280;
    public int Height { get; init; } = 800;
    public ColorScheme Scheme { get; init; } = ColorScheme.Light;
    public string Path { get; init; } = "/";

    /// <summary>A part of console messages that this test provokes; any other error fails it.</summary>
    public string? Expected { get; init; }

    /// <summary>Prepares the node before the page is opened.</summary>
    public Action<ScriptedNode> Prepare { get; init; } = _ => { };

    /// <summary>Whether to wait for the connection before the scenario begins.</summary>
    public bool Connect { get; init; } = true;
}

/// <summary>
/// Runs a scenario in a fresh context against a fresh scripted node. Whatever the scenario checks, the visit fails on any
/// console error, script error, breach of the content security policy, or request that leaves the node.
/// </summary>
public abstract class VisitTest(BrowserFixture fixture)
{
    internal async Task VisitAsync(Func<IPage, ScriptedNode, Task> scenario, VisitOptions? options = null)
    {
        Assert.SkipWhen(fixture.Browser is null, $"There is no Chromium at {BrowserFixture.ExecutablePath}. Install the package chromium, or set CHROMIUM.");
        options ??= new VisitOptions();
        await using var node = await ScriptedNode.StartAsync();
        options.Prepare(node);
        await using var context = await fixture.Browser!.NewContextAsync(new()
        {
            ViewportSize = new() { Width = options.Width, Height = options.Height },
            ColorScheme = options.Scheme,
            BaseURL = node.Address,
            ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(15_000);
        var page = await context.NewPageAsync();
        var problems = Watch(page, node.Address, options.Expected);
        await page.GotoAsync(options.Path);
        if (options.Connect)
        {
            await Assertions.Expect(page.Locator(".sidebar [data-connection]")).ToHaveTextAsync("Connected");
        }

        await scenario(page, node);
        problems.ShouldBeEmpty();
    }

    /// <summary>The same, for scenarios that need only the page.</summary>
    internal Task VisitAsync(Func<IPage, Task> scenario, VisitOptions? options = null) => VisitAsync((page, _) => scenario(page), options);

    protected static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);

    protected static IPageAssertions Expect(IPage page) => Assertions.Expect(page);

    internal static async Task AskAsync(IPage page, string question)
    {
        await page.GetByLabel("Your question").FillAsync(question);
        await page.Keyboard.PressAsync("Enter");
    }

    /// <summary>Waits until the condition holds; names it if it never does.</summary>
    internal static async Task UntilAsync(string what, Func<bool> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!condition())
        {
            try
            {
                await timer.WaitForNextTickAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"It did not happen within 15 seconds: {what}.");
            }
        }
    }

    private static ConcurrentQueue<string> Watch(IPage page, string address, string? expected)
    {
        var problems = new ConcurrentQueue<string>();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning" && !(expected is not null && message.Text.Contains(expected, StringComparison.Ordinal)))
            {
                problems.Enqueue($"console: {message.Text}");
            }
        };
        page.PageError += (_, error) => problems.Enqueue($"script: {error}");
        page.Dialog += (_, dialog) =>
        {
            problems.Enqueue($"dialog: {dialog.Message}");
            _ = dialog.DismissAsync();
        };
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(address, StringComparison.Ordinal))
            {
                problems.Enqueue($"request elsewhere: {request.Url}");
            }
        };
        return problems;
    }
}
