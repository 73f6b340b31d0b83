using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Tests.Index;

public class MetadataFilterTests
{
    private static readonly PartitionIndex s_index = Filled();

    [Theory]
    [InlineData("5,7", null, null, false, "5,7")]
    [InlineData(null, "5", "7.5", false, "5,7,6.5")]
    [InlineData(null, "5", null, false, "5,7,6.5,1e1,-9,10", "-9")]
    [InlineData(null, null, "-1", false, "-9")]
    [InlineData(null, "5", "7", true, "none,-9,10,1e1,2024-03-15,2024-03-15T10:00:00Z,2024-04-01,words")]
    [InlineData(null, "2024-03-15", "2024-03-15", false, "2024-03-15,2024-03-15T10:00:00Z")]
    [InlineData(null, "2024-03", "2024-04", false, "2024-03-15,2024-03-15T10:00:00Z,2024-04-01")]
    [InlineData(null, "2024-03-16T00:00:00+02:00", null, false, "2024-04-01")]
    [InlineData(null, "5", "2024-03-15", false, "")]
    [InlineData(null, "words", null, false, "")]
    [InlineData(null, null, null, true, "none")]
    [InlineData("5,6.5,words", "6", "9", false, "6.5")]
    public void Values_are_compared_as_numbers_or_as_dates(string? only, string? from, string? to, bool not, string expected, string without = "")
    {
        var condition = new MetadataCondition("v") { In = only?.Split(','), From = from, To = to, Not = not };
        var filter = SearchFilter.None with { Conditions = [condition] };
        var found = s_index.Reader.Find("premium", Embedding.Of([1]), s_index.Reader.Statistics("premium"), RoleSet.Empty, filter, 100);
        var wanted = expected.Split(',', StringSplitOptions.RemoveEmptyEntries).Except(without.Split(',')).Order(StringComparer.Ordinal).ToList();
        found.Lexical.Select(p => p.Passage.Document.Value).Order(StringComparer.Ordinal).ShouldBe(wanted);
        found.Vector.Select(p => p.Passage.Document.Value).Order(StringComparer.Ordinal).ShouldBe(wanted);
    }

    [Fact]
    public void Values_are_counted_among_what_is_found_and_may_be_read()
    {
        var index = new PartitionIndex(new IndexOptions { MaxSegmentChunks = 4 });
        for (var i = 0; i < 30; i++)
        {
            var readers = i % 5 == 0 ? RoleSet.Of("adviser") : RoleSet.Empty;
            var metadata = new Dictionary<string, string> { ["product"] = i % 3 == 0 ? "annuity" : "life", ["secret"] = i % 5 == 0 ? "yes" : "no" };
            index.Apply(Samples.Indexed($"d{i}", 1, "", readers, metadata, Samples.Chunk(0, i % 2 == 0 ? "premium" : "loan", [1])));
        }

        index.Apply(new ChunksRemoved(new DocumentId("d2"), 1));
        Count("premium", RoleSet.Empty).ShouldBe("product: life 7, annuity 4; secret: no 11; none: ");
        Count("premium", RoleSet.Of("adviser")).ShouldBe("product: life 9, annuity 5; secret: no 11, yes 3; none: ");
        Count("", RoleSet.Empty).ShouldBe("product: life 15, annuity 8; secret: no 23; none: ");

        string Count(string query, RoleSet roles)
        {
            var find = new FindPassages(query, null, index.Reader.Statistics(query), roles, SearchFilter.None, 0) { Facets = ["product", "secret", "none"] };
            return string.Join("; ", index.Reader.Find(find).Facets!.Select(f => $"{f.Key}: {string.Join(", ", f.Value.Select(v => $"{v.Value} {v.Count}"))}"));
        }
    }

    private static PartitionIndex Filled()
    {
        var index = new PartitionIndex(new IndexOptions { MaxSegmentChunks = 5 });
        foreach (var value in new[] { "5", "7", "6.5", "1e1", "10", "-9", "2024-03-15", "2024-03-15T10:00:00Z", "2024-04-01", "words" })
        {
            index.Apply(Samples.Indexed(value, 1, "", RoleSet.Empty, new Dictionary<string, string> { ["v"] = value, ["v2"] = "5" }, Samples.Chunk(0, "premium", [1])));
        }

        index.Apply(Samples.Indexed("none", 1, "", RoleSet.Empty, Samples.NoMetadata, Samples.Chunk(0, "premium", [1])));
        return index;
    }
}
