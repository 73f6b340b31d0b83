using System.Text;

namespace RagCluster.Ingestion.Parsing;

/// <summary>Writes tables so that every row can be read, found and cited by itself.</summary>
internal static class TableText
{
    /// <summary>
    /// "Header: value; Header: value" where there is a header, else "value | value". Empty cells are left out; a cell
    /// whose column has no header stands alone.
    /// </summary>
    public static string Row(IReadOnlyList<string>? header, IReadOnlyList<string> cells)
    {
        var row = new StringBuilder();
        for (var i = 0; i < cells.Count; i++)
        {
            var value = TextCleaner.OneLine(cells[i]);
            if (value.Length == 0)
            {
                continue;
            }

            if (row.Length > 0)
            {
                row.Append(header is null ? " | " : row[^1] is ';' ? " " : "; ");
            }

            if (header is not null && i < header.Count && header[i].Length > 0)
            {
                row.Append(header[i]).Append(": ");
            }

            row.Append(value);
        }

        return row.ToString();
    }

    /// <summary>Writes a whole table.</summary>
    /// <param name="header">Null where it has none.</param>
    /// <param name="firstRow">The number of the first row of <paramref name="rows"/>, from 1.</param>
    public static void Write(DocumentBuilder into, IReadOnlyList<string>? header, IEnumerable<IReadOnlyList<string>> rows, int firstRow = 1)
    {
        header = header is null ? null : [.. header.Select(h => TextCleaner.OneLine(h).TrimEnd(':'))];
        into.Gap();
        var number = firstRow;
        var any = false;
        foreach (var cells in rows)
        {
            var row = Row(header, cells);
            any |= row.Length > 0;
            into.TableRow(row, number++);
        }

        if (!any && header is not null)
        {
            into.TableRow(Row(null, header), firstRow);
        }

        into.Gap();
    }
}
