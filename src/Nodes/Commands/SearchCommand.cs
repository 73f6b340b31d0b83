using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using RagCluster.Messages.Partitions;
using RagCluster.Nodes.Gateway;

namespace RagCluster.Nodes.Commands;

/// <summary>ragcluster search: the passages that a question would be answered from.</summary>
internal static class SearchCommand
{
    public static Command Create(CommonOptions common)
    {
        var text = new Argument<string>("query") { Description = "What to search for: words, \"phrases\", +required, -excluded, title:words, prefix*, misspelt~." };
        CommonOptions.RefuseOptions(text);
        var count = new Option<int>("-k") { Description = "How many passages.", DefaultValueFactory = _ => 5, HelpName = "N" };
        var mode = new Option<string>("--mode") { Description = "hybrid, lexical or vector.", DefaultValueFactory = _ => "hybrid" };
        mode.AcceptOnlyFromAmong("hybrid", "lexical", "vector");
        var explain = new Option<bool>("--explain") { Description = "Take every score apart." };
        var plain = new Option<bool>("--plain") { Description = "Read the query as words alone, without operators." };
        var expand = new Option<bool>("--expand") { Description = "Add words of the best passages to the query (RM3)." };
        var facets = new Option<string[]>("--facet") { Description = "Count the values of this metadata. May be repeated.", HelpName = "NAME" };
        var filters = new Option<string[]>("--filter")
        {
            Description = "A condition as in the API: meta.NAME=VALUE, in.NAME=VALUE, not.NAME=VALUE, from.NAME=VALUE, to.NAME=VALUE, exists.NAME=true. May be repeated.",
            HelpName = "CONDITION",
        };
        filters.Validators.Add(result =>
        {
            foreach (var token in result.Tokens)
            {
                if (token.Value.IndexOf('=', StringComparison.Ordinal) <= 0)
                {
                    result.AddError($"--filter is NAME=VALUE; it was \"{token.Value}\".");
                }
            }
        });
        var command = new Command("search", "Prints the passages that match a query best.") { text, count, mode, explain, plain, expand, facets, filters };
        command.SetAction(async (result, cancellationToken) =>
        {
            var more = new List<KeyValuePair<string, string>>();
            AddFlag(more, "explain", result.GetValue(explain));
            AddFlag(more, "expand", result.GetValue(expand));
            more.AddRange((result.GetValue(facets) ?? []).Select(name => KeyValuePair.Create("facet", name)));
            more.AddRange((result.GetValue(filters) ?? []).Select(filter => filter.Split('=', 2)).Select(parts => KeyValuePair.Create(parts[0], parts[1])));
            more.Add(KeyValuePair.Create("syntax", result.GetValue(plain) ? "plain" : "operators"));

            await using var node = await common.ConnectAsync(result, cancellationToken);
            var found = await node.Client.SearchAsync(result.GetValue(text)!, result.GetValue(count), result.GetValue(mode)!, cancellationToken, more);
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

    private static void AddFlag(List<KeyValuePair<string, string>> parameters, string name, bool value)
    {
        if (value)
        {
            parameters.Add(KeyValuePair.Create(name, "true"));
        }
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
            if (passage.Explanation is { } explanation)
            {
                Write(output, explanation);
            }
        }

        foreach (var facet in found.Facets ?? [])
        {
            output.WriteLine($"{facet.Key}: {string.Join(", ", facet.Values.Select(value => $"{value.Value} ({value.Count})"))}");
        }

        if (found.RerankFailure is { } failure)
        {
            output.WriteLine($"Not re-ranked: {failure}");
        }

        if (found.Partial)
        {
            output.WriteLine("Some partitions did not answer in time; there may be more.");
        }
    }

    private static void Write(TextWriter output, ExplanationBody e)
    {
        var boost = e.Boost == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $", times {e.Boost:0.###}");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    = {e.LexicalPart:0.0000} by words + {e.VectorPart:0.0000} by vector + {e.ProximityPart:0.0000} for nearness + {e.ContextPart:0.0000} for context ({e.Fusion}){boost}"));
        if (e.Rerank is { } score)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"      re-ranked from place {e.FusedRank}: {score:0.000}; the parts are those of its own fused score"));
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"      words: {e.Lexical:0.000}, rank {Rank(e.LexicalRank)}"));
        foreach (var term in e.Terms)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"        {term.Score,7:0.000}  {term.Term}: {Places(term)}; in {term.DocumentFrequency} chunks (idf {term.Idf:0.00}), weight {term.Weight:0.##}"));
        }

        output.WriteLine(e.Cosine is { } cosine
            ? string.Create(CultureInfo.InvariantCulture, $"      vector: cosine {cosine:0.000}, rank {Rank(e.VectorRank)}")
            : "      vector: none");
    }

    private static string Rank(int? rank) => rank is { } number ? number.ToString(CultureInfo.InvariantCulture) : "beyond the candidates";

    private static string Places(TermExplanation term)
    {
        (int Count, string Name)[] places = [(term.Body, "text"), (term.Title, "title"), (term.Headings, "headings")];
        return string.Join(", ", places.Where(place => place.Count > 0).Select(place => $"{place.Count} in {place.Name}"));
    }
}
