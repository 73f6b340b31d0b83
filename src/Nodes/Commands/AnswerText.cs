using RagCluster.Messages.Conversations;

namespace RagCluster.Nodes.Commands;

/// <summary>An answer as plain text: what was said, then where it stands.</summary>
internal static class AnswerText
{
    public static void Write(TextWriter output, Turn turn)
    {
        output.WriteLine(turn.Status switch
        {
            TurnStatus.Failed => $"The answer failed: {turn.Failure}",
            TurnStatus.Cancelled => "The question was cancelled.",
            _ => Marked(turn.Answer, turn.Unsupported ?? []),
        });
        WriteSources(output, turn.Citations);
        if (turn.Partial)
        {
            WritePartial(output);
        }
    }

    /// <summary>The text with a note behind each sentence that no passage supports.</summary>
    public static string Marked(string text, IReadOnlyList<UnsupportedSpan> unsupported)
    {
        foreach (var span in unsupported.Where(s => s.End <= text.Length).OrderByDescending(s => s.End))
        {
            text = text.Insert(span.End, " (no source)");
        }

        return text;
    }

    /// <summary>Names the sentences that no passage supports: below an answer that stands on the screen already.</summary>
    public static void WriteUnsupported(TextWriter output, string text, IReadOnlyList<UnsupportedSpan> unsupported)
    {
        foreach (var span in unsupported.Where(s => s.Start < s.End && s.End <= text.Length))
        {
            output.WriteLine($"(No source: \"{OneLine(text[span.Start..span.End])}\")");
        }
    }

    public static void WritePartial(TextWriter output)
    {
        output.WriteLine();
        output.WriteLine("(A part of the documents could not be searched just then. Ask again for an answer from all of them.)");
    }

    public static void WriteSources(TextWriter output, IReadOnlyList<Messages.Citation> citations)
    {
        if (citations.Count == 0)
        {
            return;
        }

        output.WriteLine();
        foreach (var citation in citations)
        {
            var page = citation.Page is { } number ? $", page {number}" : "";
            output.WriteLine($"[{citation.N}] {citation.Title}{page}");
            output.WriteLine($"    \"{OneLine(citation.Quote)}\"");
        }
    }

    /// <summary>White space squeezed, control characters out: a document cannot write to the terminal.</summary>
    public static string OneLine(string text, int most = 300)
    {
        var line = string.Join(' ', new string([.. text.Select(c => char.IsControl(c) ? ' ' : c)]).Split(' ', StringSplitOptions.RemoveEmptyEntries));
        return line.Length <= most ? line : line[..(most - 1)] + "…";
    }
}
