using System.CommandLine;
using RagCluster.Pbm.Shell;
using RagCluster.Pbm.Verbs;

namespace RagCluster.Pbm;

/// <summary>The command line: one verb and its answer, or, without a verb, one after the other.</summary>
internal static class Cli
{
    public static Task<int> RunAsync(string[] args, Terminal terminal)
    {
        var (root, options) = Create(terminal);
        return args.Length == 0 || args is ["shell"] ? new VerbShell(root, terminal).RunAsync() : RunAsync(root, options, args, terminal);
    }

    public static (RootCommand Root, CommonOptions Options) Create(Terminal terminal)
    {
        var options = new CommonOptions();
        var root = new RootCommand("Administers a RagCluster through the management port of any of its nodes. Without a verb: a shell.");
        options.AddTo(root);
        foreach (var group in VerbGroup.All)
        {
            root.Subcommands.Add(group.Create(options, terminal));
        }

        return (root, options);
    }

    public static async Task<int> RunAsync(RootCommand root, CommonOptions options, IReadOnlyList<string> args, Terminal terminal)
    {
        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            // The first word that is none is what is wrong; that a verb is missing follows from it.
            var messages = parsed.CommandResult.Command.Subcommands.Count > 0 && parsed.UnmatchedTokens.Count > 0
                ? [$"There is no verb \"{string.Join(' ', NearestVerb.Path(parsed.CommandResult.Command).Append(parsed.UnmatchedTokens[0]))}\"."]
                : parsed.Errors.Select(error => error.Message).Distinct();
            foreach (var message in messages)
            {
                terminal.Error.WriteLine($"pbm: {message}");
            }

            terminal.Error.WriteLine(NearestVerb.Suggest(parsed) is { } nearest ? $"Did you mean: pbm {nearest}" : $"Try: pbm {string.Join(' ', NearestVerb.Path(parsed.CommandResult.Command).Append("--help"))}");
            return ExitCodes.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = terminal.Out, Error = terminal.Error });
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
        catch (PbmException e)
        {
            terminal.Error.WriteLine($"pbm: {e.Message}");
            return e.ExitCode;
        }
        catch (IOException e)
        {
            terminal.Error.WriteLine($"pbm: {e.Message}");
            return ExitCodes.Refused;
        }
    }
}
