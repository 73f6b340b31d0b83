using RagCluster.Actors.Inference;
using RagCluster.Inference.Fairness;

namespace RagCluster.Nodes.Benchmarks.Inference;

// A tenant that asks now and then, alone and beside one that asks more than there is.
internal sealed partial class InferenceBenchmark
{
    /// <summary>
    /// A server that bears 16 answers at a time: a step of 12 ms gives each a token, an answer has 64, a prompt of 400
    /// tokens takes 8 ms to read. 32 questions a second are more than it can do.
    /// </summary>
    private const string Server = """{"answerTokens":64,"dimensions":16,"times":{"stepMs":12,"stepPerAnswerMs":0.1,"prefillPerTokenMs":0.02,"maxAnswers":16}}""";

    private static readonly Quantity s_alone = new("fairnessAloneP99", "ms", "first token of a tenant at 1 question/s, alone, p99");
    private static readonly Quantity s_beside = new("fairnessBesideP99", "ms", "the same beside a tenant at 32/s, p99");
    private static readonly Quantity s_ratio = Quantity.AtMost(1.15, "fairnessRatio", "times", "the second by the first");
    private static readonly Quantity s_medianRatio = new("fairnessMedianRatio", "times", "the same of the medians");
    private static readonly Quantity s_budgetRatio = Quantity.AtMost(1.15, "fairnessBudgetRatio", "times", "the same where each tenant has a budget of 60,000 tokens a minute");
    private static readonly Quantity s_unfair = new("fairnessWithoutP99", "ms", "for comparison: without the actors, straight to the server, p99");
    private static readonly Quantity s_floodServed = new("fairnessFloodServed", "answers/s", "what the flood got meanwhile");

    private async Task FairnessAsync(Recorder target, CancellationToken cancellationToken)
    {
        await using var server = await StandInProcess.StartAsync(options.StandIn, Server, 0, cancellationToken);
        var (alone, _) = await QuietAsync(server, flood: 0, direct: false, budget: 0, cancellationToken);
        var (beside, served) = await QuietAsync(server, flood: 32, direct: false, budget: 0, cancellationToken);
        var (budgeted, _) = await QuietAsync(server, flood: 32, direct: false, budget: 60_000, cancellationToken);
        var (without, _) = await QuietAsync(server, flood: 32, direct: true, budget: 0, cancellationToken);
        var (p99, p99Beside) = (Quantiles.OfSorted(alone, 0.99), Quantiles.OfSorted(beside, 0.99));
        target.Add(s_alone, p99);
        target.Add(s_beside, p99Beside);
        target.Add(s_ratio, p99Beside / p99);
        target.Add(s_medianRatio, Quantiles.OfSorted(beside, 0.5) / Quantiles.OfSorted(alone, 0.5));
        target.Add(s_budgetRatio, Quantiles.OfSorted(budgeted, 0.99) / p99);
        target.Add(s_unfair, Quantiles.OfSorted(without, 0.99));
        target.Add(s_floodServed, served);
    }

    private async Task<(double[] FirstTokens, double FloodServed)> QuietAsync(StandInProcess server, double flood, bool direct, long budget, CancellationToken cancellationToken)
    {
        // Without a limit of its own, everybody's questions are at the server at once, as without the actors.
        var running = Layer([server.Url], answers: direct ? 100_000 : 16, batches: 1, policy: new InferencePolicy { Fairness = new FairnessOptions { Everybody = new TenantTerms(1, budget) } });
        try
        {
            var length = options.Length * 6;
            var flooding = flood == 0 ? null : OpenLoop.RunAsync(flood, length, isEven: false, (i, c) => AnswerAsync(running.Layer.Generator, Prompt(i, 1600), "flood", c), cancellationToken);
            var quiet = await OpenLoop.RunAsync(1, length, isEven: false, (i, c) => AnswerAsync(running.Layer.Generator, Prompt(-i, 1600), "quiet", c), cancellationToken);
            var served = flooding is null ? 0 : (await flooding).Count(c => c.Failed is null) / length.TotalSeconds;

            // The flood needs a moment to fill what there is.
            return (OpenLoop.Times(quiet.Where(c => c.AtMs > 2000)), served);
        }
        finally
        {
            await EndAsync(running);
        }
    }
}
