using System.Text;
using System.Text.RegularExpressions;
using RagCluster.Ingestion.Parsing;

namespace RagCluster.Ingestion.Pdf.Layout;

/// <summary>
/// Builds headings, paragraphs, list items and tables from lines, by their distances, sizes and indents. Lines of a
/// paragraph are joined; a word that a line end divided becomes whole.
/// </summary>
internal sealed partial class BlockAssembler(DocumentBuilder into)
{
    private const int LongestHeading = 200;
    private readonly StringBuilder _text = new();
    private readonly List<PdfLine> _lines = [];
    private Dictionary<double, int> _levels = [];
    private double _body;
    private double _leading;
    private bool _isList;

    public void Write(List<List<PdfLine>> pages)
    {
        Measure(pages);
        foreach (var page in pages)
        {
            for (var i = 0; i < page.Count;)
            {
                var table = i;
                while (table < page.Count && page[table].Cells.Count > 1)
                {
                    table++;
                }

                // One line of several cells is a line with gaps, not a table.
                if (table - i >= 2)
                {
                    Flush();
                    into.Page = page[i].Page;
                    PdfTable.Write(page.GetRange(i, table - i), into);
                    i = table;
                    continue;
                }

                Add(page[i++]);
            }
        }

        Flush();
    }

    /// <summary>The first line of the largest size on the first page that has text; the document's title if it has no other.</summary>
    public static string? BigLine(List<List<PdfLine>> pages)
    {
        var first = pages.FirstOrDefault(p => p.Count > 0);
        var largest = first?.Take(40).Where(l => l.Text.Count(char.IsLetter) >= 4).MaxBy(l => Math.Round(l.Size * 2));
        if (largest is null || first!.All(l => l.Size >= largest.Size * 0.95) && first!.Count > 1)
        {
            return null;
        }

        var start = first!.IndexOf(largest);
        return string.Join(" ", first!.Skip(start).Take(3).TakeWhile(l => Math.Abs(l.Size - largest.Size) < 0.5).Select(l => l.Text));
    }

    private void Measure(List<List<PdfLine>> pages)
    {
        var sizes = new Dictionary<double, int>();
        var leadings = new Dictionary<double, int>();
        foreach (var page in pages)
        {
            for (var i = 0; i < page.Count; i++)
            {
                var size = Rounded(page[i].Size);
                sizes[size] = sizes.GetValueOrDefault(size) + page[i].Text.Length;
                if (i > 0 && page[i].Y - page[i - 1].Y is > 0 and var gap && gap < 3 * size && Rounded(page[i - 1].Size) == size)
                {
                    var leading = Math.Round(gap / size, 1);
                    leadings[leading] = leadings.GetValueOrDefault(leading) + 1;
                }
            }
        }

        _body = sizes.Count == 0 ? 10 : sizes.MaxBy(s => s.Value).Key;
        _leading = leadings.Count == 0 ? 1.2 : Math.Max(1, leadings.MaxBy(l => l.Value).Key);
        var levels = sizes.Keys.Where(s => s >= _body * 1.12).OrderDescending().Take(6).ToList();
        _levels = levels.Select((s, i) => (s, i)).ToDictionary(p => p.s, p => Math.Min(p.i + 1, 4));
    }

    private static double Rounded(double size) => Math.Round(size * 2) / 2;

    private void Add(PdfLine line)
    {
        if (_lines.Count > 0 && !Continues(_lines[^1], line))
        {
            Flush();
        }

        if (_lines.Count == 0)
        {
            // A numbered heading is a heading first.
            _isList = ListMark().IsMatch(line.Text) && Level(line) == 0;
        }

        Join(_text, line.Text);
        _lines.Add(line);
    }

    private bool Continues(PdfLine last, PdfLine line)
    {
        if (ListMark().IsMatch(line.Text) && (_isList || Level(line) > 0 || line.Text[0] is not (>= '0' and <= '9')))
        {
            return false;
        }

        if (Math.Abs(last.Size - line.Size) > 0.12 * Math.Max(last.Size, line.Size) || Level(last) != Level(line))
        {
            return false;
        }

        var down = line.Y - last.Y;
        if (last.Page != line.Page || down <= -0.5 * line.Size || down > 8 * line.Size)
        {
            // Another page or column: prose goes on in the middle of a sentence.
            return Level(line) == 0 && last.Text.Length > 20 && !EndsSentence(last.Text) && char.IsLower(FirstLetter(line.Text));
        }

        if (down > (_leading + 0.45) * line.Size || down < 0.3 * line.Size && line.X < last.Right)
        {
            return false;
        }

        if (Level(line) > 0)
        {
            return true;
        }

        // A first line's indent, or a last line that ends early.
        var left = _lines.Count > 1 ? _lines.Skip(1).Min(l => l.X) : _lines[0].X;
        var indented = !_isList && line.X > left + 0.9 * line.Size && line.X < left + 6 * line.Size && _lines.Count > 1;
        var widest = _lines.Max(l => l.Right);
        var endsEarly = EndsSentence(last.Text) && last.Right < widest - 0.2 * (widest - left) && _lines.Count > 1;
        return !indented && !endsEarly;
    }

    /// <summary>0 for running text, else the level of a heading.</summary>
    private int Level(PdfLine line)
    {
        if (line.Cells.Count > 1 || line.Text.Length > LongestHeading || !line.Text.Any(char.IsLetter) || line.Text.Length < 2)
        {
            return 0;
        }

        if (_levels.TryGetValue(Rounded(line.Size), out var level))
        {
            return level;
        }

        return line.IsBold && line.Text.Length <= 120 && !EndsSentence(line.Text) && !line.Text.EndsWith(',') ? 5 : 0;
    }

    private void Flush()
    {
        if (_lines.Count == 0)
        {
            return;
        }

        var text = _text.ToString();
        into.Page = _lines[0].Page;
        var level = Level(_lines[0]);
        if (level > 0 && text.Length <= LongestHeading && !_isList)
        {
            into.Heading(level, text);
        }
        else if (_isList)
        {
            var mark = ListMark().Match(text);
            into.ListItem(text[mark.Length..], 0, mark.Groups[1].Value is var m && char.IsLetterOrDigit(m.TrimStart('(')[0]) ? m : "-");
        }
        else
        {
            into.Paragraph(text);
        }

        _text.Clear();
        _lines.Clear();
    }

    /// <summary>Appends a line; "insur-" and "ance" become "insurance", "life-" and "Insurer" keep their hyphen.</summary>
    private static void Join(StringBuilder text, string line)
    {
        if (text.Length > 1 && text[^1] is '-' or '\u00ad' or '\u2010' && char.IsLetter(text[^2]) && char.IsLower(line[0]))
        {
            text.Length--;
        }
        else if (text.Length > 0 && !(IsWide(text[^1]) && IsWide(line[0])))
        {
            text.Append(' ');
        }

        text.Append(line);
    }

    private static bool IsWide(char c) => c is >= '\u3000' and <= '\u9fff' or >= '\uff00' and <= '\uffef';

    private static bool EndsSentence(string text) => text.TrimEnd(')', ']', '"', '”', '’', ' ') is [.., '.' or '!' or '?' or ':' or ';' or '。'];

    private static char FirstLetter(string text) => text.FirstOrDefault(char.IsLetterOrDigit);

    [GeneratedRegex(@"^\s*([•‣◦▪●■○❑❏✓✔\u2219·»–*-]|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)])\s+(?=\S)")]
    private static partial Regex ListMark();
}
