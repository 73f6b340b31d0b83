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
/// Runs a scenario in a fresh context. Whatever the scenario checks, the visit fails on any console error, script error,
/// breach of the content security policy, or request that leaves the node.
/// </summary>
public abstract class VisitTest(BrowserFixture fixture)
{
    /// <summary>Visits a fresh scripted node.</summary>
    internal async Task VisitAsync(Func<IPage, ScriptedNode, Task> scenario, VisitOptions? options = null)
    {
        SkipWithoutBrowser();
        options ??= new VisitOptions();
        await using var node = await ScriptedNode.StartAsync();
        options.Prepare(node);
        await VisitAsync(node.Address, page => scenario(page, node), options);
    }

    /// <summary>The same, for scenarios that need only the page.</summary>
    internal Task VisitAsync(Func<IPage, Task> scenario, VisitOptions? options = null) => VisitAsync((page, _) => scenario(page), options);

    /// <summary>Visits the page at an address.</summary>
    internal async Task VisitAsync(string address, Func<IPage, Task> scenario, VisitOptions? options = null)
    {
        SkipWithoutBrowser();
        options ??= new VisitOptions();
        await using var context = await fixture.Browser!.NewContextAsync(new()
        {
            ViewportSize = new() { Width = options.Width, Height = options.Height },
            ColorScheme = options.Scheme,
            BaseURL = address,
            ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(15_000);
        var page = await context.NewPageAsync();
        var problems = Watch(page, address, options.Expected);
        await page.GotoAsync(options.Path);
        if (options.Connect)
        {
            await Expect(page.Locator(".sidebar [data-connection]")).ToHaveTextAsync("Connected");
        }

        await scenario(page);
        problems.ShouldBeEmpty();
    }

    protected void SkipWithoutBrowser() =>
        Assert.SkipWhen(fixture.Browser is null, $"There is no Chromium at {BrowserFixture.ExecutablePath}. Install the package chromium, or set CHROMIUM.");

    protected static ILocatorAssertions Expect(ILocator locator) => Assertions.Expect(locator);

    protected static IPageAssertions Expect(IPage page) => Assertions.Expect(page);

    internal static async Task AskAsync(IPage page, string question)
    {
        await page.GetByLabel("Your question").FillAsync(question);
        await page.Keyboard.PressAsync("Enter");
    }

    /// <summary>Drops files on the page, as a hand would: enter, over, drop.</summary>
    internal static async Task DropAsync(IPage page, params (string Name, string Text)[] files)
    {
        var transfer = await page.EvaluateHandleAsync(
            "files => { const t = new DataTransfer(); for (const [name, text] of files) t.items.add(new File([text], name)); return t; }",
            files.Select(file => new[] { file.Name, file.Text }).ToArray());
        await page.DispatchEventAsync("body", "dragenter", new { dataTransfer = transfer });
        await Expect(page.Locator("#drop")).ToBeVisibleAsync();
        await page.DispatchEventAsync("body", "drop", new { dataTransfer = transfer });
        await Expect(page.Locator("#drop")).ToBeHiddenAsync();
    }

    /// <summary>Waits until the condition holds; names it if it never does.</summary>
    internal static Task UntilAsync(string what, Func<bool> condition) => UntilAsync(what, () => Task.FromResult(condition()));

    internal static async Task UntilAsync(string what, Func<Task<bool>> condition)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(15));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await condition())
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
                problems.Enqueue($"console: {message.Text} ({message.Location})");
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
