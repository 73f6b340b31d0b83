using System.Text;
using static RagCluster.Samples.PdfFile;

namespace RagCluster.Samples;

/// <summary>Lays a source out on US Letter pages: title band, running heads, headings, paragraphs, lists and ruled tables.</summary>
/// <remarks>All lengths are points; y counts upward from the bottom edge of the page.</remarks>
internal sealed class PdfLayout
{
    private const double Margin = 64;
    private const double Right = PageWidth - Margin;
    private const double Bottom = 70;
    private const double BodySize = 10.5;
    private const double Leading = 14.5;
    private const double CellSize = 9;
    private const double CellLeading = 11.5;
    private const double CellPadding = 5;
    private const string Ink = "0.13 0.17 0.2 rg";
    private const string Navy = "0.07 0.21 0.31 rg";

    private readonly SourceDocument _source;
    private readonly List<(StringBuilder Operators, List<(string, double)> Headings)> _pages = [];
    private double _y;

    private PdfLayout(SourceDocument source) => _source = source;

    private StringBuilder Page => _pages[^1].Operators;

    public static byte[] Render(SourceDocument source)
    {
        var layout = new PdfLayout(source);
        layout.Title();
        for (var i = 0; i < source.Blocks.Count; i++)
        {
            layout.Place(source.Blocks[i], i + 1 < source.Blocks.Count ? source.Blocks[i + 1] : null);
        }

        layout.RunningHeads();
        return Write(source, [.. layout._pages.Select(page => new PdfPage(page.Operators.ToString(), page.Headings))]);
    }

    private void Title()
    {
        NewPage();
        Page.Append("0.07 0.21 0.31 rg\n").Append($"0 {N(PageHeight - 150)} {N(PageWidth)} 150 re f\n");
        Line(Margin, PageHeight - 62, [new Run("BRINDLEMERE LIFE INSURANCE COMPANY", true, false)], 9, "0.96 0.78 0.42 rg");
        Line(Margin, PageHeight - 96, [new Run(_source.Title, true, false)], 24, "1 1 1 rg");
        Line(Margin, PageHeight - 122, [new Run(_source.Subtitle, false, false)], 11, "0.85 0.9 0.94 rg");
        _y = PageHeight - 190;
    }

    private void Place(Block block, Block? next)
    {
        switch (block)
        {
            case Heading heading:
                var size = heading.Level == 1 ? 15 : 12.0;
                _y -= heading.Level == 1 ? 12 : 6;
                // A heading stays with what follows: the first lines of text, or the table.
                Need(size + 12 + (next is Table below ? KeptTogether(below) : 3 * Leading));
                _pages[^1].Headings.Add((heading.Text, _y + size));
                Line(Margin, _y, [new Run(heading.Text, true, false)], size, Navy);
                _y -= size + 7;
                break;
            case Paragraph paragraph:
                Flow(SourceDocument.Runs(paragraph.Text), Margin);
                _y -= 6;
                break;
            case ListBlock list:
                for (var i = 0; i < list.Items.Count; i++)
                {
                    Need(Leading);
                    Line(Margin + 6, _y, [new Run(list.Numbered ? $"{i + 1}." : "\u2022", false, false)], BodySize, Ink);
                    Flow(SourceDocument.Runs(list.Items[i]), Margin + 22);
                    _y -= 2;
                }

                _y -= 5;
                break;
            case Table table:
                Place(table);
                break;
        }
    }

    private void Flow(IReadOnlyList<Run> runs, double x)
    {
        var lines = Wrap(runs, Right - x, BodySize);
        for (var i = 0; i < lines.Count; i++)
        {
            // A short paragraph stays on one page, and no single line of a long one is left alone at the foot.
            Need(i > 0 ? Leading : lines.Count <= 4 ? lines.Count * Leading : 2 * Leading);
            Line(x, _y, lines[i], BodySize, Ink);
            _y -= Leading;
        }
    }

    private void Place(Table table)
    {
        var widths = ColumnWidths(table);
        _y -= 2;
        Need(KeptTogether(table));
        for (var row = 0; row < table.Rows.Count; row++)
        {
            PlaceRow(table.Rows[row], widths, header: row == 0, shaded: row % 2 == 0);
        }

        _y -= 16;

        void PlaceRow(IReadOnlyList<string> cells, double[] columns, bool header, bool shaded)
        {
            var wrapped = cells.Select((cell, c) => Wrap([new Run(cell, header, false)], columns[c] - 2 * CellPadding, CellSize)).ToList();
            var height = wrapped.Max(lines => lines.Count) * CellLeading + 2 * CellPadding - 1;
            if (_y + CellLeading - height < Bottom)
            {
                NewPage();
                if (!header)
                {
                    PlaceRow(table.Rows[0], columns, header: true, shaded: true);
                }
            }

            var top = _y + CellLeading;
            if (header || shaded)
            {
                Page.Append(header ? "0.07 0.21 0.31 rg\n" : "0.95 0.96 0.97 rg\n").Append($"{N(Margin)} {N(top - height)} {N(columns.Sum())} {N(height)} re f\n");
            }

            Page.Append($"0.72 0.77 0.8 RG 0.5 w {N(Margin)} {N(top - height)} m {N(Margin + columns.Sum())} {N(top - height)} l S\n");
            var x = Margin;
            for (var c = 0; c < wrapped.Count; c++)
            {
                for (var i = 0; i < wrapped[c].Count; i++)
                {
                    Line(x + CellPadding, top - CellPadding - CellSize + 1 - i * CellLeading, wrapped[c][i], CellSize, header ? "1 1 1 rg" : Ink);
                }

                x += columns[c];
            }

            _y -= height;
        }
    }

    /// <summary>A short table stays on one page; a long one may break after some rows and repeats its header.</summary>
    private static double KeptTogether(Table table) => (table.Rows.Count <= 10 ? table.Rows.Count : 4) * (CellLeading + 2 * CellPadding);

    /// <summary>Each column as wide as its longest cell, scaled down evenly (but never below its longest word) where that is too wide.</summary>
    private static double[] ColumnWidths(Table table)
    {
        var columns = Enumerable.Range(0, table.Rows[0].Count).ToArray();
        double Natural(int c) => table.Rows.Max(row => PdfFont.Bold.Width(row[c], CellSize)) + 2 * CellPadding + 6;
        double Least(int c) => table.Rows.Max(row => row[c].Split(' ').Max(word => PdfFont.Bold.Width(word, CellSize))) + 2 * CellPadding + 1;
        const double Available = Right - Margin;
        var natural = columns.Select(Natural).ToArray();
        if (natural.Sum() <= Available)
        {
            var spare = (Available - natural.Sum()) / natural.Length;
            return [.. natural.Select(width => width + Math.Min(spare, 40))];
        }

        var least = columns.Select(Least).ToArray();
        var share = (Available - least.Sum()) / (natural.Sum() - least.Sum());
        return [.. columns.Select(c => least[c] + share * (natural[c] - least[c]))];
    }

    private static List<IReadOnlyList<Run>> Wrap(IReadOnlyList<Run> runs, double width, double size)
    {
        var lines = new List<IReadOnlyList<Run>>();
        var line = new List<Run>();
        var used = 0.0;
        foreach (var word in Words(runs))
        {
            var wordWidth = word.Sum(run => Font(run).Width(run.Text, size));
            if (line.Count > 0 && used + wordWidth - (word[^1].Text.EndsWith(' ') ? size * 0.278 : 0) > width)
            {
                lines.Add(line);
                (line, used) = ([], 0);
            }

            line.AddRange(word);
            used += wordWidth;
        }

        lines.Add(line);
        return lines;
    }

    /// <summary>Words with their following space. A word can be of several runs, as in a bold word before a plain comma.</summary>
    private static IEnumerable<List<Run>> Words(IReadOnlyList<Run> runs)
    {
        var word = new List<Run>();
        foreach (var run in runs)
        {
            var start = 0;
            for (var i = 0; i < run.Text.Length; i++)
            {
                if (run.Text[i] == ' ')
                {
                    word.Add(run with { Text = run.Text[start..(i + 1)] });
                    yield return word;
                    (word, start) = ([], i + 1);
                }
            }

            if (start < run.Text.Length)
            {
                word.Add(run with { Text = run.Text[start..] });
            }
        }

        if (word.Count > 0)
        {
            yield return word;
        }
    }

    private void RunningHeads()
    {
        for (var i = 0; i < _pages.Count; i++)
        {
            var page = _pages[i].Operators;
            void Small(double x, double y, string text) => page.Append(TextAt(x, y, [new Run(text, false, false)], 8, "0.4 0.45 0.5 rg"));
            if (i > 0)
            {
                Small(Margin, PageHeight - 44, _source.Title);
            }

            var count = $"Page {i + 1} of {_pages.Count}";
            Small(Margin, 40, _source.Form);
            Small(Right - PdfFont.Regular.Width(count, 8), 40, count);
        }
    }

    private void Need(double height)
    {
        if (_y - height + Leading < Bottom)
        {
            NewPage();
        }
    }

    private void NewPage()
    {
        _pages.Add((new StringBuilder(), []));
        _y = PageHeight - 78;
    }

    private void Line(double x, double y, IReadOnlyList<Run> runs, double size, string color) => Page.Append(TextAt(x, y, runs, size, color));

    private static string TextAt(double x, double y, IReadOnlyList<Run> runs, double size, string color)
    {
        var text = new StringBuilder($"BT {color} {N(x)} {N(y)} Td");
        var i = 0;
        while (i < runs.Count)
        {
            var font = Font(runs[i]);
            var piece = new StringBuilder();
            for (; i < runs.Count && Font(runs[i]) == font; i++)
            {
                piece.Append(runs[i].Text);
            }

            text.Append($" /{font.Resource} {N(size)} Tf ({PdfFont.Encode(piece.ToString())}) Tj");
        }

        return text.Append(" ET\n").ToString();
    }

    private static PdfFont Font(Run run) => run.Bold ? PdfFont.Bold : run.Italic ? PdfFont.Italic : PdfFont.Regular;
}
