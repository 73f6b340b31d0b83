namespace RagCluster.Actors.Inference;

/// <summary>What of a chunk is embedded.</summary>
internal static class ChunkText
{
    /// <summary>The headings say what a table row or a short paragraph is about; they belong to its meaning.</summary>
    public static string Of(IReadOnlyList<string> headings, string text) => headings.Count == 0 ? text : $"{string.Join(" > ", headings)}\n{text}";
}
