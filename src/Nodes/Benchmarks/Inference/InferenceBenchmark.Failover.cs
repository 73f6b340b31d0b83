using System.Diagnostics;
using RagCluster.Actors.Inference;

namespace RagCluster.Nodes.Benchmarks.Inference;

// One of two servers is killed under load, and started again.
internal sealed partial class InferenceBenchmark
{
    private static readonly Quantity s_lost = Quantity.AtMost(0, "failoverLost", "requests", "answers and vectors that did not come");
    private static readonly Quantity s_addedByDeath = Quantity.AtMost(1000, "failoverAddedP99", "ms", "p99 of whole answers in the five seconds after the death, above that before");
    private static readonly Quantity s_addedToVectors = Quantity.AtMost(1000, "failoverVectorsAddedP99", "ms", "the same of embedding calls");
    private static readonly Quantity s_back = Quantity.AtMost(5000, "failoverBack", "ms", "from its answering again until it has work");

    private async Task FailoverAsync(Recorder target, CancellationToken cancellationToken)
    {
        const string Behaviour = """{"answerTokens":32,"dimensions":16,"times":{"stepMs":5,"stepPerAnswerMs":0.05,"prefillPerTokenMs":0.02,"maxAnswers":64,"embedFixedMs":5,"embedPerTokenMs":0.02}}""";
        await using var stays = await StandInProcess.StartAsync(options.StandIn, Behaviour, 0, cancellationToken);
        var dies = await StandInProcess.StartAsync(options.StandIn, Behaviour, 0, cancellationToken);
        var running = Layer([stays.Url, dies.Url], answers: 64, batches: 2);
        try
        {
            var phase = TimeSpan.FromSeconds(5);
            var length = phase * 3.5;
            var answers = OpenLoop.RunAsync(
                50,
                length,
                isEven: false,
                async (i, c) =>
                {
                    await AnswerAsync(running.Layer.Generator, Prompt(i, 800), $"t{i % 5}", c);
                    return -1;
                },
                cancellationToken);
            var vectors = OpenLoop.RunAsync(
                50,
                length,
                isEven: false,
                async (i, c) =>
                {
                    await running.Layer.Embedder.EmbedAsync([Text(i)], EmbeddingPriority.Interactive, c);
                    return -1;
                },
                cancellationToken);
            await Task.Delay(phase, cancellationToken);
            await dies.KillAsync(cancellationToken);
            await Task.Delay(phase, cancellationToken);
            var port = dies.Url.Port;
            await dies.DisposeAsync();
            dies = await StandInProcess.StartAsync(options.StandIn, Behaviour, port, cancellationToken);
            var watch = Stopwatch.StartNew();
            while (await dies.CountAsync("answerTokens", cancellationToken) == 0 && watch.Elapsed < phase)
            {
                await Task.Delay(20, cancellationToken);
            }

            target.Add(s_back, watch.Elapsed.TotalMilliseconds);
            var lost = 0;
            foreach (var (calls, added) in new[] { (await answers, s_addedByDeath), (await vectors, s_addedToVectors) })
            {
                lost += calls.Count(c => c.Failed is not null);
                foreach (var failed in calls.Where(c => c.Failed is not null).Take(3))
                {
                    recorder.Say($"lost at {failed.AtMs:0} ms: {failed.Failed}");
                }

                var before = OpenLoop.Times(calls.Where(c => c.AtMs is > 1000 and < 4500));
                var after = OpenLoop.Times(calls.Where(c => c.AtMs is > 4500 and < 10_000));
                target.Add(added, Quantiles.OfSorted(after, 0.99) - Quantiles.OfSorted(before, 0.99));
            }

            target.Add(s_lost, lost);
        }
        finally
        {
            await dies.DisposeAsync();
            await EndAsync(running);
        }
    }
}
