using System.Runtime.CompilerServices;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>
/// Chooses a node's links: of its nearest candidates those that are nearer to it than to any one chosen before. So
/// links go in all directions, and clusters stay connected (algorithm 4 of the HNSW paper). One thread at a time.
/// </summary>
internal sealed unsafe class LinkChoice
{
    /// <summary>The most that a node's links are chosen from, those that it had included.</summary>
    public const int MostCandidates = 1024;

    private readonly NativeBlock _memory;
    private readonly short* _wide;
    private readonly nint* _rows;
    private readonly int* _kept;
    private readonly int* _dots;
    private readonly ulong[] _entries = new ulong[MostCandidates];
    private readonly int _stride;

    public LinkChoice(int stride)
    {
        _stride = stride;
        const int Most = (2 * GraphOptions.MostLinks) + 8;
        _memory = NativeMemoryPool.Allocate((nuint)((stride * 2) + (Most * 16)), MemoryUse.Scratch);
        _wide = (short*)_memory.Start;
        _rows = (nint*)(_wide + stride);
        _kept = (int*)(_rows + Most);
        _dots = _kept + Most;
    }

    /// <param name="sorted">Candidates, best first, with their scores.</param>
    /// <param name="length">The length of what is coded of the node that gets the links.</param>
    /// <param name="self">The id that gets the links; it is not linked to itself.</param>
    /// <returns>How many were written to <paramref name="chosen"/>, nearest first; its length is the most.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Choose(in GraphSpace space, int level, ReadOnlySpan<ulong> sorted, float length, int self, Span<int> chosen)
    {
        var count = 0;
        for (var i = 0; i < sorted.Length && count < chosen.Length; i++)
        {
            if (i + 2 < sorted.Length)
            {
                CodeDots.Fetch(space.Codes(space.NodeOf(level, Walker.IdOf(sorted[i + 2]))), _stride);
            }

            var id = Walker.IdOf(sorted[i]);
            if (id != self && IsApart(space, space.NodeOf(level, id), space.Distance(Walker.ScoreOf(sorted[i]), length), count))
            {
                var node = space.NodeOf(level, id);
                (_rows[count], _kept[count]) = ((nint)space.Codes(node), node);
                chosen[count++] = id;
            }
        }

        return count;
    }

    /// <summary>Writes a node's links anew, chosen from those it had and others. The caller holds the node's lock.</summary>
    public void Rechoose(in GraphSpace space, int level, int id, ReadOnlySpan<int> links, ReadOnlySpan<int> others, int width)
    {
        var node = space.NodeOf(level, id);
        var factor = space.FactorOf(*space.Scale(node));
        CodeDots.Widen(space.Codes(node), _wide, _stride);
        var count = Score(space, level, id, links, factor, 0);
        count = Score(space, level, id, others, factor, count);
        var sorted = _entries.AsSpan(0, count);
        sorted.Sort();
        Span<int> chosen = stackalloc int[width];
        var kept = Choose(space, level, Distinct(sorted), space.Euclidean ? space.Length(node) : 1, id, chosen);
        var to = space.Links(level, id);
        for (var i = 0; i < width; i++)
        {
            Volatile.Write(ref to[i], i < kept ? chosen[i] : -1);
        }
    }

    private int Score(in GraphSpace space, int level, int id, ReadOnlySpan<int> candidates, float factor, int count)
    {
        foreach (var other in candidates)
        {
            if (other >= 0)
            {
                CodeDots.Fetch(space.Codes(space.NodeOf(level, other)), _stride);
            }
        }

        foreach (var other in candidates)
        {
            if (other >= 0 && other != id && count < _entries.Length)
            {
                var node = space.NodeOf(level, other);
                _entries[count++] = Walker.EntryOf(space.Score(node, CodeDots.One(space.Codes(node), _wide, _stride), factor), other);
            }
        }

        return count;
    }

    /// <summary>Equal entries stand side by side: the first of each.</summary>
    private static Span<ulong> Distinct(Span<ulong> sorted)
    {
        var count = 0;
        for (var i = 0; i < sorted.Length; i++)
        {
            if (count == 0 || sorted[i] != sorted[count - 1])
            {
                sorted[count++] = sorted[i];
            }
        }

        return sorted[..count];
    }

    /// <summary>Whether the node is nearer to the one that gets links than to every one kept so far.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool IsApart(in GraphSpace space, int node, float distance, int kept)
    {
        if (kept == 0)
        {
            return true;
        }

        CodeDots.Widen(space.Codes(node), _wide, _stride);
        var factor = space.FactorOf(*space.Scale(node));
        var length = space.Euclidean ? space.Length(node) : 1;
        for (var i = 0; i < kept; i += 4)
        {
            var last = kept - 1;
            CodeDots.Four((sbyte*)_rows[i], (sbyte*)_rows[Math.Min(i + 1, last)], (sbyte*)_rows[Math.Min(i + 2, last)], (sbyte*)_rows[Math.Min(i + 3, last)], _wide, _stride, _dots);
            for (var j = i; j < Math.Min(kept, i + 4); j++)
            {
                if (space.Distance(space.Score(_kept[j], _dots[j - i], factor), length) < distance)
                {
                    return false;
                }
            }
        }

        return true;
    }
}
