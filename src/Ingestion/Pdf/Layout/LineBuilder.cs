using System.Text;
using RagCluster.Ingestion.Pdf.Content;

namespace RagCluster.Ingestion.Pdf.Layout;

/// <summary>
/// Joins the runs of a page into lines, in the order in which the page shows them, which in practice is the order of
/// reading; geometry decides only what belongs to the same line and where words end.
/// </summary>
internal static class LineBuilder
{
    /// <summary>A gap this wide, in font sizes, stands between words. Kerning stays below, the narrowest justified spaces above.</summary>
    private const double WordGap = 0.15;

    /// <summary>A gap this wide separates columns.</summary>
    private const double ColumnGap = 1.6;

    public static List<PdfLine> Build(IEnumerable<TextRun> runs, int page)
    {
        var lines = new List<PdfLine>();
        // Text in another direction than most (a stamp on the margin) comes behind the rest.
        foreach (var direction in runs.GroupBy(r => r.Angle).OrderByDescending(g => g.Sum(r => r.Text.Length)))
        {
            var fragments = Fragments(direction);
            Rows(fragments, page, lines);
        }

        return lines;
    }

    private static List<Fragment> Fragments(IEnumerable<TextRun> runs)
    {
        var fragments = new List<Fragment>();
        Fragment? last = null;
        foreach (var run in runs)
        {
            if (last is not null && last.IsOverprint(run))
            {
                continue;
            }

            if (last is null || !last.TryAppend(run))
            {
                if (string.IsNullOrWhiteSpace(run.Text))
                {
                    continue;
                }

                last = new Fragment(run);
                fragments.Add(last);
            }
        }

        return fragments;
    }

    private static void Rows(List<Fragment> fragments, int page, List<PdfLine> lines)
    {
        for (var i = 0; i < fragments.Count;)
        {
            var row = new List<Fragment> { fragments[i++] };
            while (i < fragments.Count && fragments[i].SameBaseline(row[^1]) && fragments[i].X >= row[^1].Right - 0.3 * row[^1].Size)
            {
                row.Add(fragments[i++]);
            }

            var cells = row.Select(f => new Cell(f.Text.ToString().Trim(), f.X, f.Right)).Where(c => c.Text.Length > 0).ToList();
            if (cells.Count > 0)
            {
                var main = row.MaxBy(f => f.Text.Length)!;
                lines.Add(new PdfLine(cells, main.Y, main.Size, row.All(f => f.IsBold), page));
            }
        }
    }

    private sealed class Fragment(TextRun first)
    {
        private TextRun _last = first;
        private int _sizedBy = first.Text.Length;

        public StringBuilder Text { get; } = new(first.Text);

        public double X { get; private set; } = first.X;

        public double Right { get; private set; } = first.Right;

        public double Y { get; private set; } = first.Y;

        public double Size { get; private set; } = first.Size;

        public bool IsBold { get; private set; } = first.IsBold;

        public bool SameBaseline(Fragment other) => Math.Abs(Y - other.Y) <= 0.3 * Math.Max(Size, other.Size);

        /// <summary>Whether the run repeats the last one a hair beside it, which is how some producers write bold.</summary>
        public bool IsOverprint(TextRun run) =>
            run.Text == _last.Text && Math.Abs(run.X - _last.X) < 0.15 * run.Size && Math.Abs(run.Y - _last.Y) < 0.15 * run.Size && !string.IsNullOrWhiteSpace(run.Text);

        public bool TryAppend(TextRun run)
        {
            // Raised and lowered small text (footnote marks, indices) stays in its line.
            var larger = Math.Max(Size, run.Size);
            var tolerance = Math.Min(Size, run.Size) < 0.85 * larger ? 0.55 : 0.3;
            if (Math.Abs(run.Y - Y) > tolerance * larger)
            {
                return false;
            }

            var gap = run.X - Right;
            if (gap < -0.5 * larger || gap > ColumnGap * larger)
            {
                return false;
            }

            if (gap > WordGap * Math.Min(Size, run.Size) && !EndsWithSpace() && !char.IsWhiteSpace(run.Text[0]))
            {
                Text.Append(' ');
            }

            Text.Append(run.Text);
            Right = Math.Max(Right, run.Right);
            if (run.Text.Length > _sizedBy && run.Size > Size * 0.7)
            {
                (Size, Y, _sizedBy) = (run.Size, run.Y, run.Text.Length);
            }

            IsBold &= run.IsBold || string.IsNullOrWhiteSpace(run.Text);
            _last = run;
            return true;
        }

        private bool EndsWithSpace() => Text.Length > 0 && char.IsWhiteSpace(Text[^1]);
    }
}
