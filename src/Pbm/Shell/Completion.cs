using System.CommandLine;

namespace RagCluster.Pbm.Shell;

/// <summary>What could come at the cursor.</summary>
internal static class Completion
{
    /// <summary>Whole words, in order; of options the long form only, and those only where one has begun.</summary>
    public static IReadOnlyList<string> At(RootCommand root, string line, int cursor)
    {
        var before = line[..cursor];
        var word = before[(before.LastIndexOf(' ') + 1)..];
        return
        [
            .. root.Parse(before).GetCompletions(before.Length)
                .Select(item => item.InsertText ?? item.Label)
                .Where(text => text.StartsWith(word, StringComparison.OrdinalIgnoreCase) && (word.StartsWith('-') ? text.StartsWith("--", StringComparison.Ordinal) || word == "-" : !text.StartsWith('-')) && text[0] is not ('/' or '?'))
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>The longest beginning that all have.</summary>
    public static string CommonBeginning(IReadOnlyList<string> words)
    {
        var common = words.Count == 0 ? "" : words[0];
        foreach (var word in words)
        {
            var length = 0;
            while (length < Math.Min(common.Length, word.Length) && common[length] == word[length])
            {
                length++;
            }

            common = common[..length];
        }

        return common;
    }
}
