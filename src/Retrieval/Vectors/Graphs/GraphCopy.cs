namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>Copies a graph under other numbers: nodes that get none are left out. No vector is compared.</summary>
internal static unsafe class GraphCopy
{
    /// <param name="rows">The same vectors where the new numbers say.</param>
    /// <param name="numbers">By node its new number, or -1. No living node may lead to one that is left out, or its links get fewer: see <see cref="GraphRepair.Sweep"/>.</param>
    public static HnswGraph Of(HnswGraph graph, VectorRows rows, ReadOnlySpan<int> numbers)
    {
        var copy = new HnswGraph(rows, graph.Options);
        var space = graph.Space();
        var places = PlacesOf(graph, copy, space, numbers);
        foreach (var number in numbers)
        {
            if (number >= 0)
            {
                copy.Base.Open(number);
            }
        }

        var target = copy.Space();
        for (var node = 0; node < Math.Min(numbers.Length, space.BaseIds); node++)
        {
            if (numbers[node] >= 0 && graph.Base.Has(node))
            {
                Copy(space.BaseLinks(node), target.BaseLinks(numbers[node]), space.BaseWidth, numbers);
            }
        }

        for (var place = 0; place < places.Length; place++)
        {
            for (var level = 1; places[place] >= 0 && level <= space.Owners.Places.LevelOf(place); level++)
            {
                Copy(space.Links(level, place), target.Links(level, places[place]), space.WidthOf(level), places);
            }
        }

        copy.Entry = EntryOf(graph, copy, numbers);
        space.KeepAlive();
        target.KeepAlive();
        return copy;
    }

    private static int[] PlacesOf(HnswGraph graph, HnswGraph copy, in GraphSpace space, ReadOnlySpan<int> numbers)
    {
        var places = new int[Math.Min(graph.Upper.Count, space.UpperIds)];
        for (var place = 0; place < places.Length; place++)
        {
            var node = space.NodeOf(1, place);
            places[place] = node < numbers.Length && numbers[node] >= 0 ? copy.Upper.Add(numbers[node], space.Owners.Places.LevelOf(place)) : -1;
        }

        return places;
    }

    private static void Copy(int* from, int* to, int width, ReadOnlySpan<int> numbers)
    {
        var count = 0;
        for (var i = 0; i < width; i++)
        {
            if (from[i] >= 0 && from[i] < numbers.Length && numbers[from[i]] >= 0)
            {
                to[count++] = numbers[from[i]];
            }
        }
    }

    /// <summary>The entry, if it was copied; else the highest node.</summary>
    private static HnswGraph.EntryPoint? EntryOf(HnswGraph graph, HnswGraph copy, ReadOnlySpan<int> numbers)
    {
        HnswGraph.EntryPoint? best = null;
        var places = copy.Upper.Places;
        if (graph.Entry is { } entry && entry.Node < numbers.Length && numbers[entry.Node] is >= 0 and var node)
        {
            return new HnswGraph.EntryPoint(node, copy.Upper.PlaceOf(node), entry.Level);
        }

        for (var place = 0; place < copy.Upper.Count; place++)
        {
            best = best is null || places.LevelOf(place) > best.Level ? new HnswGraph.EntryPoint(places.Nodes[place], place, places.LevelOf(place)) : best;
        }

        foreach (var number in numbers)
        {
            best ??= number >= 0 ? new HnswGraph.EntryPoint(number, -1, 0) : null;
        }

        return best;
    }
}
