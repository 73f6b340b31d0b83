using RagCluster.Messages.Text;

namespace RagCluster.Nodes.Evaluation;

/// <summary>How the retrieved characters compare with the wanted ones.</summary>
/// <param name="Recall">Share of the wanted ones that were retrieved.</param>
/// <param name="Precision">Share of the retrieved ones that were wanted.</param>
/// <param name="Iou">Those that are both, of those that are either: intersection over union.</param>
internal readonly record struct SpanScore(double Recall, double Precision, double Iou)
{
    /// <summary>
    /// The measures of Smith and Troynikov, "Evaluating Chunking Strategies for Retrieval" (2024), over characters. A
    /// character that was retrieved twice, as chunks may overlap, is right once and retrieved twice: repeating costs.
    /// Chunks of other documents are retrieved and not wanted.
    /// </summary>
    /// <param name="wanted">Spans of the one document that the answer is in.</param>
    /// <param name="retrieved">The retrieved spans of that document.</param>
    /// <param name="elsewhere">Characters that were retrieved from other documents.</param>
    public static SpanScore Of(IEnumerable<TextSpan> wanted, IReadOnlyList<TextSpan> retrieved, int elsewhere)
    {
        var (target, found) = (Union(wanted), Union(retrieved));
        var right = 0;
        var at = 0;
        foreach (var span in target)
        {
            while (at < found.Count && found[at].End <= span.Start)
            {
                at++;
            }

            for (var i = at; i < found.Count && found[i].Start < span.End; i++)
            {
                right += Math.Min(span.End, found[i].End) - Math.Max(span.Start, found[i].Start);
            }
        }

        var all = retrieved.Sum(s => s.End - s.Start) + elsewhere;
        var needed = target.Sum(s => s.End - s.Start);
        return new SpanScore(Share(right, needed), Share(right, all), Share(right, all + needed - right));
    }

    private static double Share(int part, int whole) => whole > 0 ? (double)part / whole : 0;

    /// <summary>The same characters as spans that neither touch nor overlap, in order.</summary>
    private static List<TextSpan> Union(IEnumerable<TextSpan> spans)
    {
        var union = new List<TextSpan>();
        foreach (var span in spans.OrderBy(s => s.Start))
        {
            if (union.Count > 0 && span.Start <= union[^1].End)
            {
                union[^1] = new TextSpan(union[^1].Start, Math.Max(union[^1].End, span.End));
            }
            else
            {
                union.Add(span);
            }
        }

        return union;
    }
}
