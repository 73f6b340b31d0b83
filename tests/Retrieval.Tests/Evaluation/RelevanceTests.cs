using RagCluster.Retrieval.Queries;

namespace RagCluster.Retrieval.Tests.Evaluation;

/// <summary>One setting for all collections, and on each of them at least what Lucene 8.7 with its English analyzer reaches.</summary>
public class RelevanceTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("cacm", 0.494, 0.507)]
    [InlineData("cisi", 0.385, 0.419)]
    [InlineData("adi", 0.486, 0.512)]
    [InlineData("insuranceqa", 0.404, 0.418)]
    public void Lexical_ranking_is_better_than_Lucenes_and_does_not_fall(string name, double lucene, double reached)
    {
        var collection = Collection.Read(name);
        var (ndcg, map, recall) = collection.Evaluate(collection.Index().Reader);
        output.WriteLine($"{name}: {collection.Documents.Count} documents, {collection.Queries.Count} queries, nDCG@10 {ndcg:F4}, MAP {map:F4}, R@100 {recall:F4}");
        ndcg.ShouldBeGreaterThanOrEqualTo(lucene);
        ndcg.ShouldBeGreaterThanOrEqualTo(reached);
    }

    /// <summary>Published for BM25 with RM3 on this collection: MAP 0.3643.</summary>
    [Fact]
    public void Words_of_the_best_passages_lift_a_query_as_far_as_others_report()
    {
        var collection = Collection.Read("cacm");
        var reader = collection.Index().Reader;
        var (plain, expanded) = (collection.Evaluate(reader), collection.Evaluate(reader, new FeedbackOptions()));
        output.WriteLine($"MAP {plain.Map:F4}, with feedback {expanded.Map:F4}");
        expanded.Map.ShouldBeGreaterThanOrEqualTo(0.3643);
        expanded.Map.ShouldBeGreaterThan(plain.Map);
    }
}
