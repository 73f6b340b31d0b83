using System.Text.Json;
using RagCluster.Nodes.Evaluation;

namespace RagCluster.Nodes.Tests.Evaluation;

public sealed class ComparisonTests
{
    [Fact]
    public void Few_differences_are_tried_in_every_combination_of_signs()
    {
        RandomisationTest.P([0.1, 0.2, 0.3, 0.4]).ShouldBe(2 / 16.0);
        RandomisationTest.P([0.1, 0, 0.2, 0.3, 0, 0.4]).ShouldBe(2 / 16.0, "queries without a difference say nothing");
        RandomisationTest.P([0.5, -0.5]).ShouldBe(1);
        RandomisationTest.P([0, 0]).ShouldBe(1);
        RandomisationTest.P([]).ShouldBe(1);
    }

    [Fact]
    public void Many_differences_are_sampled()
    {
        // 60 against 40 of the same size: the sign test's two-sided probability, from the binomial distribution, is 0.0569.
        var differences = Enumerable.Range(0, 100).Select(i => i < 60 ? 0.1 : -0.1).ToArray();
        RandomisationTest.P(differences).ShouldBe(0.0569, 0.01);
        RandomisationTest.P([.. Enumerable.Repeat(0.1, 100)]).ShouldBe(1 / 10001.0, 1e-9);
        RandomisationTest.P(differences).ShouldBe(RandomisationTest.P(differences), "the same files give the same figure");
    }

    [Fact]
    public void Two_results_are_compared_over_the_queries_that_both_have()
    {
        using var folder = new TestFolder();
        var first = folder.Write("a.json", Result(("q1", 0.2), ("q2", 0.4), ("q3", 0.9)));
        var second = folder.Write("b.json", Result(("q2", 0.6), ("q1", 0.1), ("q4", 0.9)));
        var comparison = Comparison.Of(first, second);
        comparison.Unpaired.ShouldBe(2);
        var measure = comparison.Measures.ShouldHaveSingleItem();
        measure.First.ShouldBe(0.3, 1e-9);
        measure.Second.ShouldBe(0.35, 1e-9);
        (measure.Name, measure.Queries, measure.Better, measure.Worse).ShouldBe(("ndcg10", 2, 1, 1));
        using var json = JsonDocument.Parse(comparison.ToJson());
        json.RootElement.GetProperty("measures").GetProperty("ndcg10").GetProperty("difference").GetDouble().ShouldBe(0.05, 1e-9);
        using var table = new StringWriter();
        comparison.Write(table);
        table.ToString().ShouldContain("ndcg10    0.3000   0.3500     +0.0500");
        table.ToString().ShouldContain("2 queries are in one of them only");
    }

    [Fact]
    public void What_cannot_be_compared_is_refused()
    {
        using var folder = new TestFolder();
        var good = folder.Write("a.json", Result(("q1", 0.2)));
        Should.Throw<InvalidDataException>(() => Comparison.Of(good, folder.Write("b.json", Result(("q2", 0.2))))).Message.ShouldContain("no query in common");
        Should.Throw<InvalidDataException>(() => Comparison.Of(good, folder.Write("c.json", "{}"))).Message.ShouldContain("c.json is no result");
        Should.Throw<InvalidDataException>(() => Comparison.Of(good, folder.Write("d.json", "docs 3"))).Message.ShouldContain("d.json is no result");
        Should.Throw<InvalidDataException>(() => Comparison.Of(good, good + ".gone")).Message.ShouldContain("is not there");
    }

    private static string Result(params (string Id, double Value)[] queries) => new EvaluationResult(
        "retrieval",
        "set",
        DateTimeOffset.UnixEpoch,
        new Dictionary<string, string>(),
        [],
        [.. queries.Select(q => new MeasuredQuery(q.Id, new Dictionary<string, double> { ["ndcg10"] = q.Value }))]).ToJson();
}
