using RagCluster.Retrieval.Evaluation;

namespace RagCluster.Retrieval.Tests.Evaluation;

/// <summary>Figures that are computed wrongly steer every later decision wrongly. The cases are worked out by hand.</summary>
public class RetrievalMetricsTests
{
    private static readonly Dictionary<string, int> Judged = new() { ["a"] = 1, ["b"] = 0, ["c"] = 2 };

    [Fact]
    public void Ndcg_has_linear_gain_and_a_logarithmic_discount()
    {
        var ideal = 2 + (1 / Math.Log2(3));
        RetrievalMetrics.Ndcg(["b", "a", "c"], Judged, 10).ShouldBe(((1 / Math.Log2(3)) + (2 / Math.Log2(4))) / ideal, 1e-12);
        RetrievalMetrics.Ndcg(["c", "a"], Judged, 10).ShouldBe(1, 1e-12);
        RetrievalMetrics.Ndcg(["b", "a", "c"], Judged, 1).ShouldBe(0);
        RetrievalMetrics.Ndcg([], Judged, 10).ShouldBe(0);
        RetrievalMetrics.Ndcg(["b"], new Dictionary<string, int> { ["b"] = 0 }, 10).ShouldBe(0);
    }

    [Fact]
    public void Average_precision_counts_what_was_not_found()
    {
        RetrievalMetrics.AveragePrecision(["b", "a", "c"], Judged).ShouldBe(((1.0 / 2) + (2.0 / 3)) / 2, 1e-12);
        RetrievalMetrics.AveragePrecision(["a"], Judged).ShouldBe(0.5, 1e-12);
        RetrievalMetrics.AveragePrecision(["x"], Judged).ShouldBe(0);
    }

    [Fact]
    public void Reciprocal_rank_and_recall_stop_at_k()
    {
        RetrievalMetrics.ReciprocalRank(["b", "a", "c"], Judged, 10).ShouldBe(0.5);
        RetrievalMetrics.ReciprocalRank(["b", "a", "c"], Judged, 1).ShouldBe(0);
        RetrievalMetrics.Recall(["b", "a", "c"], Judged, 2).ShouldBe(0.5);
        RetrievalMetrics.Recall(["b", "a", "c"], Judged, 100).ShouldBe(1);
    }
}
