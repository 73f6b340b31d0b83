namespace RagCluster.Retrieval.Tests.Evaluation;

/// <summary>One setting for all collections, and on each of them at least what Lucene 8.7 with its English analyzer reaches.</summary>
public class RelevanceTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("cacm", 0.494)]
    [InlineData("cisi", 0.385)]
    [InlineData("adi", 0.486)]
    [InlineData("insuranceqa", 0.404)]
    public void Lexical_ranking_is_at_least_as_good_as_Lucenes(string name, double lucene)
    {
        var collection = Collection.Read(name);
        var (ndcg, map, recall) = collection.Evaluate(collection.Index().Reader);
        output.WriteLine($"{name}: {collection.Documents.Count} documents, {collection.Queries.Count} queries, nDCG@10 {ndcg:F4}, MAP {map:F4}, R@100 {recall:F4}");
        ndcg.ShouldBeGreaterThanOrEqualTo(lucene);
    }
}
