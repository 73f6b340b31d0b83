using RagCluster.Messages.Text;

namespace RagCluster.Inference.Answering;

/// <summary>
/// Splits a passage into what can be quoted: its sentences, and each row of a table that was written as lines of
/// "Header: value; Header: value".
/// </summary>
internal static class PassageSentences
{
    public static List<TextSpan> Split(ReadOnlySpan<char> text)
    {
        var spans = new List<TextSpan>();
        foreach (var sentence in SentenceSplitter.Split(text))
        {
            if (!HoldsRows(sentence.Of(text)))
            {
                spans.Add(sentence);
                continue;
            }

            var start = sentence.Start;
            while (start < sentence.End)
            {
                var length = text[start..sentence.End].IndexOf('\n');
                var end = length < 0 ? sentence.End : start + length;
                AddTrimmed(spans, text, start, end);
                start = end + 1;
            }
        }

        return spans;
    }

    /// <summary>Whether a line is "Header: value; Header: value", once at least with both.</summary>
    public static bool IsRow(ReadOnlySpan<char> line) =>
        !line.Contains('\n') && line.IndexOf(": ") is > 0 and <= 80 && line.IndexOf("; ") is var next and > 0 && line[(next + 2)..].IndexOf(": ") is > 0;

    private static bool HoldsRows(ReadOnlySpan<char> sentence)
    {
        var rows = 0;
        foreach (var line in sentence.EnumerateLines())
        {
            rows += IsRow(line) ? 1 : 0;
        }

        return rows > 0 && sentence.Contains('\n');
    }

    private static void AddTrimmed(List<TextSpan> spans, ReadOnlySpan<char> text, int start, int end)
    {
        while (start < end && char.IsWhiteSpace(text[start]))
        {
            start++;
        }

        while (end > start && char.IsWhiteSpace(text[end - 1]))
        {
            end--;
        }

        if (end > start)
        {
            spans.Add(new TextSpan(start, end));
        }
    }
}
