using RagCluster.Messages;

namespace RagCluster.Retrieval.Index;

/// <summary>The order in which equal scores are broken everywhere: by document id (ordinal), version, ordinal.</summary>
public sealed class ChunkOrder : IComparer<ChunkId>
{
    public static ChunkOrder Instance { get; } = new();

    public int Compare(ChunkId x, ChunkId y)
    {
        var byDocument = string.CompareOrdinal(x.Document.Value, y.Document.Value);
        return byDocument != 0 ? byDocument
            : x.Version != y.Version ? x.Version.CompareTo(y.Version)
            : x.Ordinal.CompareTo(y.Ordinal);
    }

    internal static int Compare(in StoredChunk x, in StoredChunk y)
    {
        var byDocument = string.CompareOrdinal(x.Document.Document.Value, y.Document.Document.Value);
        return byDocument != 0 ? byDocument
            : x.Document.Version != y.Document.Version ? x.Document.Version.CompareTo(y.Document.Version)
            : x.Ordinal.CompareTo(y.Ordinal);
    }
}
