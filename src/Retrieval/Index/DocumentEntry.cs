using RagCluster.Messages.Identity;

namespace RagCluster.Retrieval.Index;

/// <summary>Where a document's chunks are, and who may read them now.</summary>
/// <param name="Row">The document's row in the segment.</param>
internal sealed record DocumentEntry(Segment Segment, int Row, StoredDocument Stored, RoleSet Readers, int AccessRevision);
