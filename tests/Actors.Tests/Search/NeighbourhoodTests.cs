using RagCluster.Actors.Search;
using RagCluster.Messages;

namespace RagCluster.Actors.Tests.Search;

/// <summary>What stands beside a passage: read in order, nothing twice, and every span exactly where it says (I8).</summary>
public sealed class NeighbourhoodTests
{
    private const string Text = "Zero is first. One is next. Two is here. Three comes. Four ends.";

    private static readonly (int Start, int End)[] Spans = [(0, 14), (15, 27), (28, 40), (41, 53), (54, 64)];

    [Fact]
    public void Runs_of_adjacent_passages_stand_where_their_best_stands_in_the_order_of_the_document()
    {
        Ids(Neighbourhood.Merge([Hit(3), Hit(1), Hit(0, "other")], All(), 1, 1000)).ShouldBe(["d#0", "d#1", "d#2", "d#3", "d#4", "other#0"]);
        Ids(Neighbourhood.Merge([Hit(0, "other"), Hit(4), Hit(0)], All(), 1, 1000)).ShouldBe(["other#0", "d#3", "d#4", "d#0", "d#1"]);
        Ids(Neighbourhood.Merge([Hit(2)], [], 2, 1000)).ShouldBe(["d#2"]);
    }

    [Fact]
    public void The_best_passages_neighbours_come_first_as_far_as_there_is_room()
    {
        Ids(Neighbourhood.Merge([Hit(2), Hit(0)], All(), 2, 4)).ShouldBe(["d#2", "d#3", "d#0"]);
        Ids(Neighbourhood.Merge([Hit(2)], All(), 2, 0)).ShouldBe(["d#2"]);

        // The nearer one is missing: what is behind it would stand there without connection.
        Ids(Neighbourhood.Merge([Hit(0)], All().Where(p => p.Ordinal != 1), 2, 1000)).ShouldBe(["d#0"]);
    }

    [Fact]
    public void What_overlaps_is_read_once_and_its_span_stays_exact()
    {
        var merged = Neighbourhood.Merge([Hit(1)], [P(0, "d", 0, 14), P(2, "d", 15, 40), P(3, "d", 28, 40)], 2, 1000);
        merged.Select(p => p.Passage.Text).ShouldBe(["Zero is first.", "One is next.", "Two is here."]);
        merged.ShouldAllBe(p => Text.Substring(p.Passage.Start, p.Passage.End - p.Passage.Start) == p.Passage.Text);
    }

    private static IEnumerable<Passage> All() => Enumerable.Range(0, 5).Select(i => P(i, "d", Spans[i].Start, Spans[i].End));

    private static ScoredPassage Hit(int ordinal, string document = "d") => new(P(ordinal, document, Spans[ordinal].Start, Spans[ordinal].End), 1);

    private static Passage P(int ordinal, string document, int start, int end) => new(DocumentId.Of(document), 1, ordinal, start, end, Text[start..end]);

    private static IEnumerable<string> Ids(IEnumerable<ScoredPassage> passages) => passages.Select(p => $"{p.Passage.Document}#{p.Passage.Ordinal}");
}
