using System.Globalization;

namespace RagCluster.Nodes.Evaluation;

/// <summary>
/// Rankings in TREC's form, "query Q0 document rank score tag" a line, for trec_eval and its kin. The score is made
/// from the rank, so that no two documents tie and every program sees the same order.
/// </summary>
internal static class RunFile
{
    private const string Tag = "ragcluster";

    public static void Write(TextWriter output, IEnumerable<(string Query, IReadOnlyList<string> Documents)> rankings)
    {
        foreach (var (query, documents) in rankings)
        {
            for (var i = 0; i < documents.Count; i++)
            {
                output.Write(string.Create(CultureInfo.InvariantCulture, $"{query} Q0 {documents[i]} {i + 1} {documents.Count - i} {Tag}\n"));
            }
        }
    }

    /// <summary>Refuses ids that the form cannot hold.</summary>
    /// <exception cref="InvalidDataException">An id is empty or has white space.</exception>
    public static void RequireUsable(IEnumerable<string> ids)
    {
        if (ids.FirstOrDefault(id => id.Length == 0 || id.Any(char.IsWhiteSpace)) is { } id)
        {
            throw new InvalidDataException($"The id \"{id}\" cannot stand in a TREC run, which parts its columns by white space. Leave out --run, or rename it.");
        }
    }
}
