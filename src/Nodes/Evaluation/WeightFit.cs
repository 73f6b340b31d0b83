using RagCluster.Retrieval.Fusion;

namespace RagCluster.Nodes.Evaluation;

/// <summary>What fitting weights to judgments came to.</summary>
/// <param name="Weights">Fitted to all queries: those to use.</param>
/// <param name="Before">By query, with the weights that there were.</param>
/// <param name="HeldOut">By query, with weights fitted to the queries of the other folds: what to expect of queries not seen.</param>
/// <param name="Fitted">By query, with <paramref name="Weights"/>: flattered, because these queries chose them.</param>
internal sealed record FittedWeights(FusionWeights Weights, double[] Before, double[] HeldOut, double[] Fitted);

/// <summary>
/// Finds weights of the fusion by coordinate ascent (Metzler, Croft, "Linear feature-based models for information
/// retrieval", 2007): one weight after the other takes the value of a grid that is best for the mean, until none changes. It
/// starts with the weights that there are, and leaves them only for what is clearly more.
/// </summary>
/// <param name="measure">The measure by query, for weights: asked once for each.</param>
/// <param name="folds">In how many parts the queries are held out in turn; query i is in part i modulo that.</param>
internal sealed class WeightFit(Func<FusionWeights, double[]> measure, int folds)
{
    /// <summary>A gain of the mean below this is not worth another weight.</summary>
    private const double LeastGain = 0.0005;

    private const int MostRounds = 4;

    private static readonly (double[] Grid, Func<FusionWeights, double, FusionWeights> With)[] s_coordinates =
    [
        ([0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 0.9], (w, v) => w with { Vector = v }),
        ([0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5], (w, v) => w with { Order = v }),
        ([0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5], (w, v) => w with { Nearness = v }),
        ([0, 0.1, 0.15, 0.25, 0.4, 0.6], (w, v) => w with { Similar = v }),
        ([0, 0.05, 0.1, 0.15, 0.2, 0.3], (w, v) => w with { Adjacent = v }),
    ];

    private readonly Dictionary<FusionWeights, double[]> _known = [];

    /// <param name="moved">Is told how many of how many fits are done.</param>
    public FittedWeights Fit(FusionWeights start, Action<int, int> moved, CancellationToken cancellationToken)
    {
        var before = Values(start);
        var heldOut = new double[before.Length];
        for (var fold = 0; fold < folds; fold++)
        {
            var values = Values(Best(start, i => i % folds != fold, cancellationToken));
            for (var i = fold; i < heldOut.Length; i += folds)
            {
                heldOut[i] = values[i];
            }

            moved(fold + 1, folds + 1);
        }

        var weights = Best(start, _ => true, cancellationToken);
        moved(folds + 1, folds + 1);
        return new FittedWeights(weights, before, heldOut, Values(weights));
    }

    private FusionWeights Best(FusionWeights start, Func<int, bool> counts, CancellationToken cancellationToken)
    {
        var (best, mean) = (start, Mean(start, counts));
        for (var round = 0; round < MostRounds; round++)
        {
            var before = best;
            foreach (var (grid, with) in s_coordinates)
            {
                foreach (var value in grid)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    var tried = with(best, value);
                    if (Mean(tried, counts) is var other && other > mean + LeastGain)
                    {
                        (best, mean) = (tried, other);
                    }
                }
            }

            if (best == before)
            {
                break;
            }
        }

        return best;
    }

    private double Mean(FusionWeights weights, Func<int, bool> counts) =>
        Values(weights).Where((_, i) => counts(i)).DefaultIfEmpty(0).Average();

    private double[] Values(FusionWeights weights) => _known.TryGetValue(weights, out var values) ? values : _known[weights] = measure(weights);
}
