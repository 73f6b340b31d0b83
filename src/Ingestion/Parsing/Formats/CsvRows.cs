using System.Text;

namespace RagCluster.Ingestion.Parsing.Formats;

/// <summary>
/// Reads rows of delimited values as RFC 4180 describes them: a field in quotation marks may hold delimiters, line
/// ends and doubled quotation marks. Quotation marks inside an unquoted field are text.
/// </summary>
internal sealed class CsvRows(string text, char delimiter)
{
    private readonly StringBuilder _field = new();
    private int _at;
    private int _line = 1;

    /// <summary>The line on which the row that was read last begins, from 1.</summary>
    public int Line { get; private set; }

    /// <summary>Whether a quotation mark was never closed: the last field then holds the rest of the text.</summary>
    public bool Unclosed { get; private set; }

    /// <summary>The next row that is not empty, or null at the end.</summary>
    public string[]? Read()
    {
        while (_at < text.Length)
        {
            Line = _line;
            var cells = new List<string>();
            var more = true;
            while (more)
            {
                more = Field(cells);
            }

            if (cells.Count > 1 || cells[0].Length > 0)
            {
                return [.. cells];
            }
        }

        return null;
    }

    /// <summary>Reads one field and what ends it; false where that was the end of the row.</summary>
    private bool Field(List<string> cells)
    {
        if (_at < text.Length && text[_at] == '"')
        {
            return Quoted(cells);
        }

        var rest = text.AsSpan(_at);
        var end = rest.IndexOfAny(delimiter, '\n');
        end = end < 0 ? rest.Length : end;
        cells.Add(rest[..end].ToString());
        return EndsWith(_at + end);
    }

    private bool Quoted(List<string> cells)
    {
        _field.Clear();
        var at = _at + 1;
        while (true)
        {
            var close = text.IndexOf('"', at);
            if (close < 0)
            {
                Unclosed = true;
                Append(at, text.Length);
                at = text.Length;
                break;
            }

            Append(at, close);
            at = close + 1;
            if (at >= text.Length || text[at] != '"')
            {
                break;
            }

            _field.Append('"');
            at++;
        }

        // Text behind the closing mark belongs to the field, as spreadsheets read it.
        var end = text.AsSpan(at).IndexOfAny(delimiter, '\n');
        end = end < 0 ? text.Length : at + end;
        _field.Append(text, at, end - at);
        cells.Add(_field.ToString());
        return EndsWith(end);
    }

    private void Append(int start, int end)
    {
        _field.Append(text, start, end - start);
        _line += text.AsSpan(start, end - start).Count('\n');
    }

    private bool EndsWith(int end)
    {
        _at = end + 1;
        if (end < text.Length && text[end] == delimiter)
        {
            return true;
        }

        _line++;
        return false;
    }
}
