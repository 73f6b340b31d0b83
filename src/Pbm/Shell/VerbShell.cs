using System.CommandLine;

namespace RagCluster.Pbm.Shell;

/// <summary>
/// One verb after the other, with completion (Tab) and history (arrows) at a terminal; or line by line from a script, which
/// stops at the first verb that fails.
/// </summary>
internal sealed class VerbShell(RootCommand root, Terminal terminal)
{
    private const string Prompt = "pbm> ";

    private readonly LineBuffer _line = new();

    public Task<int> RunAsync() => terminal.IsInteractive ? TalkAsync() : ReadAsync();

    private async Task<int> ReadAsync()
    {
        while (await terminal.In.ReadLineAsync() is { } line)
        {
            if (await ExecuteAsync(line) is not ExitCodes.Success and var failed)
            {
                return failed;
            }
        }

        return ExitCodes.Success;
    }

    private async Task<int> TalkAsync()
    {
        terminal.Out.WriteLine("Verbs, one a line; Tab completes, \"help\" explains, \"exit\" or Ctrl-D ends.");
        var treat = Console.TreatControlCAsInput;
        Console.TreatControlCAsInput = true;
        try
        {
            while (ReadLine() is { } line)
            {
                if (line.Trim() is "exit" or "quit")
                {
                    break;
                }

                // While a verb runs, Ctrl-C ends the verb.
                Console.TreatControlCAsInput = false;
                await ExecuteAsync(line);
                Console.TreatControlCAsInput = true;
            }
        }
        finally
        {
            Console.TreatControlCAsInput = treat;
        }

        return ExitCodes.Success;
    }

    private async Task<int> ExecuteAsync(string line)
    {
        var words = System.CommandLine.Parsing.CommandLineParser.SplitCommandLine(line).ToList();
        if (words.Count == 0 || words[0].StartsWith('#'))
        {
            return ExitCodes.Success;
        }

        if (words[0] == "help")
        {
            words = [.. words[1..], "--help"];
        }

        // Parsed options keep no state, but a verb of its own tree cannot disturb the one that completes.
        var (fresh, options) = Cli.Create(terminal);
        return await Cli.RunAsync(fresh, options, words, terminal);
    }

    /// <summary>Null at the end of the input.</summary>
    private string? ReadLine()
    {
        Draw();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            var control = key.Modifiers.HasFlag(ConsoleModifiers.Control);
            switch (key.Key)
            {
                case ConsoleKey.Enter:
                    terminal.Out.WriteLine();
                    return _line.Enter();
                case ConsoleKey.D when control && _line.Text.Length == 0:
                    terminal.Out.WriteLine();
                    return null;
                case ConsoleKey.C when control:
                    terminal.Out.WriteLine("^C");
                    _line.Replace(0, _line.Text.Length, "");
                    break;
                case ConsoleKey.Tab:
                    Complete();
                    break;
                default:
                    _line.Press(key);
                    break;
            }

            Draw();
        }
    }

    private void Complete()
    {
        var found = Completion.At(root, _line.Text, _line.Cursor);
        var start = _line.Text[.._line.Cursor].LastIndexOf(' ') + 1;
        if (found.Count == 1)
        {
            _line.Replace(start, _line.Cursor, found[0] + " ");
            return;
        }

        var common = Completion.CommonBeginning(found);
        if (common.Length > _line.Cursor - start)
        {
            _line.Replace(start, _line.Cursor, common);
        }
        else if (found.Count > 1)
        {
            terminal.Out.WriteLine();
            terminal.Out.WriteLine(string.Join("  ", found));
        }
    }

    /// <summary>The line again from its beginning; what was right of its end is erased.</summary>
    private void Draw()
    {
        terminal.Out.Write($"\r{Prompt}{_line.Text}\u001b[K");
        if (_line.Text.Length - _line.Cursor is > 0 and var back)
        {
            terminal.Out.Write($"\u001b[{back}D");
        }

        terminal.Out.Flush();
    }
}
