using RagCluster.Messages;

namespace RagCluster.Inference.Tests;

internal static class Passages
{
    /// <summary>Passages of one document each, that start somewhere inside their documents.</summary>
    public static IReadOnlyList<Passage> Of(params string[] texts) =>
        [.. texts.Select((text, i) => new Passage(DocumentId.Of($"doc{i + 1}"), 1, 0, 100 * i, (100 * i) + text.Length, text) { Title = $"Document {i + 1}" })];
}
