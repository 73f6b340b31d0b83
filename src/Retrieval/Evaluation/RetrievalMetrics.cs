namespace RagCluster.Retrieval.Evaluation;

/// <summary>
/// How good a ranking is, given judgments. Grades above 0 are relevant; documents that were not judged count as not
/// relevant. The definitions are trec_eval's, with linear gain.
/// </summary>
public static class RetrievalMetrics
{
    /// <summary>
    /// Normalised discounted cumulative gain (Järvelin, Kekäläinen, "Cumulated gain-based evaluation of IR techniques",
    /// 2002): the sum of grade / log2(rank + 1) over the first k, divided by that of the best possible ranking. 0 where nothing is relevant.
    /// </summary>
    public static double Ndcg(IEnumerable<string> ranking, IReadOnlyDictionary<string, int> judgments, int k)
    {
        var gained = Discounted(ranking.Take(k).Select(id => Math.Max(0, judgments.GetValueOrDefault(id))));
        var ideal = Discounted(judgments.Values.Where(grade => grade > 0).OrderDescending().Take(k));
        return ideal > 0 ? gained / ideal : 0;
    }

    /// <summary>The mean of the precision at each relevant document's rank, over all relevant documents; its mean over queries is MAP.</summary>
    public static double AveragePrecision(IEnumerable<string> ranking, IReadOnlyDictionary<string, int> judgments)
    {
        var (rank, found, sum) = (0, 0, 0.0);
        foreach (var id in ranking)
        {
            rank++;
            if (judgments.GetValueOrDefault(id) > 0)
            {
                found++;
                sum += (double)found / rank;
            }
        }

        var relevant = Relevant(judgments);
        return relevant > 0 ? sum / relevant : 0;
    }

    /// <summary>One over the rank of the first relevant document, 0 where none is among the first k.</summary>
    public static double ReciprocalRank(IEnumerable<string> ranking, IReadOnlyDictionary<string, int> judgments, int k)
    {
        var rank = 0;
        foreach (var id in ranking.Take(k))
        {
            rank++;
            if (judgments.GetValueOrDefault(id) > 0)
            {
                return 1.0 / rank;
            }
        }

        return 0;
    }

    /// <summary>The share of the relevant documents that are among the first k.</summary>
    public static double Recall(IEnumerable<string> ranking, IReadOnlyDictionary<string, int> judgments, int k)
    {
        var relevant = Relevant(judgments);
        return relevant > 0 ? (double)ranking.Take(k).Count(id => judgments.GetValueOrDefault(id) > 0) / relevant : 0;
    }

    private static int Relevant(IReadOnlyDictionary<string, int> judgments) => judgments.Values.Count(grade => grade > 0);

    private static double Discounted(IEnumerable<int> grades)
    {
        var (sum, rank) = (0.0, 0);
        foreach (var grade in grades)
        {
            rank++;
            sum += grade / Math.Log2(rank + 1);
        }

        return sum;
    }
}
