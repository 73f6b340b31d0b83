using System.Runtime.CompilerServices;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>
/// The links of the lowest level, on which every node is: for each node <see cref="Width"/> numbers, ended by -1 where
/// there are fewer. With 32 links a node's are two whole cache lines.
/// </summary>
internal sealed unsafe class BaseLevel(int width)
{
    private const int BlockRows = VectorBlock.Rows;

    private Table _table = new(0, null);

    public int Width => width;

    /// <summary>Addresses of blocks of links, to be used while the table is kept alive.</summary>
    public Table Blocks => Volatile.Read(ref _table);

    public long Bytes => Blocks.Memory.Sum(block => (long)(block?.Bytes ?? 0));

    /// <summary>Whether there is room for the node's links; a node that was never added has none.</summary>
    public bool Has(int node) => node / BlockRows < Blocks.Memory.Length && Blocks.Memory[node / BlockRows] is not null;

    /// <summary>Makes room for a node. One thread at a time.</summary>
    public void Open(int node)
    {
        var number = node / BlockRows;
        if (number >= _table.Memory.Length)
        {
            Volatile.Write(ref _table, new Table(Math.Max(number + 1, _table.Memory.Length * 2), _table));
        }

        if (_table.Memory[number] is null)
        {
            var block = NativeMemoryPool.Allocate((nuint)(BlockRows * width * sizeof(int)), MemoryUse.Links);
            new Span<int>(block.Start, BlockRows * width).Fill(-1);
            _table.Put(number, block);
        }
    }

    internal sealed class Table
    {
        private readonly nint[] _links;

        public Table(int capacity, Table? from)
        {
            Memory = new NativeBlock?[capacity];
            _links = GC.AllocateArray<nint>(Math.Max(1, capacity), pinned: true);
            from?.Memory.CopyTo(Memory, 0);
            from?._links.AsSpan(0, from.Memory.Length).CopyTo(_links);
        }

        public NativeBlock?[] Memory { get; }

        public nint* Links => (nint*)Unsafe.AsPointer(ref _links[0]);

        public void Put(int number, NativeBlock block)
        {
            Memory[number] = block;
            Volatile.Write(ref _links[number], (nint)block.Start);
        }
    }
}
