using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>
/// Walks a graph towards a query. It keeps the best so many nodes seen in one sorted array and follows the links of the
/// best one whose links it has not followed, until there is none: the search of HNSW (Malkov and Yashunin 2016).
/// </summary>
/// <remarks>
/// A graph search waits for memory, not for arithmetic. All links of a node are looked up before any vector is
/// compared, the vectors are fetched some ahead of the comparison, and the links of a node that is likely to be next
/// are fetched when it is found. An entry of the array is one 64-bit number, the score turned into an integer that
/// sorts best first, then the node: comparing and moving entries is comparing and moving numbers, and equal scores are
/// in the order of nodes.
/// </remarks>
internal sealed unsafe class Walker
{
    private const ulong Followed = 1;
    private const int Lanes = 8;

    private readonly NativeBlock _memory;
    private NativeBlock _visited;
    private NativeBlock _pool;
    private readonly short* _query;
    private readonly nint* _rows;
    private readonly int* _ids;
    private readonly int* _dots;

    /// <summary>Once so many allowed nodes are found in a step, no further node is looked behind.</summary>
    private const int MostBehind = 48;

    /// <summary>The most nodes whose vectors are compared in one step.</summary>
    public const int Step = 2 * GraphOptions.MostLinks;

    public Walker(int stride)
    {
        Stride = stride;
        _memory = NativeMemoryPool.Allocate((nuint)((stride * 2) + (Step * 16) + 64), MemoryUse.Scratch);
        _query = (short*)_memory.Start;
        _rows = (nint*)(_query + stride);
        _ids = (int*)(_rows + Step);
        _dots = _ids + Step;
        _visited = NativeMemoryPool.Allocate(4096, MemoryUse.Scratch);
        _pool = NativeMemoryPool.Allocate(4096, MemoryUse.Scratch);
    }

    public int Stride { get; }

    public short* Query => _query;

    /// <summary>What dot products with the query are multiplied with.</summary>
    public float Factor { get; private set; }

    /// <summary>The best entries so far, best first.</summary>
    public ulong* Pool => (ulong*)_pool.Start;

    public int Count { get; private set; }

    /// <summary>How many vectors were compared since the query was set.</summary>
    public int Compared { get; private set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int IdOf(ulong entry) => (int)((uint)entry >> 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ScoreOf(ulong entry)
    {
        var rising = ~(uint)(entry >> 32);
        return BitConverter.UInt32BitsToSingle((rising & 0x8000_0000) != 0 ? rising ^ 0x8000_0000 : ~rising);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong EntryOf(float score, int id)
    {
        // Adding zero makes -0 the same as 0.
        var bits = BitConverter.SingleToInt32Bits(score + 0f);
        var rising = bits >= 0 ? (uint)bits ^ 0x8000_0000 : ~(uint)bits;
        return ((ulong)~rising << 32) | ((uint)id << 1);
    }

    public void Seek(in GraphSpace space, VectorQuery query)
    {
        query.Codes.CopyTo(new Span<short>(_query, Stride));
        (Factor, Compared) = (space.FactorOf(query.Step), 0);
    }

    /// <summary>Seeks the neighbours of a node.</summary>
    public void Seek(in GraphSpace space, int node)
    {
        CodeDots.Widen(space.Codes(node), _query, Stride);
        (Factor, Compared) = (space.FactorOf(*space.Scale(node)), 0);
    }

    /// <summary>From a place on a level down to a level, each time to the most like; the place there.</summary>
    public int Descend(in GraphSpace space, int place, int from, int to)
    {
        for (var level = from; level > to; level--)
        {
            Begin(space, level, place, 1);
            Walk(space, level, 1);
            place = IdOf(Pool[0]);
        }

        return place;
    }

    /// <summary>Starts a walk on a level from one node (or place).</summary>
    public void Begin(in GraphSpace space, int level, int start, int ef)
    {
        Reserve(ef, space.IdsOf(level));
        Count = 0;
        Add(space, level, start, ef);
    }

    /// <summary>Takes a node into the walk that is not in it.</summary>
    public void Add(in GraphSpace space, int level, int id, int ef)
    {
        if (!Visit((ulong*)_visited.Start, id))
        {
            return;
        }

        var node = space.NodeOf(level, id);
        var entry = EntryOf(space.Score(node, CodeDots.One(space.Codes(node), _query, Stride), Factor), id);
        Compared++;
        if (Count < ef || entry < Pool[Count - 1])
        {
            Insert(entry, ef);
        }
    }

    /// <summary>Walks until the links of the best <paramref name="ef"/> nodes have all been followed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Walk(in GraphSpace space, int level, int ef)
    {
        var pool = Pool;
        var visited = (ulong*)_visited.Start;
        var width = space.WidthOf(level);
        var limit = (uint)space.IdsOf(level);
        var rows = _rows;
        var ids = _ids;
        for (var cursor = 0; ;)
        {
            while (cursor < Count && (pool[cursor] & Followed) != 0)
            {
                cursor++;
            }

            if (cursor == Count)
            {
                return;
            }

            var links = space.Links(level, IdOf(pool[cursor]));
            pool[cursor] |= Followed;
            var found = 0;
            for (var i = 0; i < width && links[i] >= 0; i++)
            {
                var id = links[i];
                if ((uint)id < limit && Visit(visited, id))
                {
                    var node = space.NodeOf(level, id);
                    ids[found] = id;
                    rows[found++] = (nint)space.Codes(node);
                    CodeDots.Fetch((sbyte*)space.Scale(node), 1);
                }
            }

            cursor = Take(space, level, found, ef, cursor);
        }
    }

    /// <summary>
    /// Walks on the lowest level among the nodes that are allowed alone. Where a link leads to another one its links are
    /// followed at once, without comparing it: so the allowed nodes stay connected even where they are few (the
    /// two-hop expansion of ACORN: Patel and others 2024).
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Walk(in GraphSpace space, int ef, ReadOnlySpan<ulong> allowed)
    {
        var pool = Pool;
        var visited = (ulong*)_visited.Start;
        var limit = (uint)Math.Min(space.BaseIds, allowed.Length * 64);
        Span<int> passed = stackalloc int[GraphOptions.MostLinks * 2];
        for (var cursor = 0; ;)
        {
            while (cursor < Count && (pool[cursor] & Followed) != 0)
            {
                cursor++;
            }

            if (cursor == Count)
            {
                return;
            }

            var links = space.BaseLinks(IdOf(pool[cursor]));
            pool[cursor] |= Followed;
            var (found, passing) = (0, 0);
            for (var i = 0; i < space.BaseWidth && links[i] >= 0; i++)
            {
                var id = links[i];
                if ((uint)id >= limit || !Visit(visited, id))
                {
                    continue;
                }

                if (Bitmap.Has(allowed, id))
                {
                    Gather(space, id, found++);
                }
                else
                {
                    CodeDots.Fetch((sbyte*)space.BaseLinks(id), 128);
                    passed[passing++] = id;
                }
            }

            for (var p = 0; p < passing && found < MostBehind; p++)
            {
                var behind = space.BaseLinks(passed[p]);
                for (var i = 0; i < space.BaseWidth && behind[i] >= 0 && found < Step; i++)
                {
                    var id = behind[i];
                    if ((uint)id < limit && Bitmap.Has(allowed, id) && Visit(visited, id))
                    {
                        Gather(space, id, found++);
                    }
                }
            }

            cursor = Take(space, 0, found, ef, cursor);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Gather(in GraphSpace space, int id, int at)
    {
        _ids[at] = id;
        _rows[at] = (nint)space.Codes(id);
        CodeDots.Fetch((sbyte*)space.Scale(id), 1);
    }

    /// <summary>Compares the nodes gathered and takes in those that are among the best; the first entry whose links are to be followed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Take(in GraphSpace space, int level, int found, int ef, int cursor)
    {
        var pool = Pool;
        var ids = _ids;
        var dots = _dots;
        CodeDots.Gather(_rows, found, Stride, _query, dots);
        Compared += found;
        for (var i = 0; i < found; i++)
        {
            var entry = EntryOf(space.Score(space.NodeOf(level, ids[i]), dots[i], Factor), ids[i]);
            if (Count == ef && entry >= pool[Count - 1])
            {
                continue;
            }

            var at = Insert(entry, ef);
            if (at <= cursor + 1)
            {
                CodeDots.Fetch((sbyte*)space.Links(level, ids[i]), 128);
                cursor = Math.Min(at, cursor);
            }
        }

        return cursor;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Visit(ulong* visited, int id)
    {
        var (word, bit) = (id >> 6, 1UL << id);
        if ((visited[word] & bit) != 0)
        {
            return false;
        }

        visited[word] |= bit;
        return true;
    }

    /// <summary>Puts an entry in its place, pushing out the last one where there are as many as wanted. The place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Insert(ulong entry, int ef)
    {
        var pool = Pool;
        var at = 0;
        var mine = Vector512.Create(entry);
        for (var i = 0; i < Count; i += Lanes)
        {
            at += BitOperations.PopCount(Vector512.LessThan(Vector512.Load(pool + i), mine).ExtractMostSignificantBits());
        }

        var moved = Count - at;
        if (Count == ef)
        {
            moved--;
        }
        else
        {
            Count++;
        }

        if (moved > 0)
        {
            Buffer.MemoryCopy(pool + at, pool + at + 1, moved * sizeof(ulong), moved * sizeof(ulong));
        }

        pool[at] = entry;
        return at;
    }

    /// <summary>Room for so many entries, all beyond the count greater than any; and nothing visited.</summary>
    private void Reserve(int ef, int ids)
    {
        var entries = (nuint)((ef + (2 * Lanes)) * sizeof(ulong));
        if (_pool.Bytes < entries)
        {
            _pool = NativeMemoryPool.Allocate(entries * 2, MemoryUse.Scratch);
        }

        new Span<ulong>(_pool.Start, ef + (2 * Lanes)).Fill(ulong.MaxValue);
        var words = (nuint)Bitmap.WordsFor(ids);
        if (_visited.Bytes < words * sizeof(ulong))
        {
            _visited = NativeMemoryPool.Allocate(words * 2 * sizeof(ulong), MemoryUse.Scratch);
        }
        else
        {
            NativeMemory.Clear(_visited.Start, words * sizeof(ulong));
        }
    }
}
