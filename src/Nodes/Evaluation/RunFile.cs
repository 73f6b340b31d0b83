using System.Globalization;

namespace RagCluster.Nodes.Evaluation;

/// <summary>
/// Rankings in TREC's form, "query Q0 document rank score tag" a line, for trec_eval and its kin. The score is made
/// from the rank, so that no two documents tie and every program sees the same order.
/// </summary>
internal static class RunFile
{
    private const string Tag = "ragcluster";

    /// <exception cref="InvalidDataException">An id has white space, which the form cannot hold.</exception>
    public static void Write(TextWriter output, IEnumerable<(string Query, IReadOnlyList<string> Documents)> rankings)
    {
        foreach (var (query, documents) in rankings)
        {
            Check(query);
            for (var i = 0; i < documents.Count; i++)
            {
                Check(documents[i]);
                output.Write(string.Create(CultureInfo.InvariantCulture, $"{query} Q0 {documents[i]} {i + 1} {documents.Count - i} {Tag}\n"));
            }
        }
    }

    private static void Check(string id)
    {
        if (id.Length == 0 || id.Any(char.IsWhiteSpace))
        {
            throw new InvalidDataException($"The id \"{id}\" cannot stand in a TREC run, which parts its columns by white space. Leave out --run, or rename it.");
        }
    }
}
