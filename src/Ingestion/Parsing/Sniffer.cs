using System.Text;
using System.Text.Json;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Parsing;

/// <summary>
/// Finds out what a document is: by its content first, by its name and its declared type only where the content leaves
/// a choice. A PDF called notes.txt is a PDF; a picture called notes.txt is refused with what it is.
/// </summary>
internal static class Sniffer
{
    /// <returns>One of <see cref="MediaTypes"/>.</returns>
    /// <exception cref="ParseException">It is empty, or nothing that is read.</exception>
    public static string Sniff(ReadOnlySpan<byte> content, string name, string? declared)
    {
        if (content.IsEmpty)
        {
            throw new ParseException(FailureCodes.Empty, "The document has no content (0 bytes).");
        }

        var hint = MediaTypes.Hint(name, declared);
        if (IsPdf(content, hint))
        {
            return MediaTypes.Pdf;
        }

        if (content.StartsWith("PK\u0003\u0004"u8) || content.StartsWith("PK\u0005\u0006"u8))
        {
            return Containers.Zip(content, hint);
        }

        if (content.StartsWith((ReadOnlySpan<byte>)[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]))
        {
            throw Containers.Ole(content);
        }

        if (Containers.Signature(content) is { } what)
        {
            throw new ParseException(FailureCodes.Unsupported, $"This is {what}, which is not read. Text, Markdown, HTML, PDF, DOCX, CSV, JSON and JSON lines are.");
        }

        if (TextDecoder.LooksBinary(content))
        {
            throw hint is MediaTypes.Pdf or MediaTypes.Docx
                ? new ParseException(FailureCodes.Corrupt, $"The document is called a {(hint == MediaTypes.Pdf ? "PDF" : "DOCX")} but does not begin like one; it is damaged. Send it again from its source.")
                : new ParseException(FailureCodes.Unsupported, "The content is binary and of no known format. Text, Markdown, HTML, PDF, DOCX, CSV, JSON and JSON lines are read.");
        }

        return Text(content, hint);
    }

    private static bool IsPdf(ReadOnlySpan<byte> content, string? hint)
    {
        var head = content[..Math.Min(content.Length, 1024)];
        var at = head.IndexOf("%PDF-"u8);
        return at >= 0 && (hint == MediaTypes.Pdf || head[..at].IndexOfAnyExcept((ReadOnlySpan<byte>)[9, 10, 13, 32, 0, 0xef, 0xbb, 0xbf]) < 0 || TextDecoder.LooksBinary(content))
            || hint == MediaTypes.Pdf && content[..Math.Min(content.Length, 1 << 20)].IndexOf(" obj"u8) >= 0;
    }

    private static string Text(ReadOnlySpan<byte> content, string? hint)
    {
        var head = TextDecoder.Decode(content[..Math.Min(content.Length, 8 << 10)]).AsSpan().TrimStart();
        if (head.IsEmpty && content.Length <= 8 << 10)
        {
            throw new ParseException(FailureCodes.NoText, "The document holds nothing but white space.");
        }

        if (LooksHtml(head, hint))
        {
            return MediaTypes.Html;
        }

        if (head.Length > 0 && head[0] is '{' or '[')
        {
            if (hint is MediaTypes.JsonLines or MediaTypes.Json)
            {
                return hint == MediaTypes.Json && IsJsonLines(head) ? MediaTypes.JsonLines : hint;
            }

            if (hint is null or MediaTypes.PlainText or MediaTypes.Csv)
            {
                if (IsJsonLines(head))
                {
                    return MediaTypes.JsonLines;
                }

                if (IsJson(content))
                {
                    return MediaTypes.Json;
                }
            }
        }

        return hint switch
        {
            // A picture's or a container's name, and text inside: what it is counts.
            MediaTypes.Pdf or MediaTypes.Docx or MediaTypes.Html => MediaTypes.PlainText,
            null => LooksMarkdown(head) ? MediaTypes.Markdown : MediaTypes.PlainText,
            _ => hint,
        };
    }

    private static bool LooksHtml(ReadOnlySpan<char> head, string? hint)
    {
        if (head.IsEmpty || head[0] != '<')
        {
            return hint == MediaTypes.Html && head.IndexOf('<') >= 0;
        }

        var text = head.ToString();
        return text.StartsWith("<!doctype html", StringComparison.OrdinalIgnoreCase)
            || text.Contains("<html", StringComparison.OrdinalIgnoreCase)
            || hint is MediaTypes.Html
            || hint is null or MediaTypes.PlainText && (text.Contains("<body", StringComparison.OrdinalIgnoreCase) || text.Contains("<p>", StringComparison.OrdinalIgnoreCase) || text.Contains("<div", StringComparison.OrdinalIgnoreCase));
    }

    // Two lines that are objects each by themselves.
    private static bool IsJsonLines(ReadOnlySpan<char> head)
    {
        var end = head.IndexOf('\n');
        if (end < 0 || head[0] != '{')
        {
            return false;
        }

        var second = head[(end + 1)..].TrimStart();
        return !second.IsEmpty && second[0] == '{' && IsJson(Encoding.UTF8.GetBytes(head[..end].ToString()));
    }

    private static bool IsJson(ReadOnlySpan<byte> content)
    {
        try
        {
            var reader = new Utf8JsonReader(content is [0xef, 0xbb, 0xbf, ..] ? content[3..] : content, new JsonReaderOptions { MaxDepth = 1024 });
            while (reader.Read())
            {
                // Only whether it can be read to its end counts.
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool LooksMarkdown(ReadOnlySpan<char> head)
    {
        var marks = 0;
        foreach (var line in head.EnumerateLines())
        {
            var trimmed = line.TrimStart('#');
            if ((trimmed.Length < line.Length && line.Length - trimmed.Length <= 6 && trimmed.StartsWith(" "))
                || line.StartsWith("```") || line.StartsWith("| ") || line.StartsWith("---"))
            {
                marks++;
            }
        }

        return marks >= 2 || head.StartsWith("# ");
    }
}
