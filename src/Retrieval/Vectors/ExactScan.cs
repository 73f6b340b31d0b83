using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Vectors;

/// <summary>
/// Exact nearest neighbours by scanning codes. By the Cauchy-Schwarz inequality a product q.x is off by at most
/// |q - q'| |x| + |q'| |x - x'| where q' and x' are the codes, so a row whose approximate score plus that bound is less
/// than the k-th best lower bound cannot be among the best k. What is left is scored by the vectors themselves: the
/// result is that of a full exact scan, for half of the memory traffic, or a quarter.
/// </summary>
/// <remarks>
/// Rows in passing are compared with coarser codes of the queries (<see cref="StreamedDots"/>), whose wider bounds leave a
/// few dozen rows, which are compared again with the fine codes. Several queries are scanned for together: rows are then
/// read once for eight of them.
/// </remarks>
internal static unsafe class ExactScan
{
    private const int BlockRows = VectorBlock.Rows;
    private const int Lanes = 16;

    /// <summary>So many rows ahead what is read here and there is fetched.</summary>
    private const int Ahead = 4;

    /// <summary>What is larger than this no cache will hold until the next scan comes by.</summary>
    private const long Cached = 16 << 20;

    /// <summary>Where no more than one row in so many takes part they are read one by one. Measured: a row read so costs as much as two to three in passing.</summary>
    private const int GatherBelow = 3;

    /// <summary>Calls <paramref name="offer"/> for the best k rows at least, with their exact scores.</summary>
    public static void Search(RowTable table, VectorShape shape, VectorQuery query, int rows, ReadOnlySpan<ulong> allowed, int k, Action<int, double> offer)
    {
        using var scratch = ScanScratch.Rent(shape.Stride);
        var bounds = new Bounds(shape, query, query.Step, query.Error);
        var candidates = new Candidates(k, scratch.Candidates(0));
        query.Codes.CopyTo(new Span<short>(scratch.Query, shape.Stride));
        if (!allowed.IsEmpty && Bitmap.CountOf(allowed) <= rows / GatherBelow)
        {
            Gather(table, shape, rows, allowed, bounds, scratch, ref candidates);
            Offer(table, query, ref candidates, offer);
            GC.KeepAlive(table);
            return;
        }

        if (StreamedDots.IsSupported)
        {
            var codes = query.InBytes;
            codes.Codes.CopyTo(new Span<sbyte>(scratch.Bytes, shape.Stride));
            var coarsely = new Candidates(k, scratch.Candidates(1));
            Scan(table, shape, codes, rows, allowed, new Bounds(shape, query, codes.Step, codes.Error), scratch, ref coarsely);
            Refine(table, shape, bounds, ref coarsely, scratch, ref candidates);
        }
        else
        {
            Scan(table, shape, null, rows, allowed, bounds, scratch, ref candidates);
        }

        Offer(table, query, ref candidates, offer);
        GC.KeepAlive(table);
    }

    /// <summary>Searches for several queries at once. They share what they are allowed.</summary>
    public static void Search(RowTable table, VectorShape shape, ReadOnlySpan<VectorQuery> queries, int rows, ReadOnlySpan<ulong> allowed, int k, Action<int, int, double> offer)
    {
        var at = 0;
        for (; StreamedDots.IsSupported && queries.Length - at >= StreamedDots.Batch / 2; at += StreamedDots.Batch)
        {
            SearchEight(table, shape, queries[at..Math.Min(queries.Length, at + StreamedDots.Batch)], at, rows, allowed, k, offer);
        }

        for (; at < queries.Length; at++)
        {
            var number = at;
            Search(table, shape, queries[at], rows, allowed, k, (row, score) => offer(number, row, score));
        }
    }

    private static void SearchEight(
        RowTable table, VectorShape shape, ReadOnlySpan<VectorQuery> queries, int number, int rows, ReadOnlySpan<ulong> allowed, int k, Action<int, int, double> offer)
    {
        using var scratch = ScanScratch.Rent(shape.Stride);
        var passing = (long)rows * shape.Stride > Cached;
        var lanes = new EightBounds(shape, queries, scratch);
        var candidates = new Candidates[queries.Length];
        for (var q = 0; q < queries.Length; q++)
        {
            candidates[q] = new Candidates(k, scratch.Candidates(q));
        }

        for (var first = 0; first < rows; first += BlockRows)
        {
            var taking = TakingOf(allowed, first);
            if (table.BlockOf(first) is not { } block || (taking.IsEmpty && !allowed.IsEmpty))
            {
                continue;
            }

            var count = Math.Min(BlockRows, rows - first);
            StreamedDots.Eight(block.Codes, (count + 1) & ~1, shape.Stride, scratch.Bytes, scratch.Corrections, scratch.Dots, passing);
            CompareEight(block, first, count, taking, scratch.Dots, ref lanes, candidates);
        }

        for (var q = 0; q < queries.Length; q++)
        {
            var (query, absolute) = (queries[q], number + q);
            query.Codes.CopyTo(new Span<short>(scratch.Query, shape.Stride));
            var fine = new Candidates(k, scratch.Candidates(StreamedDots.Batch));
            Refine(table, shape, new Bounds(shape, query, query.Step, query.Error), ref candidates[q], scratch, ref fine);
            Offer(table, query, ref fine, (row, score) => offer(absolute, row, score));
        }

        GC.KeepAlive(table);
    }

    /// <summary>The bits of a block's rows, as far as there are any.</summary>
    private static ReadOnlySpan<ulong> TakingOf(ReadOnlySpan<ulong> allowed, int first) =>
        allowed[Math.Min(allowed.Length, first >> 6)..Math.Min(allowed.Length, (first + BlockRows) >> 6)];

    /// <summary>Compares all rows in passing, with the query's codes in bytes or, where it is null, with those in 16 bits.</summary>
    private static void Scan(
        RowTable table, VectorShape shape, CodesInBytes? inBytes, int rows, ReadOnlySpan<ulong> allowed, in Bounds bounds, ScanScratch scratch, ref Candidates candidates)
    {
        var passing = (long)rows * shape.Stride > Cached;
        for (var first = 0; first < rows; first += BlockRows)
        {
            var taking = TakingOf(allowed, first);
            if (table.BlockOf(first) is not { } block || (taking.IsEmpty && !allowed.IsEmpty))
            {
                continue;
            }

            var count = Math.Min(BlockRows, rows - first);
            if (inBytes is not null)
            {
                StreamedDots.One(block.Codes, (count + 3) & ~3, shape.Stride, scratch.Bytes, inBytes.Correction, scratch.Dots, passing);
            }
            else
            {
                CodeDots.Block(block.Codes, (count + 3) & ~3, shape.Stride, scratch.Query, scratch.Dots);
            }

            Compare(block, first, count, taking, scratch.Dots, bounds, ref candidates);
        }

        GC.KeepAlive(table);
    }

    /// <summary>Reads only the rows whose bit is set, as many ahead as the processor can wait for at once.</summary>
    private static void Gather(
        RowTable table, VectorShape shape, int rows, ReadOnlySpan<ulong> allowed, in Bounds bounds, ScanScratch scratch, ref Candidates candidates)
    {
        var found = 0;
        var words = Math.Min(allowed.Length, Bitmap.WordsFor(Math.Min(rows, table.Rows)));
        for (var word = 0; word < words; word++)
        {
            for (var bits = allowed[word]; bits != 0; bits &= bits - 1)
            {
                var row = (word << 6) + BitOperations.TrailingZeroCount(bits);
                var codes = row < rows ? table.Codes[row >> VectorBlock.Shift] : 0;
                if (codes == 0)
                {
                    break;
                }

                scratch.Numbers[found] = row;
                scratch.Rows[found++] = codes + ((nint)(row & (BlockRows - 1)) * shape.Stride);
                if (found == BlockRows)
                {
                    CompareGathered(table, shape, found, bounds, scratch, ref candidates);
                    found = 0;
                }
            }
        }

        CompareGathered(table, shape, found, bounds, scratch, ref candidates);
        GC.KeepAlive(table);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CompareGathered(RowTable table, VectorShape shape, int count, in Bounds bounds, ScanScratch scratch, ref Candidates candidates)
    {
        for (var i = 0; i < count; i++)
        {
            var block = table.Blocks[scratch.Numbers[i] >> VectorBlock.Shift]!;
            var row = scratch.Numbers[i] & (BlockRows - 1);
            CodeDots.Fetch((sbyte*)(block.Scale + row), 1);
            CodeDots.Fetch((sbyte*)(block.Error + row), 1);
        }

        CodeDots.Gather(scratch.Rows, count, shape.Stride, scratch.Query, scratch.Gathered);
        for (var i = 0; i < count; i++)
        {
            Compare(table, scratch.Numbers[i], scratch.Gathered[i], bounds, ref candidates);
        }
    }

    private static void Compare(RowTable table, int row, int dot, in Bounds bounds, ref Candidates candidates)
    {
        var block = table.Blocks[row >> VectorBlock.Shift]!;
        var i = row & (BlockRows - 1);
        if (block.Scale[i] == 0)
        {
            return;
        }

        var length = bounds.HasLengths ? (float)block.Length[i] : 1;
        var score = bounds.Score(dot, block.Scale[i], length);
        var off = bounds.Off(block.Error[i], length);
        if (score + off >= candidates.Least)
        {
            candidates.Add(row, score - off, score + off);
        }
    }

    /// <summary>Keeps the rows that may be among the best, sixteen at a time; hardly any sixteen have one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Compare(VectorBlock block, int first, int count, ReadOnlySpan<ulong> taking, int* dots, in Bounds bounds, ref Candidates candidates)
    {
        for (var i = 0; i < count; i += Lanes)
        {
            var scale = Vector512.Load(block.Scale + i);
            var error = Vector512.Load(block.Error + i);
            var length = bounds.HasLengths ? Bounds.Lengths(block.Length + i) : Vector512<float>.One;
            var score = bounds.Scores(Vector512.ConvertToSingle(Vector512.Load(dots + i)), scale, length);
            var off = bounds.Off(error, length);
            var mask = (Vector512.GreaterThanOrEqual(score + off, Vector512.Create(candidates.Least)) & ~Vector512.Equals(scale, Vector512<float>.Zero)).ExtractMostSignificantBits();
            if (!taking.IsEmpty)
            {
                mask &= i >> 6 < taking.Length ? (taking[i >> 6] >> (i & 63)) & 0xFFFF : 0;
            }

            if (i + Lanes > count)
            {
                mask &= (1UL << (count - i)) - 1;
            }

            for (; mask != 0; mask &= mask - 1)
            {
                var lane = BitOperations.TrailingZeroCount(mask);
                candidates.Add(first + i + lane, score[lane] - off[lane], score[lane] + off[lane]);
            }
        }
    }

    /// <summary>Two rows at a time, each with eight queries; hardly any two have a candidate.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void CompareEight(VectorBlock block, int first, int count, ReadOnlySpan<ulong> taking, int* dots, ref EightBounds bounds, Candidates[] candidates)
    {
        for (var i = 0; i < count; i += 2)
        {
            var dot = Vector512.ConvertToSingle(Vector512.Load(dots + (i * StreamedDots.Batch)));
            var length = bounds.HasLengths ? EightBounds.Both((float)block.Length[i], (float)block.Length[i + 1]) : Vector512<float>.One;
            var score = bounds.Scores(dot, EightBounds.Both(block.Scale[i], block.Scale[i + 1]), length);
            var off = bounds.Off(EightBounds.Both(block.Error[i], block.Error[i + 1]), length);
            var mask = Vector512.GreaterThanOrEqual(score + off, bounds.Least).ExtractMostSignificantBits();
            for (; mask != 0; mask &= mask - 1)
            {
                var lane = BitOperations.TrailingZeroCount(mask);
                var row = i + (lane >> 3);
                if (row >= count || block.Scale[row] == 0 || (!taking.IsEmpty && (row >> 6 >= taking.Length || !Bitmap.Has(taking, row))))
                {
                    continue;
                }

                ref var candidate = ref candidates[lane & 7];
                candidate.Add(first + row, score[lane] - off[lane], score[lane] + off[lane]);
                bounds.Raise(lane & 7, candidate.Least);
            }
        }
    }

    /// <summary>Compares what coarse codes left with fine ones; the query's are in the scratch.</summary>
    private static void Refine(RowTable table, VectorShape shape, in Bounds bounds, ref Candidates coarse, ScanScratch scratch, ref Candidates fine)
    {
        var left = coarse.Left();
        for (var i = 0; i < left.Length; i++)
        {
            if (i + Ahead < left.Length)
            {
                var next = left[i + Ahead].Row;
                CodeDots.Fetch(CodesOf(table, shape, next), shape.Stride);
                table.Blocks[next >> VectorBlock.Shift]!.FetchScale(next & (BlockRows - 1));
            }

            var (row, upper) = left[i];
            if (upper >= fine.Least)
            {
                Compare(table, row, CodeDots.One(CodesOf(table, shape, row), scratch.Query, shape.Stride), bounds, ref fine);
            }
        }
    }

    private static sbyte* CodesOf(RowTable table, VectorShape shape, int row) =>
        (sbyte*)(table.Codes[row >> VectorBlock.Shift] + ((nint)(row & (BlockRows - 1)) * shape.Stride));

    private static void Offer(RowTable table, VectorQuery query, ref Candidates candidates, Action<int, double> offer)
    {
        var left = candidates.Left();
        for (var i = 0; i < left.Length; i++)
        {
            if (i + Ahead < left.Length)
            {
                var next = left[i + Ahead].Row;
                table.BlockOf(next)!.FetchValues(next & (BlockRows - 1));
            }

            var row = left[i].Row;
            offer(row, table.BlockOf(row)!.Exact(query, row & (BlockRows - 1)));
        }
    }
}
