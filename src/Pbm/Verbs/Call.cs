using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using RagCluster.Pbm.Connection;
using RagCluster.Pbm.Output;
using RagCluster.Pbm.Shell;

namespace RagCluster.Pbm.Verbs;

/// <summary>One verb that is being carried out.</summary>
internal sealed class Call(ParseResult result, CommonOptions options, Terminal terminal, CancellationToken cancellationToken) : IDisposable
{
    private ManagementClient? _node;

    public ParseResult Result => result;

    public Terminal Terminal => terminal;

    public CancellationToken Cancellation => cancellationToken;

    public bool Json => result.GetValue(options.Json);

    /// <summary>The node; connected to when it is first used.</summary>
    public ManagementClient Node => _node ??= options.Connect(result);

    public T? Value<T>(Option<T> option) => result.GetValue(option);

    public T? Value<T>(Argument<T> argument) => result.GetValue(argument);

    /// <summary>Prints an answer: as JSON where that is asked for, else as text.</summary>
    public void Print(JsonDocument document, Action<JsonElement> text)
    {
        using (document)
        {
            if (Json)
            {
                terminal.Out.WriteLine(JsonText.Indented(document.RootElement));
            }
            else
            {
                text(document.RootElement);
            }
        }
    }

    /// <summary>Prints what the node said about something that it did.</summary>
    public int PrintMessage(JsonDocument document)
    {
        Print(document, root => terminal.Out.WriteLine(root.Text("message")));
        return ExitCodes.Success;
    }

    /// <summary>Prints tables, once, or again and again where --watch says so.</summary>
    public async Task<int> ShowAsync(Func<Task<JsonDocument>> get, Func<JsonElement, IReadOnlyList<TableData>> tables)
    {
        if (result.GetResult(options.Watch) is null)
        {
            Print(await get(), root => PlainTable.Write(terminal.Out, tables(root)));
            return ExitCodes.Success;
        }

        var every = TimeSpan.FromSeconds(Math.Clamp(result.GetValue(options.Watch) ?? 1, 0.1, 3600));
        await LiveTable.ShowAsync(terminal, every, async () =>
        {
            using var document = await get();
            return Json ? [] : tables(document.RootElement.Clone());
        }, cancellationToken);
        return ExitCodes.Success;
    }

    /// <summary>Builds a path with a query; nulls are left out.</summary>
    public static string Path(string path, params (string Name, object? Value)[] query)
    {
        var given = query.Where(entry => entry.Value is not null).Select(entry => $"{entry.Name}={Uri.EscapeDataString(Convert.ToString(entry.Value, CultureInfo.InvariantCulture)!)}").ToList();
        return given.Count == 0 ? path : $"{path}?{string.Join('&', given)}";
    }

    /// <summary>An entity's id in a path: its slashes stay.</summary>
    public static string Escaped(string id) => string.Join('/', id.Split('/').Select(Uri.EscapeDataString));

    public void Dispose() => _node?.Dispose();
}
