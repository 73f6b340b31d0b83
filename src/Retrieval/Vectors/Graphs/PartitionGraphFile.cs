using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Segments;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>A partition's graph as a file beside those of its segments; the vectors are in theirs.</summary>
internal static class PartitionGraphFile
{
    public const string Extension = "graph";

    /// <summary>Null where the graph is over nothing, or over segments that the snapshot does not have.</summary>
    public static SegmentFile? TryWrite(string directory, int dimensions, PartitionGraph.State state, IReadOnlyList<SegmentView> views)
    {
        // A segment of vectors without direction comes back without vectors.
        var placed = state.Placed.Where(place => Enumerable.Range(0, place.Count).Any(place.Vectors.Rows.Table.Has)).ToArray();
        if (placed.Length == 0)
        {
            return null;
        }

        var places = new SectionWriter(Section.GraphPlaces);
        places.Number(dimensions);
        places.Number(placed.Length);
        foreach (var place in placed)
        {
            var number = 0;
            while (number < views.Count && views[number].Segment.VectorsOf(dimensions) != place.Vectors)
            {
                number++;
            }

            if (number == views.Count || place.Count > views[number].Count)
            {
                return null;
            }

            places.Number(number);
            places.Number(place.First / VectorBlock.Rows);
            places.Number(place.Count);
        }

        return SectionedFile.Write(directory, Extension, [places, .. GraphSections.Write(state.Graph, placed[^1].First + placed[^1].Count)]);
    }

    /// <exception cref="SegmentCorruptException">It is not the graph of these segments.</exception>
    public static (int Dimensions, PartitionGraph.State State) Read(string directory, SegmentFile file, IReadOnlyList<SegmentView> views)
    {
        var sections = SectionedFile.Read(directory, file);
        var reader = SegmentFileReader.Open(file, sections, Section.GraphPlaces);
        var dimensions = reader.Number(VectorMath.MaxDimensions);
        var rows = new VectorRows(new VectorShape(dimensions, Similarity.Cosine, StoredPrecision.Half));
        var places = new List<PartitionGraph.Placed>();
        var end = 0;

        // A file that says otherwise is not to make a table of any size.
        var most = views.Sum(view => (long)view.Count + VectorBlock.Rows);
        for (var left = reader.Number(views.Count); left > 0; left--)
        {
            var view = views[reader.Number(views.Count - 1)];
            var first = reader.Number((int.MaxValue / VectorBlock.Rows) - 1) * VectorBlock.Rows;
            var count = reader.Number(view.Count);
            if (first < end || first > most || view.Segment.VectorsOf(dimensions) is not { } vectors || places.Exists(place => place.Vectors == vectors))
            {
                throw reader.Corrupt("A segment is not where the graph says, or has no such vectors.");
            }

            places.Add(new PartitionGraph.Placed(vectors, first, count));
            rows.Adopt(vectors.Rows, first);
            end = first + count;
        }

        reader.ExpectEnd();
        if (end == 0)
        {
            throw reader.Corrupt("It is a graph of nothing.");
        }

        var graph = GraphSections.Read(SegmentFileReader.Open(file, sections, Section.Graph), SegmentFileReader.Open(file, sections, Section.GraphLinks), rows, end);
        return (dimensions, new PartitionGraph.State(graph, [.. places], []));
    }
}
