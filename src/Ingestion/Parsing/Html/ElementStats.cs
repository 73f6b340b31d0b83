using AngleSharp.Dom;

namespace RagCluster.Ingestion.Parsing.Html;

/// <summary>For every element below a root: how much text it holds, how much of it in links, how many commas. One pass, no recursion.</summary>
internal sealed class ElementStats
{
    private readonly Dictionary<IElement, Stats> _stats = [];

    public sealed class Stats
    {
        /// <summary>Characters that are not white space, and one for each run of white space between them.</summary>
        public int Text { get; set; }

        public int Links { get; set; }

        public int Commas { get; set; }

        public bool EndsSentence { get; set; }

        public double LinkDensity => Text == 0 ? 0 : (double)Links / Text;
    }

    public Stats this[IElement element] => _stats.TryGetValue(element, out var stats) ? stats : new Stats();

    public static ElementStats Of(IElement root)
    {
        var all = new ElementStats();
        var open = new Stack<(IElement Element, INode? Next)>();
        open.Push((root, root.FirstChild));
        all._stats[root] = new Stats();
        while (open.TryPop(out var top))
        {
            var (element, node) = top;
            var stats = all._stats[element];
            var descended = false;
            for (; node is not null; node = node.NextSibling)
            {
                if (node is IText text)
                {
                    Count(text.Data, stats);
                }
                else if (node is IElement child)
                {
                    open.Push((element, node.NextSibling));
                    open.Push((child, child.FirstChild));
                    all._stats[child] = new Stats();
                    descended = true;
                    break;
                }
            }

            if (!descended && open.TryPeek(out var parent))
            {
                var outer = all._stats[parent.Element];
                outer.Text += stats.Text;
                outer.Commas += stats.Commas;
                outer.Links += element.LocalName == "a" ? (element.GetAttribute("href") is ['#', ..] ? stats.Text * 3 / 10 : stats.Text) : stats.Links;
                outer.EndsSentence = stats.Text > 0 ? stats.EndsSentence : outer.EndsSentence;
            }
        }

        return all;
    }

    private static void Count(string text, Stats stats)
    {
        var space = true;
        foreach (var c in text)
        {
            if (char.IsWhiteSpace(c))
            {
                stats.Text += space ? 0 : 1;
                space = true;
                continue;
            }

            space = false;
            stats.Text++;
            stats.Commas += c is ',' or '\u3001' or '\uff0c' or '\u060c' ? 1 : 0;
            stats.EndsSentence = c is '.' or '!' or '?' or '\u3002';
        }
    }
}
