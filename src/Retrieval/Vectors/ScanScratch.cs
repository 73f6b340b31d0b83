using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace RagCluster.Retrieval.Vectors;

/// <summary>What a scan needs for itself, kept from scan to scan. One scan at a time uses one.</summary>
internal sealed unsafe class ScanScratch : IDisposable
{
    private const int Kept = 16;

    private static readonly ConcurrentQueue<ScanScratch> s_free = new();

    private readonly NativeBlock _memory;
    private readonly List<(int Row, float Upper)>[] _candidates = [.. Enumerable.Range(0, StreamedDots.Batch + 1).Select(_ => new List<(int, float)>())];
    private readonly int _stride;

    private ScanScratch(int stride)
    {
        _stride = stride;
        const int AllDots = VectorBlock.Rows * StreamedDots.Batch * sizeof(int);
        _memory = NativeMemoryPool.Allocate((nuint)((stride * (2 + StreamedDots.Batch)) + AllDots + (VectorBlock.Rows * 16) + 256), MemoryUse.Scratch);
        Query = (short*)_memory.Start;
        Bytes = (sbyte*)(Query + stride);
        Dots = (int*)(Bytes + (stride * StreamedDots.Batch));
        Rows = (nint*)((byte*)Dots + AllDots);
        Numbers = (int*)(Rows + VectorBlock.Rows);
        Gathered = Numbers + VectorBlock.Rows;
        Corrections = Gathered + VectorBlock.Rows + 8;
    }

    /// <summary>A query's codes.</summary>
    public short* Query { get; }

    /// <summary>The codes of eight queries.</summary>
    public sbyte* Bytes { get; }

    public int* Corrections { get; }

    /// <summary>For a block of rows and eight queries.</summary>
    public int* Dots { get; }

    public nint* Rows { get; }

    public int* Numbers { get; }

    public int* Gathered { get; }

    public static ScanScratch Rent(int stride) => s_free.TryDequeue(out var scratch) && scratch._stride >= stride ? scratch : new ScanScratch(stride);

    public List<(int Row, float Upper)> Candidates(int number)
    {
        _candidates[number].Clear();
        return _candidates[number];
    }

    public void Dispose()
    {
        if (s_free.Count < Kept)
        {
            s_free.Enqueue(this);
        }
    }
}

/// <summary>Rows that may be among the best k, by what their scores are at least and at most.</summary>
internal struct Candidates(int k, List<(int Row, float Upper)> rows)
{
    private float[] _lowers = [];
    private int _count;

    /// <summary>The k-th greatest lower bound so far: what stays below it is out.</summary>
    public float Least { get; private set; } = float.NegativeInfinity;

    public void Add(int row, float lower, float upper)
    {
        rows.Add((row, upper));
        if (_count < k)
        {
            if (_count == _lowers.Length)
            {
                Array.Resize(ref _lowers, Math.Min(k, Math.Max(16, _count * 2)));
            }

            _lowers[_count] = lower;
            SiftUp(_count++);
        }
        else if (lower > Least)
        {
            _lowers[0] = lower;
            SiftDown();
        }

        if (_count == k)
        {
            Least = _lowers[0];
        }
    }

    /// <summary>The rows that are still in the running; valid until another one is added.</summary>
    public readonly ReadOnlySpan<(int Row, float Upper)> Left()
    {
        var all = CollectionsMarshal.AsSpan(rows);
        var left = 0;
        foreach (var row in all)
        {
            all[left] = row;
            left += row.Upper >= Least ? 1 : 0;
        }

        CollectionsMarshal.SetCount(rows, left);
        return all[..left];
    }

    private readonly void SiftUp(int at)
    {
        for (var parent = (at - 1) / 2; at > 0 && _lowers[at] < _lowers[parent]; parent = (at - 1) / 2)
        {
            (_lowers[at], _lowers[parent]) = (_lowers[parent], _lowers[at]);
            at = parent;
        }
    }

    private readonly void SiftDown()
    {
        for (int at = 0, child = 1; child < _count; child = (2 * at) + 1)
        {
            child += child + 1 < _count && _lowers[child + 1] < _lowers[child] ? 1 : 0;
            if (_lowers[at] <= _lowers[child])
            {
                return;
            }

            (_lowers[at], _lowers[child]) = (_lowers[child], _lowers[at]);
            at = child;
        }
    }
}
