namespace RagCluster.Configuration.Binding;

/// <summary>What someone who mistyped a key probably meant.</summary>
internal static class Nearest
{
    /// <summary>The candidate with the smallest edit distance; null where none is near.</summary>
    public static string? To(string key, IEnumerable<string> candidates)
    {
        if (key.Length > 200)
        {
            return null;
        }

        var last = key[(key.LastIndexOf('.') + 1)..];
        var best = candidates
            .Select(candidate => (candidate, distance: Distance(key, candidate, last)))
            .DefaultIfEmpty(("", int.MaxValue))
            .MinBy(entry => entry.Item2);
        return best.Item2 <= Math.Max(3, key.Length / 5) ? best.Item1 : null;
    }

    private static int Distance(string key, string candidate, string last)
    {
        // A key without its first part is as near as one typing error, the right key in the wrong group as two.
        var moved = candidate.EndsWith("." + key, StringComparison.Ordinal) ? 1 : candidate.EndsWith("." + last, StringComparison.Ordinal) ? 2 : int.MaxValue;
        return Math.Min(moved, Levenshtein(key, candidate));
    }

    private static int Levenshtein(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replace = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replace, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[b.Length];
    }
}
