using System.CommandLine;
using RagCluster.Nodes.Intake;

namespace RagCluster.Nodes.Commands;

/// <summary>ragcluster ingest: files and folders into the node, once or for as long as it runs.</summary>
internal static class IngestCommand
{
    public static Command Create(CommonOptions common)
    {
        var paths = new Argument<string[]>("path") { Description = "Files and folders.", Arity = ArgumentArity.OneOrMore };
        CommonOptions.RefuseOptions(paths);
        var watch = new Option<bool>("--watch") { Description = "Go on watching the folders and take in what changes, until stopped." };
        var command = new Command("ingest", "Takes documents in and waits until they can be searched.") { paths, watch };
        command.SetAction(async (result, cancellationToken) =>
        {
            var given = result.GetValue(paths)!;
            foreach (var path in given)
            {
                if (!File.Exists(path) && !Directory.Exists(path))
                {
                    throw new CommandException($"There is no file or folder \"{path}\".");
                }
            }

            var options = common.Load(result).Options.Ingestion.Watch;
            var source = new PathsSource(given, result.GetValue(watch), options, TimeProvider.System);
            await using var node = await common.ConnectAsync(result, cancellationToken, withSamples: false);
            var report = new IngestReport(result.GetValue(common.Json), TimeProvider.System);
            using var run = new IngestRun(new HttpIntake(node.Client), report, TimeProvider.System);
            var sum = await report.ShowAsync("Taking in", () => run.RunAsync(source, cancellationToken));
            return sum.Failed > 0 ? ExitCodes.Partial : ExitCodes.Success;
        });
        return command;
    }
}
