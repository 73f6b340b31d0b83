using System.Runtime.InteropServices;
using RagCluster.Retrieval.Segments;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>
/// A graph as two sections of an index file. The vectors are not in them: they belong to the rows that the graph is
/// over, and are what the sections are checked against when they are read.
/// </summary>
internal static unsafe class GraphSections
{
    /// <summary>Writes the graph of the nodes below <paramref name="nodes"/>. Others may add meanwhile: links to later nodes are left out.</summary>
    public static SectionWriter[] Write(HnswGraph graph, int nodes)
    {
        var space = graph.Space();
        var places = Math.Min(graph.Upper.Count, space.UpperIds);
        var kept = Enumerable.Range(0, places).Where(place => space.NodeOf(1, place) < nodes).ToArray();
        var numbers = new int[places];
        numbers.AsSpan().Fill(-1);
        for (var i = 0; i < kept.Length; i++)
        {
            numbers[kept[i]] = i;
        }

        var upper = new SectionWriter(Section.Graph);
        upper.Number(graph.Options.M);
        upper.Number(graph.Options.EfConstruction);
        upper.Fixed((uint)graph.Options.Seed);
        upper.Fixed((uint)(graph.Options.Seed >> 32));
        upper.Number(nodes);
        upper.Number(kept.Length);
        foreach (var place in kept)
        {
            upper.Number(space.NodeOf(1, place));
            upper.Number(space.Owners.Places.LevelOf(place));
            for (var level = 1; level <= space.Owners.Places.LevelOf(place); level++)
            {
                var links = new ReadOnlySpan<int>(space.Links(level, place), space.WidthOf(level)).ToArray().Where(to => to >= 0 && to < places && numbers[to] >= 0).ToArray();
                upper.Number(links.Length);
                foreach (var to in links)
                {
                    upper.Number(numbers[to]);
                }
            }
        }

        var entry = EntryAmong(graph, space, kept, nodes);
        upper.Signed(entry is null ? -1 : entry.Node);
        var lowest = new SectionWriter(Section.GraphLinks);
        var row = new int[space.BaseWidth];
        for (var node = 0; node < nodes; node++)
        {
            row.AsSpan().Fill(-1);
            var count = 0;
            foreach (var to in node < space.BaseIds && graph.Base.Has(node) ? new ReadOnlySpan<int>(space.BaseLinks(node), row.Length) : [])
            {
                if (to >= 0 && to < nodes)
                {
                    row[count++] = to;
                }
            }

            lowest.Bytes(MemoryMarshal.AsBytes<int>(row));
        }

        space.KeepAlive();
        return [upper, lowest];
    }

    /// <summary>Reads a graph over rows that are there.</summary>
    /// <exception cref="SegmentCorruptException">The sections are not those of a graph over these rows.</exception>
    public static HnswGraph Read(SectionReader reader, SectionReader lowest, VectorRows rows, int nodes)
    {
        var table = rows.Table;
        var options = new GraphOptions
        {
            M = reader.Number(GraphOptions.MostLinks),
            EfConstruction = reader.Number(GraphOptions.MostEfConstruction),
            Seed = reader.Fixed() | ((ulong)reader.Fixed() << 32),
        };
        if (options.M < 2 || options.EfConstruction < 1 || reader.Number(int.MaxValue) != nodes)
        {
            throw reader.Corrupt("It is the graph of other vectors.");
        }

        var graph = new HnswGraph(rows, options);
        var links = ReadUpper(ref reader, graph, table, nodes);
        var entry = reader.Signed();
        reader.ExpectEnd();
        ReadLowest(ref lowest, graph, table, nodes);
        Connect(ref reader, graph, links);
        graph.Entry = EntryOf(ref reader, graph, table, entry, nodes);
        return graph;
    }

    /// <summary>The entry, if it is among the nodes that are written; else the highest of them.</summary>
    private static HnswGraph.EntryPoint? EntryAmong(HnswGraph graph, in GraphSpace space, int[] places, int nodes)
    {
        if (graph.Entry is { } entry && entry.Node < nodes && (entry.Place < 0 || entry.Place < space.UpperIds))
        {
            return entry;
        }

        HnswGraph.EntryPoint? best = null;
        foreach (var place in places)
        {
            var level = space.Owners.Places.LevelOf(place);
            best = best is null || level > best.Level ? new HnswGraph.EntryPoint(space.NodeOf(1, place), place, level) : best;
        }

        for (var node = 0; best is null && node < nodes; node++)
        {
            best = space.Owners.Codes.Has(node) ? new HnswGraph.EntryPoint(node, -1, 0) : null;
        }

        return best;
    }

    private static List<int[]> ReadUpper(ref SectionReader reader, HnswGraph graph, RowTable table, int nodes)
    {
        var count = reader.Count();
        var links = new List<int[]>();
        for (var place = 0; place < count; place++)
        {
            var node = reader.Number(int.MaxValue);
            var level = reader.Number(UpperLevels.Most);
            if (node >= nodes || level == 0 || !table.Has(node) || graph.Upper.PlaceOf(node) >= 0)
            {
                throw reader.Corrupt("A node of an upper level has no vector, or is there twice.");
            }

            graph.Upper.Add(node, level);
            for (var on = 1; on <= level; on++)
            {
                var to = new int[reader.Number(graph.Upper.Width)];
                for (var i = 0; i < to.Length; i++)
                {
                    to[i] = reader.Number(count - 1);
                }

                links.Add(to);
            }
        }

        return links;
    }

    /// <summary>Fills in the links of the upper levels, now that it is known who is on which.</summary>
    private static void Connect(ref SectionReader reader, HnswGraph graph, List<int[]> links)
    {
        var (space, next) = (graph.Space(), 0);
        for (var place = 0; place < graph.Upper.Count; place++)
        {
            for (var level = 1; level <= space.Owners.Places.LevelOf(place); level++)
            {
                var to = links[next++];
                foreach (var other in to)
                {
                    if (space.Owners.Places.LevelOf(other) < level)
                    {
                        throw reader.Corrupt("A link leads to a node that is not on its level.");
                    }
                }

                to.CopyTo(new Span<int>(space.Links(level, place), space.WidthOf(level)));
            }
        }

        space.KeepAlive();
    }

    private static void ReadLowest(ref SectionReader lowest, HnswGraph graph, RowTable table, int nodes)
    {
        var width = graph.Base.Width;
        for (var node = 0; node < nodes; node++)
        {
            var links = MemoryMarshal.Cast<byte, int>(lowest.Take(width * sizeof(int)));
            var ended = false;
            foreach (var to in links)
            {
                if (to < -1 || to >= nodes || to == node || (to >= 0 && (ended || !table.Has(to) || !table.Has(node))))
                {
                    throw lowest.Corrupt("A link leads to no vector.");
                }

                ended |= to < 0;
            }

            if (table.Has(node))
            {
                graph.Base.Open(node);
                links.CopyTo(new Span<int>(graph.Space().BaseLinks(node), width));
            }
        }

        lowest.ExpectEnd();
    }

    private static HnswGraph.EntryPoint? EntryOf(ref SectionReader reader, HnswGraph graph, RowTable table, int node, int nodes)
    {
        var places = graph.Upper.Places;
        var place = node < 0 ? -1 : graph.Upper.PlaceOf(node);
        var level = place < 0 ? 0 : places.LevelOf(place);
        if (node < -1 || node >= nodes || (node >= 0 && !table.Has(node)) || (node < 0 && Enumerable.Range(0, nodes).Any(table.Has)))
        {
            throw reader.Corrupt("There is no node to begin with.");
        }

        return node < 0 ? null : new HnswGraph.EntryPoint(node, place, level);
    }
}
