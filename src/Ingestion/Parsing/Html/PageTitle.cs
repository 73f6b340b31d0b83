using AngleSharp.Dom;
using AngleSharp.Html.Dom;

namespace RagCluster.Ingestion.Parsing.Html;

/// <summary>What a page calls itself, without the name of its site.</summary>
internal static class PageTitle
{
    private static readonly string[] Separators = [" | ", " - ", " – ", " — ", " :: ", " » ", " / ", " · "];

    public static (string Name, string Selector)[] Properties { get; } =
        [("author", "author"), ("description", "description"), ("site", "og:site_name"), ("published", "article:published_time")];

    public static string? Of(IHtmlDocument page)
    {
        var title = TextCleaner.OneLine(page.Head?.QuerySelector("title")?.TextContent ?? page.Title ?? "");
        var heading = page.Body?.QuerySelector("h1");
        var h1 = heading is null ? "" : TextCleaner.OneLine(heading.TextContent);
        if (Meta(page, "og:title", "dc.title", "dcterm:title", "twitter:title") is { Length: > 0 } own)
        {
            return WithoutSite(own, Meta(page, "og:site_name"));
        }

        if (h1.Length is > 3 and <= 200 && title.Contains(h1, StringComparison.OrdinalIgnoreCase))
        {
            return h1;
        }

        if (title.Length == 0)
        {
            return h1.Length > 0 ? h1 : null;
        }

        // "Story - Site": the longer side is the story's, if it is a phrase.
        foreach (var separator in Separators)
        {
            var at = title.LastIndexOf(separator, StringComparison.Ordinal);
            if (at > 0 && title[..at].Count(c => c == ' ') >= 2)
            {
                return title[..at].Trim();
            }
        }

        return title;
    }

    /// <summary>The content of the first meta element of one of these names or properties.</summary>
    public static string? Meta(IHtmlDocument page, params string[] names)
    {
        foreach (var name in names)
        {
            foreach (var meta in page.GetElementsByTagName("meta"))
            {
                var key = meta.GetAttribute("property") ?? meta.GetAttribute("name");
                if (key is not null && key.Split(' ', StringSplitOptions.RemoveEmptyEntries).Contains(name, StringComparer.OrdinalIgnoreCase)
                    && meta.GetAttribute("content") is { } content && !string.IsNullOrWhiteSpace(content))
                {
                    return TextCleaner.OneLine(content);
                }
            }
        }

        return null;
    }

    private static string WithoutSite(string title, string? site)
    {
        if (site is { Length: > 0 })
        {
            foreach (var separator in Separators)
            {
                if (title.EndsWith(separator + site, StringComparison.OrdinalIgnoreCase))
                {
                    return title[..^(separator.Length + site.Length)].Trim();
                }
            }
        }

        return title;
    }
}
