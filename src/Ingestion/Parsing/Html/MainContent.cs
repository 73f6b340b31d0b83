using AngleSharp.Dom;
using AngleSharp.Html.Dom;

namespace RagCluster.Ingestion.Parsing.Html;

/// <summary>
/// Finds a page's main content: paragraphs give points for length and commas to the elements around them, points
/// shrink with the share of text in links, and the best element wins together with those of its neighbours that look
/// alike (the idea of Arc90's Readability). Where that leaves too little, less is removed, and in the end
/// everything visible counts: losing a document is worse than keeping its menu.
/// </summary>
internal static class MainContent
{
    private const int Enough = 400;
    private static readonly HashSet<string> Paragraphs = ["p", "td", "pre", "blockquote", "section", "h2", "h3", "h4", "h5", "h6", "li", "dd"];

    /// <summary>The elements that hold the content, in the order of the page. They are changed: what is not content inside them is removed.</summary>
    public static IReadOnlyList<IElement> Of(IHtmlDocument page, FormatInput input)
    {
        Boilerplate.RemoveInvisible(page);
        if (page.Body is not { } body)
        {
            return [];
        }

        var whole = TextLength(body);
        foreach (var (landmarks, names, clean) in ((bool, bool, bool)[])[(true, true, true), (true, false, true), (true, false, false)])
        {
            input.Cancellation.ThrowIfCancellationRequested();
            var attempt = (IHtmlDocument)page.Clone(deep: true);
            if (landmarks)
            {
                Boilerplate.RemoveUnlikely(attempt, names);
            }

            var found = Best(attempt.Body!, input);
            if (clean)
            {
                found.ForEach(ContentCleaner.Clean);
            }

            var length = found.Sum(TextLength);
            if (length >= Enough || length > whole * 6 / 10)
            {
                return found;
            }
        }

        return [body];
    }

    private static List<IElement> Best(IElement body, FormatInput input)
    {
        var stats = ElementStats.Of(body);
        var scores = new Dictionary<IElement, double>();
        foreach (var element in body.GetDescendants().OfType<IElement>())
        {
            if ((Paragraphs.Contains(element.LocalName) || IsTextDivision(element)) && stats[element] is { Text: >= 25 } s)
            {
                var points = 1 + s.Commas + Math.Min(s.Text / 100, 3);
                var level = 0;
                for (var ancestor = element.ParentElement; ancestor is not null && level < 5; ancestor = ancestor.ParentElement, level++)
                {
                    scores.TryAdd(ancestor, Base(ancestor));
                    scores[ancestor] += points / (level switch { 0 => 1.0, 1 => 2.0, _ => level * 3.0 });
                    if (ancestor == body)
                    {
                        break;
                    }
                }
            }
        }

        input.Cancellation.ThrowIfCancellationRequested();
        var top = body;
        var best = 0.0;
        foreach (var (element, score) in scores)
        {
            var scaled = score * (1 - stats[element].LinkDensity);
            scores[element] = scaled;
            if (scaled > best)
            {
                (top, best) = (element, scaled);
            }
        }

        if (best <= 0)
        {
            return [body];
        }

        top = Climb(top, body, scores, best);
        return top == body || top.ParentElement is null ? [top] : WithSiblings(top, best, scores, stats);
    }

    /// <summary>A parent that scores nearly as high holds more of the same content; a parent with one child is that child.</summary>
    private static IElement Climb(IElement top, IElement body, Dictionary<IElement, double> scores, double best)
    {
        var last = best;
        for (var parent = top.ParentElement; parent is not null && parent != body; parent = parent.ParentElement)
        {
            if (!scores.TryGetValue(parent, out var score))
            {
                continue;
            }

            if (score < best / 3)
            {
                break;
            }

            if (score > last)
            {
                top = parent;
                break;
            }

            last = score;
        }

        while (top.ParentElement is { } parent && parent != body && parent.ChildElementCount == 1)
        {
            top = parent;
        }

        return top;
    }

    private static List<IElement> WithSiblings(IElement top, double best, Dictionary<IElement, double> scores, ElementStats stats)
    {
        var threshold = Math.Max(10, best * 0.2);
        var chosen = new List<IElement>();
        foreach (var sibling in top.ParentElement!.Children)
        {
            if (sibling == top)
            {
                chosen.Add(sibling);
                continue;
            }

            var bonus = top.ClassName is { Length: > 0 } name && sibling.ClassName == name ? best * 0.2 : 0;
            var s = stats[sibling];
            if (scores.TryGetValue(sibling, out var score) && score + bonus >= threshold
                || sibling.LocalName == "p" && (s is { Text: > 80, LinkDensity: < 0.25 } || s is { Text: > 0 and <= 80, Links: 0 } && s.EndsSentence)
                || sibling.LocalName is "h1" or "h2" && s.LinkDensity < 0.3)
            {
                chosen.Add(sibling);
            }
        }

        return chosen;
    }

    private static double Base(IElement element) => Boilerplate.NameWeight(element) + element.LocalName switch
    {
        "article" or "main" => 10,
        "div" => 5,
        "pre" or "td" or "blockquote" => 3,
        "address" or "ol" or "ul" or "dl" or "dd" or "dt" or "li" or "form" => -3,
        "h1" or "h2" or "h3" or "h4" or "h5" or "h6" or "th" => -5,
        _ => 0,
    };

    /// <summary>A div that is used as a paragraph: it holds text and no block of its own.</summary>
    private static bool IsTextDivision(IElement element) =>
        element.LocalName == "div" && !element.Children.Any(c => HtmlWriter.IsBlock(c.LocalName));

    private static int TextLength(IElement element) => ElementStats.Of(element)[element].Text;
}
