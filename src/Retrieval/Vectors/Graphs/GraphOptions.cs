namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>The shape of a graph of nearest neighbours; the names are those of the literature and of hnswlib.</summary>
public sealed record GraphOptions
{
    public const int MostLinks = 64;

    internal const int MostEfConstruction = 10_000;

    public static GraphOptions Default { get; } = new();

    /// <summary>Links of a node on each upper level; on the lowest one twice as many. From 2 to <see cref="MostLinks"/>.</summary>
    public int M { get; init; } = 16;

    /// <summary>How many candidates a new node's links are chosen from. More makes a better graph, more slowly.</summary>
    public int EfConstruction { get; init; } = 200;

    /// <summary>Which nodes are on upper levels follows from this and their numbers.</summary>
    public ulong Seed { get; init; } = 20240917;

    internal int Width => 2 * M;

    internal void Check()
    {
        if (M is < 2 or > MostLinks)
        {
            throw new ArgumentOutOfRangeException(nameof(M), M, $"A node has from 2 to {MostLinks} links.");
        }

        if (EfConstruction is < 1 or > MostEfConstruction)
        {
            throw new ArgumentOutOfRangeException(nameof(EfConstruction), EfConstruction, "Links are chosen from 1 to 10,000 candidates.");
        }
    }

    /// <summary>The level of a node: one in M nodes is on level 1 or above, one in M of those on level 2, and so on.</summary>
    internal int LevelOf(int node)
    {
        var (level, draw) = (0, Mixed(Seed + (ulong)node));
        while (level < UpperLevels.Most && draw % (ulong)M == 0)
        {
            level++;
            draw = Mixed(draw);
        }

        return level;
    }

    /// <summary>SplitMix64 (Steele, Lea, Flood 2014).</summary>
    private static ulong Mixed(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
