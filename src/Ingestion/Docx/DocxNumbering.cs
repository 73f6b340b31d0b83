using System.Globalization;
using System.Text;
using System.Xml.Linq;

namespace RagCluster.Ingestion.Docx;

/// <summary>Counts lists as Word does and writes their marks: "3.", "2.1", "(b)"; a bullet is "-".</summary>
internal sealed class DocxNumbering
{
    private readonly Dictionary<string, string> _abstractOf = [];
    private readonly Dictionary<(string Abstract, int Level), (string Format, string Text, int Start)> _levels = [];
    private readonly Dictionary<string, int?[]> _counters = [];

    public DocxNumbering(XElement? numbering)
    {
        foreach (var definition in numbering?.Children("abstractNum") ?? [])
        {
            var id = definition.Attr("abstractNumId") ?? "";
            foreach (var level in definition.Children("lvl"))
            {
                _levels[(id, DocxXml.Int(level.Attr("ilvl")) ?? 0)] = (level.Value("numFmt") ?? "decimal", level.Value("lvlText") ?? "", DocxXml.Int(level.Value("start")) ?? 1);
            }
        }

        foreach (var list in numbering?.Children("num") ?? [])
        {
            if (list.Attr("numId") is { } id && list.Value("abstractNumId") is { } definition)
            {
                _abstractOf[id] = definition;
            }
        }
    }

    /// <summary>The mark of the next item of this list and level.</summary>
    public string Next(string list, int level)
    {
        if (!_abstractOf.TryGetValue(list, out var definition) || !_levels.TryGetValue((definition, level), out var own) || own.Format is "bullet" or "none")
        {
            return "-";
        }

        if (!_counters.TryGetValue(definition, out var counters))
        {
            _counters[definition] = counters = new int?[9];
        }

        counters[level] = counters[level] + 1 ?? own.Start;
        Array.Clear(counters, level + 1, counters.Length - level - 1);
        var mark = new StringBuilder(own.Text.Length > 0 ? own.Text : $"%{level + 1}.");
        for (var i = 0; i <= level; i++)
        {
            var format = _levels.TryGetValue((definition, i), out var at) ? at.Format : "decimal";
            mark.Replace($"%{i + 1}", Format(counters[i] ?? at.Start, format));
        }

        return mark.Length is > 0 and <= 24 ? mark.ToString() : "-";
    }

    private static string Format(int number, string format) => format switch
    {
        "lowerLetter" => Letters(number).ToLowerInvariant(),
        "upperLetter" => Letters(number),
        "lowerRoman" => Roman(number).ToLowerInvariant(),
        "upperRoman" => Roman(number),
        _ => number.ToString(CultureInfo.InvariantCulture),
    };

    // a to z, then aa, bb, as Word counts.
    private static string Letters(int number) => number < 1 ? "" : new string((char)('A' + (number - 1) % 26), Math.Min(8, (number - 1) / 26 + 1));

    private static string Roman(int number)
    {
        if (number is < 1 or > 3999)
        {
            return number.ToString(CultureInfo.InvariantCulture);
        }

        var roman = new StringBuilder();
        foreach (var (value, digits) in (ReadOnlySpan<(int, string)>)[(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")])
        {
            for (; number >= value; number -= value)
            {
                roman.Append(digits);
            }
        }

        return roman.ToString();
    }
}
