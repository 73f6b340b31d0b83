using System.Runtime.CompilerServices;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>
/// The levels above the lowest. The few nodes that are on them have places of their own, counted from 0, and link to
/// each other by place: so a walk through them needs no table of all nodes.
/// </summary>
internal sealed unsafe class UpperLevels
{
    /// <summary>More nodes than an int can count would be needed to miss a level above this, even with the least M.</summary>
    public const int Most = 31;

    private const int ChunkBytes = 64 << 10;

    private readonly Dictionary<int, int> _places = [];
    private readonly List<NativeBlock> _memory = [];
    private Table _table;
    private nuint _used = ChunkBytes;

    public UpperLevels(int width)
    {
        Width = width;
        _table = new Table(0, null, _memory);
    }

    public int Width { get; }

    /// <summary>How many nodes there are.</summary>
    public int Count { get; private set; }

    public Table Places => Volatile.Read(ref _table);

    public long Bytes => ((long)_memory.Count * ChunkBytes) + (Places.Capacity * 16L) + (_places.Count * 24L);

    /// <summary>The node's place; -1 where it is only on the lowest level. Not while another thread adds.</summary>
    public int PlaceOf(int node) => _places.GetValueOrDefault(node, -1);

    /// <summary>Gives a node a place. One thread at a time.</summary>
    public int Add(int node, int level)
    {
        var bytes = (nuint)(level * Width * sizeof(int));
        if (_used + bytes > ChunkBytes)
        {
            _memory.Add(NativeMemoryPool.Allocate(ChunkBytes, MemoryUse.Links));
            _used = 0;
        }

        var links = (int*)(_memory[^1].Start + _used);
        _used += bytes;
        new Span<int>(links, level * Width).Fill(-1);
        if (Count == _table.Capacity)
        {
            Volatile.Write(ref _table, new Table(Math.Max(64, Count * 2), _table, _memory));
        }

        _table.Put(Count, node, level, (nint)links);
        _places.Add(node, Count);
        return Count++;
    }

    /// <summary>Entries never change; a full table is replaced by a larger one. It keeps alive what its addresses are of.</summary>
    internal sealed class Table
    {
        private readonly List<NativeBlock> _memory;
        private readonly nint[] _links;
        private readonly int[] _nodes;
        private readonly byte[] _levels;

        public Table(int capacity, Table? from, List<NativeBlock> memory)
        {
            (Capacity, _memory) = (capacity, memory);
            _links = GC.AllocateArray<nint>(Math.Max(1, capacity), pinned: true);
            _nodes = GC.AllocateArray<int>(Math.Max(1, capacity), pinned: true);
            _levels = new byte[Math.Max(1, capacity)];
            if (from is not null)
            {
                from._links.AsSpan(0, from.Capacity).CopyTo(_links);
                from._nodes.AsSpan(0, from.Capacity).CopyTo(_nodes);
                from._levels.AsSpan(0, from.Capacity).CopyTo(_levels);
            }
        }

        public int Capacity { get; }

        /// <summary>By place the address of the links of level 1, which those of level 2 follow.</summary>
        public nint* Links => (nint*)Unsafe.AsPointer(ref _links[0]);

        /// <summary>By place the node.</summary>
        public int* Nodes => (int*)Unsafe.AsPointer(ref _nodes[0]);

        public int LevelOf(int place) => _levels[place];

        public void KeepAlive() => GC.KeepAlive(_memory);

        public void Put(int place, int node, int level, nint links)
        {
            (_nodes[place], _levels[place]) = (node, (byte)level);
            Volatile.Write(ref _links[place], links);
        }
    }
}
