using System.Globalization;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Parsing.Formats;

/// <summary>Comma-, semicolon-, tab- or pipe-separated values: every row a block that repeats the header's names.</summary>
internal sealed class CsvFormat : IFormat
{
    private const int SampledRows = 50;
    private static readonly char[] Delimiters = [',', ';', '\t', '|'];

    public string MediaType => MediaTypes.Csv;

    public ParsedDocument Parse(FormatInput input)
    {
        var text = TextDecoder.Decode(input.Content.Span);
        var builder = input.NewBuilder();
        var rows = new CsvRows(text, Delimiter(text));
        var sample = new List<(int Line, string[] Cells)>();
        while (sample.Count < SampledRows && rows.Read() is { } cells)
        {
            sample.Add((rows.Line, cells));
        }

        if (sample.Count == 0)
        {
            throw new ParseException(FailureCodes.NoText, "The table has no rows.");
        }

        var header = HasHeader([.. sample.Select(s => s.Cells)]) ? sample[0].Cells.Select(c => TextCleaner.OneLine(c)).ToArray() : null;
        foreach (var (line, cells) in sample.Skip(header is null ? 0 : 1))
        {
            builder.TableRow(TableText.Row(header, cells), line);
        }

        while (rows.Read() is { } cells)
        {
            builder.TableRow(TableText.Row(header, cells), rows.Line);
        }

        if (rows.Unclosed && text.Length - text.LastIndexOf('"') > 64 << 10)
        {
            throw new ParseException(FailureCodes.Corrupt, $"The row that begins on line {rows.Line} opens a quotation mark that is never closed, so that the rest of the file is one field. Close it and send the file again.");
        }

        if (builder.IsEmpty && header is not null)
        {
            builder.TableRow(TableText.Row(null, header), 1);
        }

        return builder.Build(MediaTypes.Csv, null, input.Name);
    }

    /// <summary>The delimiter by which the first lines have the same number (more than one) of fields.</summary>
    private static char Delimiter(string text)
    {
        var head = text.Length > 64 << 10 ? text[..(64 << 10)] : text;
        var best = ',';
        var bestScore = 0.0;
        foreach (var delimiter in Delimiters)
        {
            if (!head.Contains(delimiter))
            {
                continue;
            }

            var rows = new CsvRows(head, delimiter);
            var counts = new List<int>();
            while (counts.Count < SampledRows && rows.Read() is { } cells)
            {
                counts.Add(cells.Length);
            }

            // The last row of a cut sample may be cut itself.
            if (counts.Count > 1 && head.Length < text.Length)
            {
                counts.RemoveAt(counts.Count - 1);
            }

            var mode = counts.Where(c => c > 1).GroupBy(c => c).MaxBy(g => g.Count());
            if (mode is not null)
            {
                // Agreement between rows says more than many columns: prose has commas too.
                var share = (double)mode.Count() / counts.Count;
                var score = share * share * (1 + Math.Log(mode.Key));
                if (score > bestScore)
                {
                    (best, bestScore) = (delimiter, score);
                }
            }
        }

        return best;
    }

    /// <summary>A first row of distinct short texts, none of them a number or a date, hardly any empty.</summary>
    private static bool HasHeader(string[][] rows)
    {
        if (rows.Length < 2)
        {
            return false;
        }

        var first = rows[0];
        var named = first.Where(c => !string.IsNullOrWhiteSpace(c)).ToArray();
        if (named.Length < first.Length - (first.Length + 3) / 4 || named.Any(c => c.Length > 120 || IsValue(c))
            || named.Distinct(StringComparer.OrdinalIgnoreCase).Count() < named.Length)
        {
            return false;
        }

        // One column: a header is short where the rows are not.
        return first.Length > 1 || first[0].Length is > 0 and <= 40 && rows.Skip(1).Average(r => r[0].Length) > 2 * first[0].Length;
    }

    private static bool IsValue(string cell) =>
        double.TryParse(cell.Trim().TrimStart('$', '€', '£').TrimEnd('%'), NumberStyles.Any, CultureInfo.InvariantCulture, out _)
        || cell.Length >= 8 && DateTime.TryParse(cell, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
}
