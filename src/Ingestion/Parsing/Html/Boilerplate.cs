using System.Text.RegularExpressions;
using AngleSharp.Dom;
using AngleSharp.Html.Dom;

namespace RagCluster.Ingestion.Parsing.Html;

/// <summary>What of a page is never its content, and what rarely is.</summary>
internal static partial class Boilerplate
{
    private static readonly HashSet<string> Invisible = new(StringComparer.OrdinalIgnoreCase)
    {
        "script", "style", "noscript", "template", "iframe", "svg", "object", "embed", "canvas", "head", "link", "meta", "button", "select",
        "input", "textarea", "option", "datalist", "audio", "video", "map", "dialog", "progress", "meter",
    };

    private static readonly HashSet<string> Landmarks = new(StringComparer.OrdinalIgnoreCase) { "nav", "footer", "aside", "menu" };

    private static readonly HashSet<string> Roles = new(StringComparer.OrdinalIgnoreCase)
    {
        "navigation", "banner", "contentinfo", "complementary", "dialog", "alertdialog", "menu", "menubar", "search", "toolbar",
    };

    /// <summary>Removes what no reader sees: scripts, styles, form controls, hidden elements, comments.</summary>
    public static void RemoveInvisible(IHtmlDocument page)
    {
        foreach (var node in page.GetDescendants().ToArray())
        {
            if (node is IComment || node is IElement element && (Invisible.Contains(element.LocalName) || IsHidden(element)))
            {
                node.Parent?.RemoveChild(node);
            }
        }
    }

    /// <summary>Removes navigation, footers, side columns, and by their names what looks like banners, comments and advertisements.</summary>
    /// <param name="byName">Whether class names and ids may condemn too; they err sometimes.</param>
    public static void RemoveUnlikely(IHtmlDocument page, bool byName)
    {
        if (page.Body is not { } body)
        {
            return;
        }

        foreach (var element in body.GetDescendants().OfType<IElement>().ToArray())
        {
            if (element.Parent is not null && (IsLandmark(element) || byName && IsUnlikelyByName(element)))
            {
                element.Parent.RemoveChild(element);
            }
        }
    }

    /// <summary>+25 for names of content, -25 for names of what stands around it.</summary>
    public static int NameWeight(IElement element)
    {
        var names = Names(element);
        return names.Length == 0 ? 0 : (Negative().IsMatch(names) ? -25 : 0) + (Positive().IsMatch(names) ? 25 : 0);
    }

    private static bool IsLandmark(IElement element) =>
        Landmarks.Contains(element.LocalName)
        || element.GetAttribute("role") is { } role && Roles.Contains(role.Trim())
        || element.LocalName == "header" && !Within(element, "article") && !Within(element, "main") && element.QuerySelector("h1") is null;

    private static bool IsUnlikelyByName(IElement element)
    {
        if (element.LocalName is "body" or "html" or "a" or "article" or "main" or "h1" or "h2" or "h3" or "table" or "tbody" or "tr" or "td" or "code" or "pre" || Within(element, "table") || Within(element, "code"))
        {
            return false;
        }

        var names = Names(element);
        return names.Length > 0 && Unlikely().IsMatch(names) && !Maybe().IsMatch(names);
    }

    private static bool IsHidden(IElement element)
    {
        if (element.HasAttribute("hidden") || string.Equals(element.GetAttribute("aria-hidden"), "true", StringComparison.OrdinalIgnoreCase) && !element.ClassName?.Contains("fallback-image", StringComparison.Ordinal) == true)
        {
            return true;
        }

        return element.GetAttribute("style") is { } style && HiddenStyle().IsMatch(style);
    }

    private static string Names(IElement element) => (element.ClassName, element.Id) switch
    {
        (null or "", null or "") => "",
        (var c, null or "") => c,
        (null or "", var id) => id,
        var (c, id) => c + " " + id,
    };

    private static bool Within(IElement element, string name)
    {
        for (var parent = element.ParentElement; parent is not null; parent = parent.ParentElement)
        {
            if (parent.LocalName == name)
            {
                return true;
            }
        }

        return false;
    }

    [GeneratedRegex(@"display\s*:\s*none|visibility\s*:\s*hidden", RegexOptions.IgnoreCase)]
    private static partial Regex HiddenStyle();

    [GeneratedRegex(@"-ad-|ai2html|banner|breadcrumb|combx|comment|community|consent|cookie|cover-wrap|disqus|extra|footer|gdpr|header|legends|menu|modal|navbar|newsletter|pager|pagination|popup|promo|recommend|related|remark|replies|rss|share|shoutbox|sidebar|skyscraper|social|sponsor|subscribe|supplemental|ad-break|agegate|yom-remote|toolbar|masthead|signup", RegexOptions.IgnoreCase)]
    private static partial Regex Unlikely();

    [GeneratedRegex(@"and|article|body|column|content|main|shadow|story", RegexOptions.IgnoreCase)]
    private static partial Regex Maybe();

    [GeneratedRegex(@"article|body|content|entry|hentry|h-entry|main|page|post|text|blog|story", RegexOptions.IgnoreCase)]
    private static partial Regex Positive();

    [GeneratedRegex(@"-ad-|hidden|^hid$| hid$| hid |^hid |banner|combx|comment|com-|contact|footer|gdpr|masthead|media|meta|outbrain|promo|related|scroll|share|shoutbox|sidebar|skyscraper|sponsor|shopping|tags|widget", RegexOptions.IgnoreCase)]
    private static partial Regex Negative();
}
