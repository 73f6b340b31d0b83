using RagCluster.Actors.Partitions;

namespace RagCluster.Nodes.Evaluation;

/// <summary>Questions and the documents that answer them, to compare embedding models by: JSON lines, such as samples/questions.jsonl.</summary>
internal static class CheckSet
{
    /// <exception cref="IOException">The file is missing or not as it should be; the message says where.</exception>
    public static IReadOnlyList<CheckQuestion> Read(string file)
    {
        try
        {
            return [.. JsonLines.Read(file)
                .Where(line => line.Find("answerable") != "false")
                .Select(line => new CheckQuestion(line.Text("question", "text"), line.Texts("documents", "document")))
                .Where(question => question.Documents.Count > 0)];
        }
        catch (InvalidDataException e)
        {
            throw new IOException($"ragcluster.inference.embedding.change.check-set: {e.Message}", e);
        }
    }
}
