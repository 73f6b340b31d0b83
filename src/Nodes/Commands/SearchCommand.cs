using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using RagCluster.Nodes.Gateway;

namespace RagCluster.Nodes.Commands;

/// <summary>ragcluster search: the passages that a question would be answered from.</summary>
internal static class SearchCommand
{
    public static Command Create(CommonOptions common)
    {
        var text = new Argument<string>("query") { Description = "What to search for." };
        CommonOptions.RefuseOptions(text);
        var count = new Option<int>("-k") { Description = "How many passages.", DefaultValueFactory = _ => 5, HelpName = "N" };
        var mode = new Option<string>("--mode") { Description = "hybrid, lexical or vector.", DefaultValueFactory = _ => "hybrid" };
        mode.AcceptOnlyFromAmong("hybrid", "lexical", "vector");
        var command = new Command("search", "Prints the passages that match a query best.") { text, count, mode };
        command.SetAction(async (result, cancellationToken) =>
        {
            await using var node = await common.ConnectAsync(result, cancellationToken);
            var found = await node.Client.SearchAsync(result.GetValue(text)!, result.GetValue(count), result.GetValue(mode)!, cancellationToken);
            if (result.GetValue(common.Json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(found, GatewayJson.Default.SearchBody));
                return ExitCodes.Success;
            }

            Write(Console.Out, found);
            return ExitCodes.Success;
        });
        return command;
    }

    private static void Write(TextWriter output, SearchBody found)
    {
        if (found.Passages.Count == 0)
        {
            output.WriteLine("Nothing matches.");
        }

        var rank = 0;
        foreach (var passage in found.Passages)
        {
            var page = passage.Page is { } number ? $", page {number}" : "";
            var headings = passage.Headings.Count > 0 ? $" > {string.Join(" > ", passage.Headings)}" : "";
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{++rank,2}. {passage.Title}{headings}{page}  ({passage.Score:0.000})"));
            output.WriteLine($"    {AnswerText.OneLine(passage.Text)}");
        }

        if (found.Partial)
        {
            output.WriteLine("Some partitions did not answer in time; there may be more.");
        }
    }
}
