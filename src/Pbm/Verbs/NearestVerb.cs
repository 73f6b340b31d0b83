using System.CommandLine;

namespace RagCluster.Pbm.Verbs;

/// <summary>What someone who mistyped a verb probably meant.</summary>
internal static class NearestVerb
{
    /// <summary>The verbs from the root to the command.</summary>
    public static IEnumerable<string> Path(Command command) =>
        command is RootCommand ? [] : [.. command.Parents.OfType<Command>().SelectMany(Path), command.Name];

    /// <summary>The nearest that there is in place of the first word that is none; null where nothing is near.</summary>
    public static string? Suggest(ParseResult parsed)
    {
        if (parsed.UnmatchedTokens.Count == 0 || parsed.CommandResult.Command.Subcommands.Count == 0)
        {
            return null;
        }

        var word = parsed.UnmatchedTokens[0];
        var command = parsed.CommandResult.Command;

        // A word of another group is more likely meant there than a word of this group misspelt twice.
        var root = command;
        while (root.Parents.OfType<Command>().FirstOrDefault() is { } parent)
        {
            root = parent;
        }

        var best = command.Subcommands.Select(verb => (Verb: verb, Distance: Distance(word, verb.Name)))
            .Concat(root.Subcommands.SelectMany(group => group.Subcommands).Where(verb => verb.Name == word).Select(verb => (Verb: verb, Distance: 1)))
            .MinBy(entry => entry.Distance);
        return best.Distance <= Math.Max(2, word.Length / 3) ? string.Join(' ', Path(best.Verb)) : null;
    }

    /// <summary>Levenshtein's, with the exchange of two neighbours as one step.</summary>
    internal static int Distance(string a, string b)
    {
        var rows = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                rows[i, j] = i == 0 ? j
                    : j == 0 ? i
                    : Math.Min(Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1, rows[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
                }
            }
        }

        return rows[a.Length, b.Length];
    }
}
