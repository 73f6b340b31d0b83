namespace RagCluster.Inference.Answering;

/// <summary>
/// Reads the rows of a table in text ("| a | b |" or cells between tabs) and writes each with its headers, as "Age: 30;
/// Rate: 1.2": a row alone does not say what its figures are.
/// </summary>
internal sealed class TableRows
{
    private string[]? _headers;

    public static bool IsRow(ReadOnlySpan<char> line) =>
        line.IndexOf('\n') < 0 && (line.Count('\t') >= 1 || (line.Length > 2 && line[0] == '|' && line[1..].Contains('|')) || line.Count('|') >= 2);

    /// <summary>Whether the row holds data; the first row of a table and the rule below it do not.</summary>
    public bool Take(ReadOnlySpan<char> line)
    {
        if (_headers is null)
        {
            _headers = Cells(line);
            return false;
        }

        return line.IndexOfAnyExcept("|-: \t") >= 0;
    }

    public string Render(ReadOnlySpan<char> line)
    {
        var cells = Cells(line);
        var parts = new List<string>(cells.Length);
        for (var i = 0; i < cells.Length; i++)
        {
            if (cells[i].Length > 0)
            {
                parts.Add(i < _headers!.Length && _headers[i].Length > 0 ? $"{_headers[i]}: {cells[i]}" : cells[i]);
            }
        }

        return string.Join("; ", parts) + ".";
    }

    private static string[] Cells(ReadOnlySpan<char> line)
    {
        var text = line.Trim().ToString();
        return text.Contains('|', StringComparison.Ordinal)
            ? text.Trim('|').Split('|', StringSplitOptions.TrimEntries)
            : text.Split('\t', StringSplitOptions.TrimEntries);
    }
}
