using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;

namespace RagCluster.Retrieval.Index;

/// <summary>What is in the index, read back: for building another one from it.</summary>
public sealed partial class IndexReader
{
    /// <summary>Every document that is indexed, in the order of ids, with its version.</summary>
    public IReadOnlyList<(DocumentId Document, int Version)> Documents =>
        [.. _documents.Select(pair => (pair.Key, pair.Value.Stored.Version)).OrderBy(pair => pair.Key)];

    /// <summary>All roles that may read something here: with them, every document can be found.</summary>
    public RoleSet AllReaders => RoleSet.Of(_documents.Values.SelectMany(entry => entry.Readers.Names).Distinct(StringComparer.Ordinal));

    /// <summary>How many documents have vectors of which model, by its name.</summary>
    public IReadOnlyDictionary<string, int> Models =>
        _documents.Values.GroupBy(entry => entry.Stored.Model, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal);

    /// <summary>The name of the model that the document came with; null where it is not indexed.</summary>
    public string? ModelOf(DocumentId document) => _documents.TryGetValue(document, out var entry) ? entry.Stored.Model : null;

    /// <summary>The document's title and metadata.</summary>
    /// <exception cref="KeyNotFoundException">It is not indexed.</exception>
    public (string Title, IReadOnlyDictionary<string, string> Metadata) Describe(DocumentId document) =>
        (_documents[document].Stored.Title, _documents[document].Stored.Metadata);

    /// <summary>The document as it would be indexed anew, chunks in their order and without vectors; null where it is not indexed. Reads all of its text.</summary>
    public ChunksIndexed? Content(DocumentId document)
    {
        if (!_documents.TryGetValue(document, out var entry))
        {
            return null;
        }

        var stored = entry.Stored;
        var view = Array.Find(_views, v => v.Segment == entry.Segment) ?? throw new InvalidOperationException($"The segment of {document} is not in this snapshot.");
        var none = Embedding.Of([]);
        var chunks = new List<Chunk>(stored.Count);
        for (var i = stored.First; i < stored.First + stored.Count; i++)
        {
            var chunk = view.Chunks[i];
            chunks.Add(new Chunk(chunk.Ordinal, chunk.Start, chunk.End, chunk.Page, chunk.Headings, chunk.Text, none));
        }

        return new ChunksIndexed(document, stored.Version, stored.Title, entry.Readers, entry.AccessRevision, stored.Metadata, stored.Model, chunks);
    }
}
