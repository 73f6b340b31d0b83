using System.Globalization;

namespace RagCluster.Nodes.Evaluation;

/// <summary>Which documents answer which query, and how well: by query, then by document. A grade above 0 is relevant.</summary>
internal sealed class Judgments(IReadOnlyDictionary<string, IReadOnlyDictionary<string, int>> byQuery)
{
    private static readonly char[] s_spaces = [' ', '\t'];

    public IEnumerable<string> Queries => byQuery.Keys;

    public IEnumerable<string> Documents => byQuery.Values.SelectMany(judged => judged.Keys).Distinct(StringComparer.Ordinal);

    /// <summary>The grades of the query's documents; empty where it was not judged.</summary>
    public IReadOnlyDictionary<string, int> Of(string query) => byQuery.GetValueOrDefault(query) ?? new Dictionary<string, int>();

    public bool HasRelevant(string query) => Of(query).Values.Any(grade => grade > 0);

    /// <summary>
    /// Reads lines of query, document and grade between tabs or spaces, or TREC's qrels with a second column that says
    /// nothing. A first line whose grade is no number is taken for a header.
    /// </summary>
    /// <exception cref="InvalidDataException">The file is not there or not so; the message says where.</exception>
    public static Judgments Read(string file)
    {
        if (!File.Exists(file))
        {
            throw new InvalidDataException($"{file} is not there. It holds lines of query, document and grade between tabs.");
        }

        var byQuery = new Dictionary<string, Dictionary<string, int>>(StringComparer.Ordinal);
        var number = 0;
        foreach (var line in File.ReadLines(file))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            var cells = line.Contains('\t', StringComparison.Ordinal) ? line.Split('\t', StringSplitOptions.TrimEntries) : line.Split(s_spaces, StringSplitOptions.RemoveEmptyEntries);
            if (cells.Length is not (3 or 4) || cells[0].Length == 0 || cells[^2].Length == 0)
            {
                throw new InvalidDataException($"{file}:{number}: expected query, document and grade between tabs, not \"{line}\".");
            }

            if (!int.TryParse(cells[^1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var grade))
            {
                if (number == 1)
                {
                    continue;
                }

                throw new InvalidDataException($"{file}:{number}: the grade is to be a whole number, not \"{cells[^1]}\".");
            }

            var judged = byQuery.TryGetValue(cells[0], out var known) ? known : byQuery[cells[0]] = new Dictionary<string, int>(StringComparer.Ordinal);
            if (!judged.TryAdd(cells[^2], grade) && judged[cells[^2]] != grade)
            {
                throw new InvalidDataException($"{file}:{number}: \"{cells[^2]}\" has the grades {judged[cells[^2]]} and {grade} for query \"{cells[0]}\".");
            }
        }

        return byQuery.Count > 0
            ? new Judgments(byQuery.ToDictionary(q => q.Key, q => (IReadOnlyDictionary<string, int>)q.Value, StringComparer.Ordinal))
            : throw new InvalidDataException($"{file} holds no judgment.");
    }
}
