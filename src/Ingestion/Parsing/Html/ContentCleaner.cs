using System.Text.RegularExpressions;
using AngleSharp.Dom;

namespace RagCluster.Ingestion.Parsing.Html;

/// <summary>Removes from the chosen content what stands in it without belonging to it: link lists, share bars, teasers.</summary>
internal static partial class ContentCleaner
{
    public static void Clean(IElement content)
    {
        foreach (var element in content.GetDescendants().OfType<IElement>().ToArray())
        {
            if (element.Parent is not null && element.LocalName is "div" or "ul" or "ol" or "table" or "form" or "section" or "fieldset" or "footer" or "dl" && !IsProtected(element, content) && IsClutter(element))
            {
                element.Parent?.RemoveChild(element);
            }
        }
    }

    private static bool IsProtected(IElement element, IElement content)
    {
        for (var ancestor = element; ancestor is not null && ancestor != content; ancestor = ancestor.ParentElement)
        {
            if (ancestor.LocalName is "code" or "pre" or "figure" || ancestor.LocalName == "table" && ancestor != element)
            {
                return true;
            }
        }

        return false;
    }

    private static bool IsClutter(IElement element)
    {
        var stats = ElementStats.Of(element)[element];
        if (stats.Text == 0)
        {
            return false;
        }

        var weight = Boilerplate.NameWeight(element);
        if (weight < 0 && stats.Commas < 10)
        {
            return true;
        }

        if (stats.Commas >= 10)
        {
            return false;
        }

        var list = element.LocalName is "ul" or "ol" || ListShare(element, stats.Text) > 0.9;
        if (element.LocalName == "table")
        {
            return stats.LinkDensity > 0.8 && weight <= 0;
        }

        return weight < 25 && !list && stats.LinkDensity > 0.3 && stats.Text < 400
            || weight >= 25 && stats.LinkDensity > 0.6
            || stats.LinkDensity > 0.55 && stats.Text < 1500
            || list && stats.LinkDensity > 0.4 && weight < 25 && element.Children.Length > 2;
    }

    private static double ListShare(IElement element, int text)
    {
        var all = ElementStats.Of(element);
        return element.GetElementsByTagName("ul").Concat(element.GetElementsByTagName("ol")).Sum(l => all[l].Text) / (double)text;
    }
}
