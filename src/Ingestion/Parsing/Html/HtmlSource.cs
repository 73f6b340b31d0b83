using System.Text;
using System.Text.RegularExpressions;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Parsing.Html;

/// <summary>From bytes to a document tree of bounded depth.</summary>
internal static partial class HtmlSource
{
    /// <summary>How deep elements may nest before the page is refused; browsers stop at 512.</summary>
    private const int Depth = 1024;

    /// <summary>The encoding that a meta element in the first 4 KiB names.</summary>
    public static string? DeclaredEncoding(ReadOnlySpan<byte> bytes)
    {
        var match = Charset().Match(Encoding.Latin1.GetString(bytes[..Math.Min(bytes.Length, 4096)]));
        return match.Success ? match.Groups[1].Value : null;
    }

    public static IHtmlDocument Read(string html, FormatInput input)
    {
        Guard(html, input);
        var parser = new HtmlParser(new HtmlParserOptions { IsScripting = false, IsNotConsumingCharacterReferences = false });
        var document = parser.ParseDocument(html);
        input.Cancellation.ThrowIfCancellationRequested();
        return document;
    }

    /// <summary>
    /// The tree builder takes quadratic time, and readers of the tree deep stacks, for elements that nest without end.
    /// This counts what is certainly nested: elements that only their end tag closes.
    /// </summary>
    private static void Guard(string html, FormatInput input)
    {
        var depth = 0;
        var counted = 0;
        foreach (var tag in NestingTags().EnumerateMatches(html))
        {
            if ((++counted & 4095) == 0)
            {
                input.Cancellation.ThrowIfCancellationRequested();
            }

            if (html[tag.Index + 1] == '/')
            {
                depth = Math.Max(0, depth - 1);
            }
            else if (++depth > Depth)
            {
                throw new ParseException(FailureCodes.TooLarge, $"The page nests more than {Depth:N0} elements in each other.");
            }
        }
    }

    [GeneratedRegex("""<meta[^>]+charset\s*=\s*["']?\s*([\w-]+)""", RegexOptions.IgnoreCase)]
    private static partial Regex Charset();

    [GeneratedRegex("</?(div|span|section|article|blockquote|b|i|u|em|strong|font|a|table|ul|ol|dl|center|small|big|form|fieldset|svg|g|math|details|template|ruby|sub|sup|code|tt|s|nobr|object)(?=[\\s>/])", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex NestingTags();
}
