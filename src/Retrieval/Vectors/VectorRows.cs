namespace RagCluster.Retrieval.Vectors;

/// <summary>
/// Vectors by row number, in blocks. Blocks may belong to several of these at once: a graph over all segments of a
/// partition and the segments' own rows are the same memory.
/// </summary>
/// <remarks>One writer appends; readers use the <see cref="Table"/> that was there when they began, and rows below the count that they know.</remarks>
internal sealed class VectorRows(VectorShape shape, bool stored = true)
{
    private RowTable _table = new(0);

    public VectorShape Shape => shape;

    public RowTable Table => Volatile.Read(ref _table);

    public long Bytes => Table.Blocks.Sum(block => block?.Bytes ?? 0);

    public void Set(int row, ReadOnlySpan<Half> vector) => Open(row).Set(row % VectorBlock.Rows, vector);

    public void Set(int row, ReadOnlySpan<float> vector) => Open(row).Set(row % VectorBlock.Rows, vector);

    /// <summary>Takes over another's blocks from a row on that begins a block; those there already are replaced.</summary>
    public void Adopt(VectorRows other, int first)
    {
        var blocks = other.Table.Blocks;
        for (var i = 0; i < blocks.Length; i++)
        {
            if (blocks[i] is { } block)
            {
                Put((first / VectorBlock.Rows) + i, block);
            }
        }
    }

    /// <summary>Takes rows whose vectors are in a mapped file, from the first row on, and codes them.</summary>
    /// <param name="at">The first vector.</param>
    /// <param name="stride">Bytes from one vector to the next.</param>
    /// <param name="has">Which rows have a vector.</param>
    public unsafe void Map(byte* at, int stride, int rows, object owner, Func<int, bool> has)
    {
        for (var first = 0; first < rows; first += VectorBlock.Rows)
        {
            var block = new VectorBlock(shape, stored: false);
            block.Map(at + ((nint)first * stride), stride, owner);
            for (var row = first; row < Math.Min(rows, first + VectorBlock.Rows); row++)
            {
                if (has(row))
                {
                    block.CodeMapped(row - first);
                }
            }

            Put(first / VectorBlock.Rows, block);
        }
    }

    /// <summary>The block a row is in, which other rows can be added to.</summary>
    private VectorBlock Open(int row)
    {
        var number = row / VectorBlock.Rows;
        if (number < _table.Blocks.Length && _table.Blocks[number] is { } there)
        {
            if (there.IsMapped)
            {
                there.Unmap(row % VectorBlock.Rows);
            }

            return there;
        }

        var block = new VectorBlock(shape, stored);
        Put(number, block);
        return block;
    }

    public void Put(int number, VectorBlock block)
    {
        if (number >= _table.Blocks.Length)
        {
            Volatile.Write(ref _table, new RowTable(Math.Max(number + 1, _table.Blocks.Length * 2), _table));
        }

        _table.Put(number, block);
    }
}

/// <summary>Where blocks are. A table has room for more; a full one is replaced by a larger copy.</summary>
internal sealed unsafe class RowTable
{
    private readonly nint[] _codes;

    public RowTable(int capacity, RowTable? from = null)
    {
        Blocks = new VectorBlock?[capacity];
        _codes = GC.AllocateArray<nint>(Math.Max(1, capacity), pinned: true);
        from?.Blocks.CopyTo(Blocks, 0);
        from?._codes.AsSpan(0, from.Blocks.Length).CopyTo(_codes);
    }

    public VectorBlock?[] Blocks { get; }

    /// <summary>By block the address of its codes; 0 where there is none. Valid while the table is kept alive.</summary>
    public nint* Codes => (nint*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref _codes[0]);

    /// <summary>How many rows the table could tell of.</summary>
    public int Rows => Blocks.Length * VectorBlock.Rows;

    public VectorBlock? BlockOf(int row) => row >> VectorBlock.Shift < Blocks.Length ? Blocks[row >> VectorBlock.Shift] : null;

    public bool Has(int row) => BlockOf(row) is { } block && block.Scale[row & (VectorBlock.Rows - 1)] != 0;

    public void Put(int number, VectorBlock block)
    {
        _codes[number] = (nint)block.Codes;
        Volatile.Write(ref Blocks[number], block);
    }
}
