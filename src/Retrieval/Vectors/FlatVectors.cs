using System.Buffers;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Vectors;

/// <summary>
/// Exact nearest neighbours by scanning. Every vector is kept twice: in half precision, and as bytes with a scale and
/// error bound of its own. The bytes are scanned; by the Cauchy-Schwarz inequality a cosine is off by at most
/// |q - q'| |x| + |q'| |x - x'|, so a row whose approximate cosine plus that bound is less than the k-th best lower
/// bound cannot be among the best k. What is left is scored exactly. The result is that of a full exact scan, for half
/// of the memory traffic.
/// </summary>
/// <remarks>One writer appends; readers see the rows that were there when their snapshot was taken.</remarks>
internal sealed class FlatVectors : IVectorIndex
{
    public const int BlockRows = 256;

    /// <summary>Covers the rounding of single precision in approximate and exact scores, which the bound leaves out.</summary>
    private const float Rounding = 2e-5f;

    private readonly int _stride;
    private Block?[] _blocks = [];

    public FlatVectors(int dimensions)
    {
        Dimensions = dimensions;
        _stride = VectorMath.Padded(dimensions);
    }

    public int Dimensions { get; }

    public long Bytes => _blocks.Count(block => block is not null) * BlockRows * ((Dimensions * 2L) + _stride + 16);

    /// <summary>Gives a row its vector, unless that has no direction. Rows rise from call to call; those left out have none.</summary>
    public void Set(int row, ReadOnlySpan<Half> vector)
    {
        var number = row / BlockRows;
        if (number >= _blocks.Length || _blocks[number] is null)
        {
            var grown = new Block?[Math.Max(number + 1, _blocks.Length)];
            _blocks.CopyTo(grown, 0);
            grown[number] = new Block(Dimensions, _stride);
            Volatile.Write(ref _blocks, grown);
        }

        _blocks[number]!.Set(row % BlockRows, vector);
    }

    /// <summary>The row's vector; empty where it has none.</summary>
    public ReadOnlySpan<Half> this[int row] =>
        BlockOf(row) is { } block && block.Scale[row % BlockRows] != 0 ? block.Values.AsSpan(row % BlockRows * Dimensions, Dimensions) : [];

    public void Search(VectorQuery query, int rows, ReadOnlySpan<ulong> allowed, int k, Action<int, double> offer)
    {
        if (query.Dimensions != Dimensions || rows == 0 || k <= 0)
        {
            return;
        }

        var uppers = ArrayPool<float>.Shared.Rent(rows);
        try
        {
            var least = Scan(query, rows, allowed, k, uppers);
            var blocks = Volatile.Read(ref _blocks);
            for (var row = 0; row < rows; row++)
            {
                if (uppers[row] >= least)
                {
                    offer(row, Exact(query, blocks[row / BlockRows]!, row % BlockRows));
                }
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(uppers);
        }
    }

    public double? Score(VectorQuery query, int row)
    {
        return query.Dimensions == Dimensions && BlockOf(row) is { } block && block.Scale[row % BlockRows] != 0 ? Exact(query, block, row % BlockRows) : null;
    }

    private Block? BlockOf(int row)
    {
        var blocks = Volatile.Read(ref _blocks);
        return row / BlockRows < blocks.Length ? blocks[row / BlockRows] : null;
    }

    /// <summary>Writes each row's upper bound (NaN where it does not take part) and returns the k-th greatest lower bound.</summary>
    private float Scan(VectorQuery query, int rows, ReadOnlySpan<ulong> allowed, int k, Span<float> uppers)
    {
        var best = new PriorityQueue<byte, float>(Math.Min(k, rows) + 1);
        var least = float.NegativeInfinity;
        var blocks = Volatile.Read(ref _blocks);
        for (var first = 0; first < rows; first += BlockRows)
        {
            var count = Math.Min(BlockRows, rows - first);
            if (first / BlockRows >= blocks.Length || blocks[first / BlockRows] is not { } block)
            {
                uppers.Slice(first, count).Fill(float.NaN);
                continue;
            }

            for (var i = 0; i < count; i++)
            {
                var scale = block.Scale[i];
                if (scale == 0 || (!allowed.IsEmpty && !Bitmap.Has(allowed, first + i)))
                {
                    uppers[first + i] = float.NaN;
                    continue;
                }

                var cosine = VectorMath.Dot(block.Codes.AsSpan(i * _stride, _stride), query.Codes) * scale * query.Step;
                var bound = query.Error + ((1 + query.Error) * block.Error[i]) + Rounding;
                uppers[first + i] = cosine + bound;
                var lower = cosine - bound;
                if (best.Count < k)
                {
                    best.Enqueue(0, lower);
                }
                else if (lower > least)
                {
                    best.EnqueueDequeue(0, lower);
                }
                else
                {
                    continue;
                }

                if (best.Count == k)
                {
                    best.TryPeek(out _, out least);
                }
            }
        }

        return least;
    }

    private double Exact(VectorQuery query, Block block, int row) =>
        VectorMath.Dot(block.Values.AsSpan(row * Dimensions, Dimensions), query.Values) * block.InverseNorm[row] * query.InverseNorm;

    private sealed class Block(int dimensions, int stride)
    {
        public Half[] Values { get; } = new Half[BlockRows * dimensions];

        public sbyte[] Codes { get; } = new sbyte[BlockRows * stride];

        /// <summary>What one unit of a code stands for; 0 where the row has no direction.</summary>
        public float[] Scale { get; } = new float[BlockRows];

        /// <summary>At least the Euclidean distance between the normalised vector and its codes.</summary>
        public float[] Error { get; } = new float[BlockRows];

        public double[] InverseNorm { get; } = new double[BlockRows];

        public void Set(int row, ReadOnlySpan<Half> vector)
        {
            Span<float> values = dimensions <= 1024 ? stackalloc float[dimensions] : new float[dimensions];
            var greatest = 0f;
            for (var i = 0; i < dimensions; i++)
            {
                values[i] = (float)vector[i];
                greatest = Math.Max(greatest, Math.Abs(values[i]));
            }

            var inverseNorm = VectorQuery.InverseNormOf(values);
            if (inverseNorm == 0)
            {
                return;
            }

            vector.CopyTo(Values.AsSpan(row * dimensions));
            var step = greatest * inverseNorm / VectorMath.CodeLevels;
            var codes = Codes.AsSpan(row * stride, dimensions);
            var (inverseStep, error) = (inverseNorm / step, 0.0);
            for (var i = 0; i < dimensions; i++)
            {
                var code = Math.Round(values[i] * inverseStep);
                codes[i] = (sbyte)code;
                var off = (values[i] * inverseNorm) - (code * step);
                error += off * off;
            }

            Error[row] = (float)(Math.Sqrt(error) * 1.00001);
            InverseNorm[row] = inverseNorm;
            Scale[row] = (float)step;
        }
    }
}
