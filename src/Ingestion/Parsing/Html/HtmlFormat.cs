using AngleSharp;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;
using AngleSharp.Html.Parser;
using RagCluster.Ingestion.Parsing.Html;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Parsing.Formats;

/// <summary>HTML: the main content of a page, without navigation, banners, comments and advertisements. Scripts never run and nothing is fetched.</summary>
internal sealed class HtmlFormat : IFormat
{
    public string MediaType => MediaTypes.Html;

    public ParsedDocument Parse(FormatInput input)
    {
        using var page = HtmlSource.Read(TextDecoder.Decode(input.Content.Span, HtmlSource.DeclaredEncoding(input.Content.Span)), input);
        var title = PageTitle.Of(page);
        var builder = input.NewBuilder();
        foreach (var (name, selector) in PageTitle.Properties)
        {
            if (PageTitle.Meta(page, selector) is { Length: > 0 and <= 1024 } value)
            {
                builder.Metadata[name] = value;
            }
        }

        new HtmlWriter(builder, input).Write(MainContent.Of(page, input));
        if (builder.IsEmpty && PageTitle.Meta(page, "description", "og:description") is { Length: > 0 } description)
        {
            builder.Paragraph(description);
            builder.Warn("The page has no text of its own; its description stands in.");
        }

        return builder.Build(MediaTypes.Html, title, input.Name);
    }
}

/// <summary>A piece of HTML inside another format: all of it is content.</summary>
internal static class HtmlFragment
{
    public static void Write(string html, DocumentBuilder into, FormatInput input)
    {
        using var page = HtmlSource.Read(html, input);
        Boilerplate.RemoveInvisible(page);
        if (page.Body is { } body)
        {
            new HtmlWriter(into, input).Write([body]);
        }
    }
}
