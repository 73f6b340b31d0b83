using RagCluster.Inference.Language;
using RagCluster.Messages;
using RagCluster.Messages.Text;

namespace RagCluster.Inference.Answering;

/// <summary>A sentence of a passage that may answer.</summary>
/// <param name="PassageIndex">From 0.</param>
/// <param name="Index">Its place among the passage's sentences.</param>
/// <param name="Span">Where it stands in the passage's text.</param>
/// <param name="Heading">The nearest line above that introduces it (a heading, a question of a FAQ, a list's opening), or null.</param>
internal sealed record CandidateSentence(int PassageIndex, int Index, TextSpan Span, string Text, List<Term> Terms, AnswerKinds Kinds, List<Term>? Heading)
{
    /// <summary>Whether it can stand in an answer; otherwise it only introduces others.</summary>
    public required bool Answers { get; init; }

    public bool IsListItem { get; init; }

    /// <summary>Whether it is the row of a table.</summary>
    public bool IsRow { get; init; }

    /// <summary>Whether it is no more than the name of what follows: "Paid-up additions."</summary>
    public bool IsFragment => !IsRow && Text.Length <= 40 && Text.AsSpan().Count(' ') <= 2 && !Text.AsSpan().ContainsAnyInRange('0', '9');

    /// <summary>Whether it comes first below its heading.</summary>
    public bool IsFirst { get; init; }

    public required NumberRanges Ranges { get; init; }

    /// <summary>The position of its first "if" or "unless", or null.</summary>
    public int? ConditionAt { get; init; }
}

/// <summary>Cuts passages into candidate sentences.</summary>
internal static class SentenceReader
{
    public static List<CandidateSentence> Read(Passage passage, int passageIndex)
    {
        var sentences = new List<CandidateSentence>();
        List<Term>? heading = null;
        List<Term>? listOpening = null;
        TableRows? table = null;
        var first = true;
        foreach (var span in PassageSentences.Split(passage.Text))
        {
            var raw = span.Of(passage.Text);
            var row = TableRows.IsRow(raw);
            table = row ? table ?? new TableRows() : null;
            if (row && !table!.Take(raw))
            {
                continue;
            }

            var text = row ? table!.Render(raw) : Plain(raw);
            var item = IsListItem(raw) && !(char.IsAsciiDigit(raw[0]) && IsTitleLike(raw));
            var terms = Terms.Of(text);
            var introduces = !row && !PassageSentences.IsRow(raw) && (raw[0] == '#' || raw[^1] == '?' || (!item && IsTitleLike(raw)));
            if (introduces)
            {
                heading = terms;
                listOpening = null;
            }

            var above = item ? Join(heading, listOpening) : heading;
            sentences.Add(new CandidateSentence(passageIndex, sentences.Count, span, text, terms, KindReader.Read(text), introduces ? null : above)
            {
                Answers = !introduces && terms.Count > 0 && raw[^1] != ':',
                IsListItem = item,
                IsRow = row || PassageSentences.IsRow(raw),
                IsFirst = first,
                Ranges = NumberRanges.Of(text),
                ConditionAt = ConditionAt(text),
            });
            first = introduces;
            if (!item && !introduces)
            {
                listOpening = raw[^1] == ':' ? terms : null;
            }
        }

        return sentences;
    }

    /// <summary>White space joined, list and heading marks and emphasis taken off: how a sentence looks in an answer.</summary>
    internal static string Plain(ReadOnlySpan<char> raw)
    {
        var text = string.Join(' ', raw.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        text = text.Replace("**", "", StringComparison.Ordinal).Replace("__", "", StringComparison.Ordinal).TrimStart('#', '>', ' ');
        return IsListItem(text) ? text[(text.IndexOf(' ', StringComparison.Ordinal) + 1)..].TrimStart() : text;
    }

    private static int? ConditionAt(string text)
    {
        var reader = new WordReader(text, stackalloc char[WordReader.MaxWordLength]);
        for (var position = 1; reader.MoveNext(); position++)
        {
            if (reader.Word is "if" or "unless")
            {
                return position;
            }
        }

        return null;
    }

    private static bool IsListItem(ReadOnlySpan<char> raw)
    {
        if (raw.Length < 3)
        {
            return false;
        }

        if (raw[0] is '-' or '*' or '•' or '+' or '–' or '▪')
        {
            return raw[1] is ' ' or '\t';
        }

        var digits = 0;
        while (digits < 3 && digits < raw.Length && char.IsAsciiDigit(raw[digits]))
        {
            digits++;
        }

        return digits > 0 && digits + 1 < raw.Length && raw[digits] is '.' or ')' && raw[digits + 1] == ' ';
    }

    /// <summary>A short line without closing punctuation, and without a "name: value" in it.</summary>
    private static bool IsTitleLike(ReadOnlySpan<char> raw) =>
        raw.Length <= 80 && raw[^1] is not ('.' or '!' or ';' or ':' or ')' or '"' or '\u201d') && raw.IndexOf(": ") < 0
        && !raw.TrimStart("0123456789.) ").ContainsAnyInRange('0', '9');

    private static List<Term>? Join(List<Term>? first, List<Term>? second) =>
        first is null ? second : second is null ? first : [.. first, .. second];
}
