using RagCluster.Inference.Answering;
using RagCluster.Inference.Prompting;
using RagCluster.Messages;
using RagCluster.Messages.Text;

namespace RagCluster.Inference.Citations;

/// <summary>An answer with its citations resolved.</summary>
/// <param name="Text">With markers "[n]" only where a citation n exists.</param>
/// <param name="Citations">In order of appearance. One passage may be cited with several spans: they share its number.</param>
/// <param name="Unsupported">Sentences of the answer that cite nothing, or nothing that has to do with them.</param>
/// <param name="Abstained">The answer says that the documents do not answer.</param>
public sealed record CitedAnswer(string Text, IReadOnlyList<Citation> Citations, IReadOnlyList<string> Unsupported, bool Abstained)
{
    /// <summary>Where the unsupported sentences stand in <see cref="Text"/>, in order and apart from each other.</summary>
    public IReadOnlyList<TextSpan> UnsupportedSpans { get; init; } = [];
}

/// <summary>
/// Resolves the markers of an answer to the exact spans that support it (I8). A marker names a passage; the span is the
/// sentence of that passage, or the two neighbouring ones, that shares most with the sentence that carries the marker.
/// A marker whose passage shares nothing with its sentence is taken out, and the sentence reported.
/// </summary>
public static class CitationParser
{
    /// <summary>A sentence of fewer content words ("Yes.", "As follows:") needs no support.</summary>
    private const int MinClaimTerms = 2;

    /// <summary>The least share of a claim's words that its source must hold.</summary>
    private const double MinSupport = 0.2;

    public static CitedAnswer Parse(string answer, IReadOnlyList<Passage> passages)
    {
        var filter = new CitationFilter(passages.Count);
        var text = WithOnly((filter.Push(answer) + filter.Complete()).Trim(), n => n <= passages.Count);
        if (text.Length == 0 || IsAbstention(text))
        {
            return new CitedAnswer(text, [], [], text.Length > 0);
        }

        var markers = Marker.In(text);
        var sources = new SourceSentences?[passages.Count];
        var citations = new List<Citation>();
        var unsupported = new List<string>();
        var kept = new HashSet<Marker>();
        foreach (var claim in Claims(text, markers))
        {
            var supported = false;
            foreach (var marker in claim.Markers)
            {
                var passage = passages[marker.N - 1];
                var source = sources[marker.N - 1] ??= new SourceSentences(passage);
                if (source.Find(claim.Text, MinSupport) is { } span)
                {
                    supported = true;
                    kept.Add(marker);
                    Add(citations, Cite(marker.N, passage, span));
                }
            }

            if (!supported && Terms.Of(claim.Text).Count >= MinClaimTerms && !claim.Sentence.EndsWith(':') && !unsupported.Contains(claim.Sentence))
            {
                unsupported.Add(claim.Sentence);
            }
        }

        text = WithOnly(Without(text, markers.Where(m => !kept.Contains(m))), n => citations.Exists(c => c.N == n));
        return new CitedAnswer(text, citations, unsupported, false) { UnsupportedSpans = Spans(text, unsupported) };
    }

    /// <summary>Sentences are cut in the text as it ended up, so that the spans fit what is shown.</summary>
    private static List<TextSpan> Spans(string text, List<string> unsupported)
    {
        if (unsupported.Count == 0)
        {
            return [];
        }

        var blank = Blank(text, Marker.In(text));
        return [.. SentenceSplitter.Split(blank).Where(span => unsupported.Contains(Squeezed(span.Of(blank))))];
    }

    /// <summary>Whether the text says no more than that the documents do not answer.</summary>
    public static bool IsAbstention(string text) =>
        text.AsSpan().Trim(" \"'*\n\r").StartsWith(GroundedPrompt.Abstention.AsSpan(0, GroundedPrompt.Abstention.Length - 1), StringComparison.OrdinalIgnoreCase)
        && Marker.In(text).Count == 0;

    private static Citation Cite(int n, Passage passage, TextSpan span) => new(
        n,
        passage.Document,
        passage.Version,
        passage.Ordinal,
        passage.Start + span.Start,
        passage.Start + span.End,
        passage.Page,
        span.Of(passage.Text).ToString(),
        passage.Title);

    private static void Add(List<Citation> citations, Citation citation)
    {
        if (!citations.Contains(citation))
        {
            citations.Add(citation);
        }
    }

    /// <summary>
    /// The answer's sentences with their markers. A marker behind the full stop belongs to the sentence before it; of
    /// several in one sentence, each supports what stands between it and the one before.
    /// </summary>
    private static IEnumerable<(string Sentence, string Text, List<Marker> Markers)> Claims(string text, List<Marker> markers)
    {
        var blank = Blank(text, markers);
        var sentences = SentenceSplitter.Split(blank);
        for (var i = 0; i < sentences.Count; i++)
        {
            var next = i + 1 < sentences.Count ? sentences[i + 1].Start : text.Length;
            var first = i == 0 ? 0 : sentences[i].Start;
            var own = markers.Where(m => m.Start >= first && m.Start < next).ToList();
            var whole = Squeezed(blank.AsSpan(sentences[i].Start, sentences[i].Length));
            var from = sentences[i].Start;
            while (own.Count > 0)
            {
                // Markers side by side support the same words.
                var group = own.TakeWhile((m, k) => k == 0 || m.Start == own[k - 1].Start + own[k - 1].Length).ToList();
                own.RemoveRange(0, group.Count);
                var part = Squeezed(blank.AsSpan(from, Math.Max(0, Math.Min(group[0].Start, sentences[i].End) - from)));
                from = group[^1].Start + group[^1].Length;
                yield return (whole, Terms.Of(part).Count >= 3 ? part : whole, group);
            }

            if (!markers.Exists(m => m.Start >= first && m.Start < next))
            {
                yield return (whole, whole, []);
            }
        }
    }

    private static char[] Blank(string text, List<Marker> markers)
    {
        var blank = text.ToCharArray();
        foreach (var marker in markers)
        {
            blank.AsSpan(marker.Start, marker.Length).Fill(' ');
        }

        return blank;
    }

    private static string Squeezed(ReadOnlySpan<char> text) =>
        string.Join(' ', text.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)).Replace(" .", ".", StringComparison.Ordinal);

    /// <summary>Taking out the inner one of "[1[2]]" makes another marker: so this goes on until none is left to take out.</summary>
    private static string WithOnly(string text, Predicate<int> exists)
    {
        while (Marker.In(text).FindAll(m => !exists(m.N)) is { Count: > 0 } wrong)
        {
            text = Without(text, wrong);
        }

        return text;
    }

    private static string Without(string text, IEnumerable<Marker> dropped)
    {
        foreach (var marker in dropped.OrderByDescending(m => m.Start))
        {
            var start = marker.Start;
            var end = start + marker.Length;
            if (start > 0 && text[start - 1] == ' ' && (end == text.Length || !char.IsLetterOrDigit(text[end])) && !(end < text.Length && text[end] == '['))
            {
                start--;
            }

            text = text.Remove(start, end - start);
        }

        return text;
    }
}
