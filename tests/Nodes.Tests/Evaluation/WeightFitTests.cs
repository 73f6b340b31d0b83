using RagCluster.Nodes.Evaluation;
using RagCluster.Retrieval.Fusion;

namespace RagCluster.Nodes.Tests.Evaluation;

/// <summary>Weights that are fitted to chance make search worse: what is printed must be what held-out queries say.</summary>
public class WeightFitTests
{
    [Fact]
    public void What_is_better_for_all_queries_is_found_and_holds_for_those_held_out()
    {
        var fitted = Fit(40, (weights, query) => 1 - Math.Abs(weights.Vector - 0.4) - Math.Abs(weights.Order - 0.3) - (query * 0.001));
        (fitted.Weights.Vector, fitted.Weights.Order).ShouldBe((0.4, 0.3));
        (fitted.Weights.Nearness, fitted.Weights.Similar, fitted.Weights.Adjacent).ShouldBe((FusionWeights.Default.Nearness, FusionWeights.Default.Similar, FusionWeights.Default.Adjacent));
        fitted.HeldOut.ShouldBe(fitted.Fitted);
        fitted.HeldOut.Average().ShouldBeGreaterThan(fitted.Before.Average() + 0.4);
    }

    [Fact]
    public void What_helps_nobody_leaves_the_weights_as_they_are()
    {
        var fitted = Fit(40, (_, query) => query % 7 / 7.0);
        fitted.Weights.ShouldBe(FusionWeights.Default);
        fitted.HeldOut.ShouldBe(fitted.Before);
    }

    [Fact]
    public void Held_out_queries_do_not_choose_their_own_weights()
    {
        // Query 0 alone gains, and much: it must not be measured with weights that it chose.
        var fitted = Fit(10, (weights, query) => query == 0 && weights.Adjacent == 0.3 ? 1 : 0.5);
        fitted.Weights.Adjacent.ShouldBe(0.3);
        fitted.Fitted[0].ShouldBe(1);
        fitted.HeldOut[0].ShouldBe(0.5);
    }

    [Fact]
    public void What_is_printed_can_be_put_into_the_configuration()
    {
        var fitted = Fit(10, (weights, _) => 1 - Math.Abs(weights.Vector - 0.4));
        using var output = new StringWriter();
        new FitResult("x", 5, fitted.Before, FusionWeights.Default, fitted).Write(output);
        output.ToString().ShouldContain("ragcluster.retrieval.weights { lexical = 0.6, vector = 0.4, order = 0.15, nearness = 0.1, similar = 0.25, adjacent = 0.15 }");
    }

    private static FittedWeights Fit(int queries, Func<FusionWeights, int, double> value) =>
        new WeightFit(weights => [.. Enumerable.Range(0, queries).Select(query => value(weights, query))], 5)
            .Fit(FusionWeights.Default, (_, _) => { }, TestContext.Current.CancellationToken);
}
