using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>
/// One graph over the vectors of all segments of a partition: a walk costs hardly more in a graph ten times the size,
/// so one for each segment would cost as many times as there are segments.
/// </summary>
/// <remarks>
/// <para>Each segment's rows are nodes from a number on, in memory that they share with the segment. Rows that are not
/// linked yet, and segments that are not placed yet, are scanned beside the walk: so what is applied is found at once,
/// and linking can lag behind. <see cref="Tend"/> does it, one at a time, beside searches and beside the thread that
/// applies events; between two calls nothing moves.</para>
/// <para>Where segments were rewritten or merged, the nodes get new numbers: a row of a new segment that
/// equals a node of one that is gone takes over its links, and is not linked anew.</para>
/// </remarks>
internal sealed class PartitionGraph(int dimensions, GraphOptions graphOptions, int from)
{
    /// <summary>Below so many times fewer vectors than one is built for, a graph is let go.</summary>
    private const int Hysteresis = 2;

    /// <summary>Where more than one in so many nodes died since the last time, all links are looked through at once.</summary>
    private const int SweepAbove = 20;

    private readonly GraphLocks _locks = new();
    private readonly VectorShape _shape = new(dimensions, Similarity.Cosine, StoredPrecision.Half);
    private State? _state;

    public int Dimensions => dimensions;

    public long Bytes => Current?.Graph.Bytes ?? 0;

    public State? Current => Volatile.Read(ref _state);

    /// <summary>Takes over what was read from a file.</summary>
    public void Restore(State state) => Volatile.Write(ref _state, state);

    /// <summary>Links what is new in the parts, repairs what died, and makes place where that is due.</summary>
    /// <param name="parts">All segments' vectors; bits that are not set are of deleted chunks.</param>
    /// <exception cref="OperationCanceledException">What was done until then holds.</exception>
    public void Tend(IReadOnlyList<VectorPart> parts, int threads, CancellationToken cancellationToken)
    {
        var living = parts.Sum(part => (long)part.Living);
        var state = Current;
        if (living < (state is null ? from : from / Hysteresis) || living == 0)
        {
            Volatile.Write(ref _state, null);
            return;
        }

        state ??= new State(new HnswGraph(new VectorRows(_shape), graphOptions), [], []);
        if (!TryPlace(state, parts, out var placed))
        {
            state = Renumbered(state, parts, cancellationToken);
            if (!TryPlace(state, parts, out placed))
            {
                throw new InvalidOperationException("Nodes that were just numbered do not fit.");
            }
        }

        state = Repaired(state, parts, cancellationToken);
        Link(state, placed, parts, threads, cancellationToken);
    }

    /// <summary>Offers the best k at least; with each the number of its part and its row.</summary>
    public static void Search(State? state, VectorQuery query, ReadOnlySpan<VectorPart> parts, int k, int ef, Action<int, int, double> offer, SearchWay? forced = null)
    {
        var bits = new ulong[Bitmap.WordsFor(state?.End ?? 0)];
        var any = false;
        for (var p = 0; p < parts.Length; p++)
        {
            var part = parts[p];
            var number = p;
            var linked = state?.PlaceOf(part.Vectors) is { } place ? Math.Min(place.Count, part.Count) : 0;
            if (linked == 0)
            {
                part.Vectors.Search(query, part.Count, part.Allowed, k, (row, score) => offer(number, row, score));
                continue;
            }

            any = true;
            part.CopyBits(bits.AsSpan(state!.PlaceOf(part.Vectors)!.First >> 6), linked);
            if (linked < part.Count)
            {
                part.Vectors.Search(query, part.Count, part.From(linked), k, (row, score) => offer(number, row, score));
            }
        }

        if (any)
        {
            var numbers = NumbersOf(state!, parts);
            GraphSearch.Search(state!.Graph, query, state.End, bits, k, ef, (node, score) =>
            {
                var place = state.PlaceAt(node);
                offer(numbers[place], node - state.Placed[place].First, score);
            }, forced);
        }
    }

    /// <summary>By place the number of the part that is there, or -1.</summary>
    private static int[] NumbersOf(State state, ReadOnlySpan<VectorPart> parts)
    {
        var numbers = new int[state.Placed.Length];
        numbers.AsSpan().Fill(-1);
        for (var p = 0; p < parts.Length; p++)
        {
            for (var i = 0; i < numbers.Length; i++)
            {
                numbers[i] = state.Placed[i].Vectors == parts[p].Vectors ? p : numbers[i];
            }
        }

        return numbers;
    }

    /// <summary>Where the parts' rows are to be, grown and new ones included; false where they cannot be, or a placed one is gone.</summary>
    private static bool TryPlace(State state, IReadOnlyList<VectorPart> parts, out Placed[] placed)
    {
        var all = state.Placed.ToList();
        for (var i = 0; i < all.Count; i++)
        {
            var part = parts.FirstOrDefault(part => part.Vectors == all[i].Vectors);
            var end = all[i].First + (part?.Count ?? 0);
            if (part is null || (i + 1 < all.Count && end > all[i + 1].First))
            {
                placed = [];
                return false;
            }

            all[i] = all[i] with { Count = Math.Max(all[i].Count, part.Count) };
        }

        foreach (var part in parts)
        {
            if (all.All(place => place.Vectors != part.Vectors))
            {
                all.Add(new Placed(part.Vectors, all.Count == 0 ? 0 : RoundUp(all[^1].First + all[^1].Count), part.Count));
            }
        }

        placed = [.. all];
        return true;
    }

    private static int RoundUp(int row) => (row + VectorBlock.Rows - 1) / VectorBlock.Rows * VectorBlock.Rows;

    /// <summary>The nodes that hold no living chunk.</summary>
    private static ulong[] DeadOf(Placed[] placed, IReadOnlyList<VectorPart> parts)
    {
        var dead = new ulong[placed.Length == 0 ? 0 : Bitmap.WordsFor(placed[^1].First + placed[^1].Count)];
        foreach (var place in placed)
        {
            var living = new ulong[Bitmap.WordsFor(place.Count)];
            parts.FirstOrDefault(part => part.Vectors == place.Vectors)?.CopyBits(living, place.Count);
            for (var i = 0; i < living.Length; i++)
            {
                dead[(place.First >> 6) + i] = ~living[i];
            }
        }

        return dead;
    }

    /// <summary>A graph of the living alone, numbered as the parts are now.</summary>
    private static State Renumbered(State state, IReadOnlyList<VectorPart> parts, CancellationToken cancellationToken)
    {
        var rows = new VectorRows(state.Graph.Rows.Shape);
        var places = new List<Placed>();
        var first = 0;
        foreach (var part in parts)
        {
            places.Add(new Placed(part.Vectors, first, part.Count));
            rows.Adopt(part.Vectors.Rows, first);
            first = RoundUp(first + part.Count);
        }

        var (numbers, linked) = NodeMoves.Of(state, places, parts);
        var dead = new ulong[Bitmap.WordsFor(state.End)];
        for (var node = 0; node < numbers.Length; node++)
        {
            if (numbers[node] < 0)
            {
                Bitmap.Add(dead, node);
            }
        }

        new GraphRepair(state.Graph, new GraphLocks()).Sweep(dead, state.End, cancellationToken);
        var graph = GraphCopy.Of(state.Graph, rows, numbers);
        return new State(graph, [.. places.Select(place => place with { Count = 0 })], []) { Linked = linked };
    }

    /// <summary>Relinks those near nodes that died since the last time.</summary>
    private State Repaired(State state, IReadOnlyList<VectorPart> parts, CancellationToken cancellationToken)
    {
        var dead = DeadOf(state.Placed, parts);
        var died = new List<int>();
        for (var node = 0; node < state.End; node++)
        {
            if (Bitmap.Has(dead, node) && (node >> 6 >= state.Dead.Length || !Bitmap.Has(state.Dead, node)) && state.Graph.Rows.Table.Has(node))
            {
                died.Add(node);
            }
        }

        if (died.Count == 0)
        {
            return state;
        }

        var repair = new GraphRepair(state.Graph, _locks);
        if (died.Count * SweepAbove > state.End)
        {
            repair.Sweep(dead, state.End, cancellationToken);
        }
        else
        {
            foreach (var node in died)
            {
                cancellationToken.ThrowIfCancellationRequested();
                repair.Remove(node, dead);
            }
        }

        var repaired = state with { Dead = dead };
        Volatile.Write(ref _state, repaired);
        return repaired;
    }

    /// <summary>Links the rows that are not linked yet, place by place, and lets each be walked through when all of it is.</summary>
    private void Link(State state, Placed[] placed, IReadOnlyList<VectorPart> parts, int threads, CancellationToken cancellationToken)
    {
        var writer = new GraphWriter(state.Graph, _locks);
        for (var i = 0; i < placed.Length; i++)
        {
            var place = placed[i];
            var part = parts.First(part => part.Vectors == place.Vectors);
            state.Graph.Rows.Adopt(place.Vectors.Rows, place.First);
            var from = i < state.Placed.Length ? state.Placed[i].Count : 0;
            var wanted = new ulong[Bitmap.WordsFor(place.First + place.Count)];
            part.CopyBits(wanted.AsSpan(place.First >> 6), place.Count);
            for (var row = from; row < place.Count; row++)
            {
                var node = place.First + row;
                if (!state.Graph.Rows.Table.Has(node) || (node >> 6 < state.Linked.Length && Bitmap.Has(state.Linked, node)))
                {
                    wanted[node >> 6] &= ~(1UL << node);
                }
            }

            var done = GraphBuilder.Add(state.Graph, _locks, writer, place.First + from, place.First + place.Count, wanted, threads, cancellationToken) - place.First;
            Placed[] reached = [.. placed[..i], place with { Count = done }, .. state.Placed.Skip(i + 1)];
            state = state with { Placed = reached };
            Volatile.Write(ref _state, state);
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <param name="First">The node of row 0; a multiple of <see cref="VectorBlock.Rows"/>.</param>
    /// <param name="Count">Rows below this are linked, if they have a vector that lived when they were.</param>
    internal sealed record Placed(FlatVectors Vectors, int First, int Count);

    /// <summary>What a search walks through. The graph grows meanwhile; the rest does not change.</summary>
    /// <param name="Placed">In the order of nodes.</param>
    /// <param name="Dead">The nodes whose neighbours were relinked.</param>
    internal sealed record State(HnswGraph Graph, Placed[] Placed, ulong[] Dead)
    {
        /// <summary>Nodes beyond what <see cref="Placed"/> tells that came with links of their own.</summary>
        public ulong[] Linked { get; init; } = [];

        public int End => Placed.Length == 0 ? 0 : Placed[^1].First + Placed[^1].Count;

        public Placed? PlaceOf(FlatVectors vectors) => Array.Find(Placed, place => place.Vectors == vectors);

        public int PlaceAt(int node) => Array.FindLastIndex(Placed, place => place.First <= node);
    }
}
