using RagCluster.Pbm.Shell;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace RagCluster.Pbm.Output;

/// <summary>Tables that are drawn in place again and again. Where there is no terminal they follow each other as text.</summary>
internal static class LiveTable
{
    /// <summary>Until it is cancelled, which is how it ends well.</summary>
    public static async Task ShowAsync(Terminal terminal, TimeSpan every, Func<Task<IReadOnlyList<TableData>>> get, CancellationToken cancellationToken)
    {
        try
        {
            if (terminal.IsInteractive)
            {
                await DrawAsync(every, get, cancellationToken);
                return;
            }

            while (true)
            {
                PlainTable.Write(terminal.Out, await get());
                terminal.Out.WriteLine();
                await terminal.Out.FlushAsync(cancellationToken);
                await Task.Delay(every, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Ctrl-C.
        }
    }

    private static Task DrawAsync(TimeSpan every, Func<Task<IReadOnlyList<TableData>>> get, CancellationToken cancellationToken) =>
        AnsiConsole.Live(new Text("")).Overflow(VerticalOverflow.Ellipsis).AutoClear(false).StartAsync(async context =>
        {
            while (true)
            {
                context.UpdateTarget(Of(await GetAsync(get)));
                context.Refresh();
                await Task.Delay(every, cancellationToken);
            }
        });

    /// <summary>A node that does not answer for a while is what one may be watching for: it is shown, and asked again.</summary>
    private static async Task<(IReadOnlyList<TableData> Tables, string? Failure)> GetAsync(Func<Task<IReadOnlyList<TableData>>> get)
    {
        try
        {
            return (await get(), null);
        }
        catch (PbmException e) when (e.ExitCode is ExitCodes.Unreachable or ExitCodes.Refused)
        {
            return ([], e.Message);
        }
    }

    private static Rows Of((IReadOnlyList<TableData> Tables, string? Failure) found)
    {
        var shown = new List<IRenderable>();
        foreach (var data in found.Tables)
        {
            var table = new Table { Border = TableBorder.Rounded };
            foreach (var column in data.Columns)
            {
                table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Bold))));
            }

            foreach (var row in data.Rows)
            {
                table.AddRow(row.Select(cell => new Text(cell, StyleOf(cell))));
            }

            shown.Add(table);
            if (data.Note is { } note)
            {
                shown.Add(new Text(note));
            }
        }

        if (found.Failure is { } failure)
        {
            shown.Add(new Text(failure, new Style(Color.Red)));
        }

        shown.Add(new Text($"{TimeProvider.System.GetLocalNow():HH:mm:ss}  Ctrl-C ends this.", new Style(Color.Grey)));
        return new Rows(shown);
    }

    private static Style StyleOf(string cell) => cell switch
    {
        "up" or "connected" or "on" => new Style(Color.Green),
        "down" or "dead" or "unreachable" or "off" or "failed" => new Style(Color.Red),
        "draining" or "drained" or "joining" or "degraded" or "saturated" or "paused" => new Style(Color.Yellow),
        _ => Style.Plain,
    };
}
