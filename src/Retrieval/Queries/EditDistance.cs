namespace RagCluster.Retrieval.Queries;

/// <summary>
/// How many letters must be put in, left out, replaced or swapped with their neighbour to make one word of another
/// (optimal string alignment: no place is changed twice).
/// </summary>
internal static class EditDistance
{
    public static bool IsWithin(ReadOnlySpan<char> x, ReadOnlySpan<char> y, int most) => Of(x, y, most) <= most;

    /// <summary>The distance; where it is beyond <paramref name="most"/>, some number beyond it.</summary>
    public static int Of(ReadOnlySpan<char> x, ReadOnlySpan<char> y, int most)
    {
        if (Math.Abs(x.Length - y.Length) > most)
        {
            return most + 1;
        }

        Span<int> rows = stackalloc int[3 * 65];
        if (y.Length >= 65)
        {
            rows = new int[3 * (y.Length + 1)];
        }

        var width = y.Length + 1;
        var beforeLast = rows[..width];
        var last = rows[width..(2 * width)];
        var current = rows[(2 * width)..(3 * width)];
        for (var j = 0; j < width; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= x.Length; i++)
        {
            current[0] = i;
            var least = i;
            for (var j = 1; j < width; j++)
            {
                var changed = last[j - 1] + (x[i - 1] == y[j - 1] ? 0 : 1);
                var distance = Math.Min(changed, Math.Min(last[j], current[j - 1]) + 1);
                if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1])
                {
                    distance = Math.Min(distance, beforeLast[j - 2] + 1);
                }

                current[j] = distance;
                least = Math.Min(least, distance);
            }

            if (least > most)
            {
                return most + 1;
            }

            var spare = beforeLast;
            beforeLast = last;
            last = current;
            current = spare;
        }

        return last[width - 1];
    }
}
