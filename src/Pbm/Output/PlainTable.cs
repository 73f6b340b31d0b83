namespace RagCluster.Pbm.Output;

/// <summary>
/// Tables as aligned text: for pipes, and for the quick look, which is over before a drawing library would have been loaded.
/// </summary>
internal static class PlainTable
{
    public static void Write(TextWriter output, IReadOnlyList<TableData> tables)
    {
        foreach (var table in tables)
        {
            Write(output, table);
        }
    }

    private static void Write(TextWriter output, TableData table)
    {
        var widths = table.Columns.Select((column, i) => table.Rows.Select(row => row[i].Length).Append(column.Length).Max()).ToArray();
        if (table.Columns.Any(column => column.Length > 0) && table.Rows.Count > 0)
        {
            Write(output, table.Columns, widths);
        }

        foreach (var row in table.Rows)
        {
            Write(output, row, widths);
        }

        if (table.Note is { } note)
        {
            if (table.Rows.Count > 0)
            {
                output.WriteLine();
            }

            output.WriteLine(note);
        }
    }

    private static void Write(TextWriter output, IReadOnlyList<string> cells, int[] widths) =>
        output.WriteLine(string.Join("  ", cells.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd());
}
