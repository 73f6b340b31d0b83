using RagCluster.Messages;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Fusion;

namespace RagCluster.Retrieval.Tests.Fusion;

/// <summary>What a hybrid search ranks by: a part that is off by a factor moves every answer.</summary>
public class EvidenceFusionTests
{
    private static readonly FusionWeights Nothing = new() { Vector = 0, Order = 0, Nearness = 0, Similar = 0, Adjacent = 0 };

    [Fact]
    public void Scores_are_shares_of_the_best_and_cosines_count_from_the_least()
    {
        var parts = Fuse(Nothing with { Vector = 0.25 }, "x", C("a", 10, 0.5), C("b", 5, 0.3), C("c", 0, 0.4), C("d", 2, null));
        parts.Select(p => Math.Round(p.Lexical, 12)).ShouldBe([0.75, 0.375, 0, 0.15]);
        parts.Select(p => Math.Round(p.Vector, 12)).ShouldBe([0.25, 0, 0.125, 0]);
        parts.ShouldAllBe(p => Math.Abs(p.Score - p.Lexical - p.Vector) < 1e-12);
    }

    [Fact]
    public void A_single_passage_has_the_whole_weight_and_none_give_none()
    {
        Fuse(FusionWeights.Default, "x", C("a", 3, 0.3)).Single().Score.ShouldBe(1, 1e-12);
        Fuse(FusionWeights.Default, "x", C("a", 3, null)).Single().Score.ShouldBe(1 - FusionWeights.Default.Vector, 1e-12);
        Fuse(FusionWeights.Default, "x", C("a", 0, -0.2)).Single().Score.ShouldBe(0);
        Fuse(FusionWeights.Default, "x").ShouldBeEmpty();
    }

    [Fact]
    public void Similar_passages_of_other_documents_lift_each_other_and_those_of_the_same_do_not()
    {
        // b is like the best one; c is like neither; a's second chunk is the same text, and no news.
        var parts = Fuse(
            Nothing with { Similar = 0.5 }, "x",
            C("a", 10, null, vector: [1, 0]), C("b", 5, null, vector: [0.6f, 0.8f]), C("c", 5, null, vector: [0, -1]), C("a", 5, null, ordinal: 5, vector: [1, 0]));
        parts[0].Context.ShouldBe(0.5 * 0.5, 1e-3);
        parts[1].Context.ShouldBe(0.5 * (1 + 0.5) / 2, 1e-3);
        parts[2].Context.ShouldBe(0);
        parts[3].Context.ShouldBe(0.5 * 0.5, 1e-3);
    }

    [Fact]
    public void The_better_of_the_passages_beside_it_lifts_a_passage()
    {
        var parts = Fuse(Nothing with { Adjacent = 0.2 }, "x", C("a", 10, null, ordinal: 2), C("a", 4, null, ordinal: 3), C("a", 5, null, ordinal: 4), C("b", 1, null, ordinal: 3));
        parts.Select(p => Math.Round(p.Context, 12)).ShouldBe([0.08, 0.2, 0.08, 0]);
    }

    [Theory]
    [InlineData("surrender value of a policy", "The surrender value is paid.", 1, 1)]
    [InlineData("surrender value of a policy", "The value after a surrender is paid.", 0, 0.5773)]
    [InlineData("surrender value of a policy", "Surrender it now, and nobody will ever in his life come and ask what value it had.", 0, 0)]
    [InlineData("surrender value of a policy", "Surrender. Surrender cash value of it.", 1, 0.7071)]
    [InlineData("surrender", "Surrender, surrender.", 0, 0)]
    public void Words_near_each_other_count_by_their_least_distance(string query, string text, double order, double nearness)
    {
        // Both words weigh the same, the third nothing: a pair has half of the weight of the query.
        var terms = new TermStatistics(100, new Dictionary<string, long>(), new Dictionary<string, long> { ["surrend"] = 10, ["valu"] = 10 });
        var proximity = new QueryProximity(query, terms).Of(P("a", 0, text));
        proximity.Order.ShouldBe(order / 2, 1e-3);
        proximity.Nearness.ShouldBe(nearness / 2, 1e-3);
    }

    private static IReadOnlyList<FusedParts> Fuse(FusionWeights weights, string query, params Candidate[] candidates) =>
        EvidenceFusion.Of(candidates, new QueryProximity(query, new TermStatistics(0, new Dictionary<string, long>(), new Dictionary<string, long>()))).Parts(weights);

    private static Candidate C(string document, double lexical, double? cosine, int ordinal = 0, float[]? vector = null) =>
        new(P(document, ordinal, "text"), lexical, cosine, vector is null ? null : Embedding.Of(vector));

    private static Passage P(string document, int ordinal, string text) => new(new DocumentId(document), 1, ordinal, 0, text.Length, text);
}
