using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;

namespace RagCluster.Retrieval.Tests;

/// <summary>Events in few words.</summary>
internal static class Samples
{
    public static readonly IReadOnlyDictionary<string, string> NoMetadata = new Dictionary<string, string>();

    public static ChunksIndexed Indexed(string document, int version, string title, params string[] texts) =>
        Indexed(document, version, title, RoleSet.Empty, NoMetadata, [.. texts.Select((text, i) => Chunk(i, text))]);

    public static ChunksIndexed Indexed(
        string document, int version, string title, RoleSet readers, IReadOnlyDictionary<string, string> metadata, params Chunk[] chunks) =>
        new(new DocumentId(document), version, title, readers, 0, metadata, "test", chunks);

    public static Chunk Chunk(int ordinal, string text, float[]? vector = null, params string[] headings) =>
        new(ordinal, ordinal * 1000, (ordinal * 1000) + text.Length, null, headings, text, Embedding.Of(vector ?? []));

    public static IReadOnlyList<string> Ids(this IEnumerable<ScoredPassage> passages) => [.. passages.Select(p => p.Passage.Id.ToString())];
}
