using RagCluster.Messages;
using RagCluster.Retrieval.Fusion;

namespace RagCluster.Retrieval.Tests.Fusion;

/// <summary>Two rankings become one: by the published formula, and the same way each time.</summary>
public class FusionTests
{
    [Fact]
    public void Reciprocal_ranks_add_up()
    {
        var fused = ReciprocalRankFusion.Fuse([new Ranking([P("a", 9), P("b", 8)]), new Ranking([P("b", 0.9), P("c", 0.1)], Weight: 0.5)], 10);
        fused.Ids().ShouldBe(["b@1#0", "a@1#0", "c@1#0"]);
        fused[0].Score.ShouldBe((1.0 / 62) + (0.5 / 61), 1e-15);
        fused[1].Score.ShouldBe(1.0 / 61, 1e-15);
        fused[2].Score.ShouldBe(0.5 / 62, 1e-15);
    }

    [Fact]
    public void Equal_scores_are_in_the_order_of_chunk_ids()
    {
        ReciprocalRankFusion.Fuse([new Ranking([P("b", 1)]), new Ranking([P("a", 1)])], 10).Ids().ShouldBe(["a@1#0", "b@1#0"]);
        ReciprocalRankFusion.Merge([[P("b", 1)], [P("a", 1), P("c", 0.5)]], 2).Ids().ShouldBe(["a@1#0", "b@1#0"]);
    }

    [Fact]
    public void Marginal_relevance_puts_variety_before_more_of_the_same()
    {
        ScoredPassage[] ranking = [P("a1", 10), P("a2", 9), P("b1", 6)];
        double Same(Passage x, Passage y) => x.Document.Value[0] == y.Document.Value[0] ? 1 : 0;
        Mmr.Rerank(ranking, Same, 3, lambda: 0.5).Ids().ShouldBe(["a1@1#0", "b1@1#0", "a2@1#0"]);
        Mmr.Rerank(ranking, Same, 2, lambda: 1).Ids().ShouldBe(["a1@1#0", "a2@1#0"]);
        Mmr.Rerank([], Same, 2).ShouldBeEmpty();
    }

    private static ScoredPassage P(string document, double score) => new(new Passage(new DocumentId(document), 1, 0, 0, 1, "x"), score);
}
