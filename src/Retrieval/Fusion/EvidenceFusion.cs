using RagCluster.Messages;
using RagCluster.Messages.Partitions;

namespace RagCluster.Retrieval.Fusion;

/// <summary>A passage of either ranking with both of its scores.</summary>
/// <param name="Lexical">By words (BM25F); 0 where no term occurs.</param>
/// <param name="Cosine">By vector; null where the query or the passage has none.</param>
/// <param name="Vector">The passage's own; null where it has none.</param>
public sealed record Candidate(Passage Passage, double Lexical, double? Cosine, Embedding? Vector);

/// <summary>A passage with what each kind of evidence adds to its fused score.</summary>
/// <param name="Proximity">What the nearness of the query's words in it adds.</param>
/// <param name="Context">What similar and adjacent passages add.</param>
public sealed record FusedParts(Passage Passage, double Lexical, double Vector, double Proximity = 0, double Context = 0)
{
    public double Score => Lexical + Vector + Proximity + Context;
}

/// <summary>
/// Puts all that is known of a query's candidates into one score:
/// <code>
/// own(d)   = (1 - vector) * bm25(d) / max + vector * (cosine(d) - least) / (max - least) + order * Order(d) + nearness * Nearness(d)
/// score(d) = own(d) + similar * mean of own over the most similar candidates of other documents + adjacent * max of own(before d), own(behind d)
/// </code>
/// Maxima and the least cosine are those of the candidates, so any embedding model's range of cosines fits. Both scores of
/// every candidate are known, whichever ranking it came from: none gets nothing for having just missed a cut.
/// </summary>
/// <remarks>
/// The second line regularises scores: passages that say the same should have about the same score, and one that nothing
/// resembles is likelier an accident of words (Diaz, "Regularizing Ad Hoc Retrieval Scores", 2005). The mean is weighted by
/// cosine. Passages of the same document are left out of it, because their likeness is no news; those next to each
/// other count by themselves. What was learned of the candidates (<see cref="Of"/>) does not depend on the weights, so that
/// many of them can be tried.
/// </remarks>
public sealed class EvidenceFusion
{
    /// <summary>How many similar passages of other documents count.</summary>
    private const int MostSimilar = 15;

    private readonly Passage[] _passages;
    private readonly double[] _lexical;
    private readonly double[] _cosine;
    private readonly Proximity[] _proximity;
    private readonly (int Candidate, double Cosine)[][] _similar;
    private readonly int[][] _adjacent;

    private EvidenceFusion(IReadOnlyList<Candidate> candidates, QueryProximity proximity)
    {
        _passages = [.. candidates.Select(c => c.Passage)];
        _lexical = Shares([.. candidates.Select(c => c.Lexical)], 0);
        var cosines = candidates.Where(c => c.Cosine is not null).Select(c => c.Cosine!.Value).ToList();
        var floor = cosines.Count > 1 ? Math.Max(0, cosines.Min()) : 0;
        _cosine = Shares([.. candidates.Select(c => c.Cosine ?? 0)], floor);
        _proximity = [.. candidates.Select(c => proximity.Of(c.Passage))];
        _similar = Similar(candidates);
        _adjacent = Adjacent(candidates);
    }

    /// <summary>What is known of the candidates, none of which is there twice.</summary>
    public static EvidenceFusion Of(IReadOnlyList<Candidate> candidates, QueryProximity proximity)
    {
        ArgumentNullException.ThrowIfNull(candidates);
        ArgumentNullException.ThrowIfNull(proximity);
        return new EvidenceFusion(candidates, proximity);
    }

    /// <summary>The candidates in their order, each with the parts of its score.</summary>
    public IReadOnlyList<FusedParts> Parts(FusionWeights weights)
    {
        ArgumentNullException.ThrowIfNull(weights);
        var own = new FusedParts[_passages.Length];
        for (var i = 0; i < own.Length; i++)
        {
            own[i] = new FusedParts(
                _passages[i],
                (1 - weights.Vector) * _lexical[i],
                weights.Vector * _cosine[i],
                (weights.Order * _proximity[i].Order) + (weights.Nearness * _proximity[i].Nearness));
        }

        var fused = new FusedParts[own.Length];
        for (var i = 0; i < own.Length; i++)
        {
            var (sum, total) = (0.0, 0.0);
            foreach (var (other, cosine) in _similar[i])
            {
                sum += cosine * own[other].Score;
                total += cosine;
            }

            var beside = 0.0;
            foreach (var other in _adjacent[i])
            {
                beside = Math.Max(beside, own[other].Score);
            }

            fused[i] = own[i] with { Context = (total > 0 ? weights.Similar * sum / total : 0) + (weights.Adjacent * beside) };
        }

        return fused;
    }

    private static double[] Shares(double[] scores, double floor)
    {
        var greatest = scores.DefaultIfEmpty(0).Max();
        return Array.ConvertAll(scores, score => greatest > floor ? Math.Max(0, score - floor) / (greatest - floor) : 0);
    }

    /// <summary>Of each candidate those of other documents whose vectors are nearest, the nearest first.</summary>
    private static (int Candidate, double Cosine)[][] Similar(IReadOnlyList<Candidate> candidates)
    {
        var vectors = candidates.Select(c => Direction(c.Vector)).ToArray();
        var cosines = new double[candidates.Count, candidates.Count];
        for (var i = 0; i < vectors.Length; i++)
        {
            for (var j = 0; j < i; j++)
            {
                if (vectors[i].Length > 0 && vectors[i].Length == vectors[j].Length && candidates[i].Passage.Document != candidates[j].Passage.Document)
                {
                    cosines[i, j] = cosines[j, i] = System.Numerics.Tensors.TensorPrimitives.Dot<float>(vectors[i], vectors[j]);
                }
            }
        }

        return [.. Enumerable.Range(0, candidates.Count).Select(i => Enumerable.Range(0, candidates.Count)
            .Where(j => cosines[i, j] > 0)
            .Select(j => (j, cosines[i, j]))
            .OrderByDescending(pair => pair.Item2).ThenBy(pair => pair.j)
            .Take(MostSimilar)
            .ToArray())];
    }

    private static float[] Direction(Embedding? vector)
    {
        var values = vector?.ToSingle() ?? [];
        var length = MathF.Sqrt(System.Numerics.Tensors.TensorPrimitives.SumOfSquares<float>(values));
        return length > 0 && float.IsFinite(length) ? Array.ConvertAll(values, value => value / length) : [];
    }

    private static int[][] Adjacent(IReadOnlyList<Candidate> candidates)
    {
        var places = new Dictionary<ChunkId, int>();
        for (var i = 0; i < candidates.Count; i++)
        {
            places.TryAdd(candidates[i].Passage.Id, i);
        }

        return [.. candidates.Select(c => c.Passage.Id).Select(id => new[] { id with { Ordinal = id.Ordinal - 1 }, id with { Ordinal = id.Ordinal + 1 } }
            .Where(places.ContainsKey).Select(beside => places[beside]).ToArray())];
    }
}
