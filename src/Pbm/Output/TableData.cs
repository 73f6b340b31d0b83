using System.Text.Json;

namespace RagCluster.Pbm.Output;

/// <summary>A table, before it is known whether it is printed once or drawn again and again.</summary>
internal sealed class TableData(IReadOnlyList<string> columns)
{
    private readonly List<string[]> _rows = [];

    public IReadOnlyList<string> Columns => columns;

    public IReadOnlyList<IReadOnlyList<string>> Rows => _rows;

    /// <summary>What is to be said below it.</summary>
    public string? Note { get; set; }

    /// <exception cref="ArgumentException">There are more or fewer cells than columns.</exception>
    public void Add(params string[] cells) => _rows.Add(cells.Length == columns.Count ? cells : throw new ArgumentException($"{cells.Length} cells do not fit {columns.Count} columns.", nameof(cells)));

    /// <summary>A list of objects: a column for each property that any of them has, in the order of their first appearance.</summary>
    public static TableData Of(JsonElement root, string list)
    {
        var items = root.Items(list).ToList();
        var names = items.Where(item => item.ValueKind == JsonValueKind.Object).SelectMany(item => item.EnumerateObject().Select(field => field.Name)).Distinct().ToList();
        var table = new TableData(names.Count == 0 ? [list] : names) { Note = items.Count == 0 ? "There is none." : null };
        foreach (var item in items.Where(item => item.ValueKind == JsonValueKind.Object))
        {
            table.Add([.. names.Select(name => item.TryGetProperty(name, out var value) ? JsonText.Short(value) : "")]);
        }

        return table;
    }

    /// <summary>One object: a row for each property.</summary>
    public static TableData Of(JsonElement fields)
    {
        var table = new TableData(["", ""]);
        foreach (var field in fields.EnumerateObject())
        {
            table.Add(field.Name, JsonText.Short(field.Value));
        }

        return table;
    }
}
