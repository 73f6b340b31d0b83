using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace RagCluster.Retrieval.Vectors;

/// <summary>
/// 256 rows of vectors: for each its codes, what one unit of a code stands for, how far the codes are off, and its
/// length; and the vector itself, here or in a mapped file. A row is written once, before it is read.
/// </summary>
internal sealed unsafe class VectorBlock
{
    public const int Rows = 256;
    public const int Shift = 8;

    private readonly VectorShape _shape;
    private readonly NativeBlock _memory;
    private NativeBlock? _values;
    private object? _mapped;

    /// <param name="stored">Whether the block keeps the vectors; otherwise <see cref="Map"/> tells where they are.</param>
    public VectorBlock(VectorShape shape, bool stored)
    {
        _shape = shape;
        _memory = NativeMemoryPool.Allocate((nuint)Rows * ((nuint)shape.Stride + 16), MemoryUse.Codes);
        Codes = (sbyte*)_memory.Start;
        ValueStride = shape.ValueBytes;
        Length = (double*)(Codes + ((nint)Rows * shape.Stride));
        Scale = (float*)(Length + Rows);
        Error = Scale + Rows;
        if (stored)
        {
            _values = NativeMemoryPool.Allocate((nuint)(Rows * ValueStride), MemoryUse.Values);
            Values = _values.Start;
        }
    }

    public sbyte* Codes { get; }

    /// <summary>What one unit of a code stands for; 0 where the row has no vector that could be found.</summary>
    public float* Scale { get; }

    /// <summary>At least the Euclidean distance between what is coded and its codes.</summary>
    public float* Error { get; }

    /// <summary>With cosines one over the vector's length, for what is coded has length 1; otherwise the length.</summary>
    public double* Length { get; }

    public byte* Values { get; private set; }

    /// <summary>Bytes from one row's vector to the next.</summary>
    public int ValueStride { get; private set; }

    /// <summary>Whether the vectors are in a mapped file.</summary>
    public bool IsMapped => _values is null && _mapped is not null;

    public long Bytes => (long)(_memory.Bytes + (_values?.Bytes ?? 0));

    /// <summary>The vectors are in a mapped file, from here on.</summary>
    public void Map(byte* first, int stride, object owner)
    {
        Values = first;
        (ValueStride, _mapped) = (stride, owner);
    }

    /// <summary>Takes the first so many vectors out of the mapped file into memory, so that others can be added.</summary>
    public void Unmap(int rows)
    {
        if (_mapped is null || ValueStride != _shape.ValueBytes)
        {
            return;
        }

        _values = NativeMemoryPool.Allocate((nuint)(Rows * ValueStride), MemoryUse.Values);
        new ReadOnlySpan<byte>(Values, rows * ValueStride).CopyTo(new Span<byte>(_values.Start, rows * ValueStride));
        Values = _values.Start;
    }

    public void Set(int row, ReadOnlySpan<Half> vector)
    {
        Span<float> values = vector.Length <= 1024 ? stackalloc float[vector.Length] : new float[vector.Length];
        TensorPrimitives.ConvertToSingle(vector, values);
        if (Code(row, values) && _values is not null)
        {
            vector.CopyTo(MemoryMarshal.Cast<byte, Half>(new Span<byte>(Values + (row * ValueStride), ValueStride)));
        }

        GC.KeepAlive(this);
    }

    public void Set(int row, ReadOnlySpan<float> vector)
    {
        if (Code(row, vector) && _values is not null)
        {
            var stored = new Span<byte>(Values + (row * ValueStride), ValueStride);
            if (_shape.Precision == StoredPrecision.Single)
            {
                vector.CopyTo(MemoryMarshal.Cast<byte, float>(stored));
            }
            else
            {
                TensorPrimitives.ConvertToHalf(vector, MemoryMarshal.Cast<byte, Half>(stored));
            }
        }

        GC.KeepAlive(this);
    }

    /// <summary>The row's vector as halves; empty where it has none. Only for blocks that store halves.</summary>
    public ReadOnlySpan<Half> HalvesOf(int row) => Scale[row] == 0 ? [] : new ReadOnlySpan<Half>(Values + (row * ValueStride), _shape.Dimensions);

    /// <summary>The score of a row that has a vector, by the vectors themselves.</summary>
    public double Exact(VectorQuery query, int row)
    {
        var score = Exact(query, row, Values + (row * ValueStride));

        // Whoever asks may hold nothing else of the index any more, and what is read lies outside the collected heap.
        GC.KeepAlive(this);
        return score;
    }

    private double Exact(VectorQuery query, int row, byte* at)
    {
        if (_shape.Precision == StoredPrecision.Half)
        {
            var vector = new ReadOnlySpan<Half>(at, _shape.Dimensions);
            return _shape.Similarity switch
            {
                Similarity.Cosine => VectorMath.Dot(vector, query.Values) * Length[row] * query.InverseNorm,
                Similarity.Dot => VectorMath.Dot(vector, query.Values),
                _ => -VectorMath.SquaredDistance(vector, query.Values),
            };
        }

        var single = new ReadOnlySpan<float>(at, _shape.Dimensions);
        return _shape.Similarity switch
        {
            Similarity.Cosine => VectorMath.Dot(single, query.Values) * Length[row] * query.InverseNorm,
            Similarity.Dot => VectorMath.Dot(single, query.Values),
            _ => -VectorMath.SquaredDistance(single, query.Values),
        };
    }

    /// <summary>Gives rows whose vectors are mapped their codes.</summary>
    public void CodeMapped(int row)
    {
        var at = Values + (row * ValueStride);
        if (_shape.Precision == StoredPrecision.Single)
        {
            Code(row, new ReadOnlySpan<float>(at, _shape.Dimensions));
            return;
        }

        Span<float> values = _shape.Dimensions <= 1024 ? stackalloc float[_shape.Dimensions] : new float[_shape.Dimensions];
        TensorPrimitives.ConvertToSingle(new ReadOnlySpan<Half>(at, _shape.Dimensions), values);
        Code(row, values);
        GC.KeepAlive(this);
    }

    /// <summary>Begins to read what belongs to a row's codes.</summary>
    public void FetchScale(int row)
    {
        CodeDots.Fetch((sbyte*)(Scale + row), 1);
        CodeDots.Fetch((sbyte*)(Error + row), 1);
    }

    /// <summary>Begins to read a row's vector.</summary>
    public void FetchValues(int row) => CodeDots.Fetch((sbyte*)(Values + (row * ValueStride)), _shape.ValueBytes);

    private bool Code(int row, ReadOnlySpan<float> vector)
    {
        var inverseNorm = VectorQuery.InverseNormOf(vector);
        var cosine = _shape.Similarity == Similarity.Cosine;
        if (inverseNorm == 0 && cosine)
        {
            return false;
        }

        var greatest = Quantiser.Greatest(vector);
        var factor = cosine ? inverseNorm : 1;
        var step = greatest > 0 ? Math.Max(greatest * factor / VectorMath.CodeLevels, VectorMath.LeastStep) : 1;
        var error = Quantiser.Code(vector, factor, step, new Span<sbyte>(Codes + ((nint)row * _shape.Stride), vector.Length));
        Error[row] = (float)error;
        Length[row] = cosine ? inverseNorm : inverseNorm == 0 ? 0 : 1 / inverseNorm;
        Volatile.Write(ref Scale[row], (float)step);
        GC.KeepAlive(this);
        return true;
    }
}

/// <summary>What all vectors of an index have in common.</summary>
internal sealed record VectorShape(int Dimensions, Similarity Similarity, StoredPrecision Precision)
{
    /// <summary>Bytes of a row of codes.</summary>
    public int Stride { get; } = VectorMath.Padded(Dimensions);

    public int ValueBytes { get; } = Dimensions * (Precision == StoredPrecision.Half ? 2 : 4);
}
