using RagCluster.Actors.Catalog;
using RagCluster.Actors.Documents;
using RagCluster.Ingestion.Sources;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;
using RagCluster.Nodes.Client;

namespace RagCluster.Nodes.Intake;

/// <summary>Where documents from a source go: a node over its API, or the node in this process.</summary>
internal interface IIntake
{
    /// <summary>Hands a document over; it is durable when this returns.</summary>
    /// <returns>Its version, and whether it is new; the same content again is not.</returns>
    Task<(int Version, bool Changed)> PutAsync(DocumentId id, SourceDocument document, Stream content, CancellationToken cancellationToken);

    Task RemoveAsync(DocumentId id, CancellationToken cancellationToken);

    Task<DocumentRow?> FindAsync(DocumentId id, CancellationToken cancellationToken);

    /// <summary>Documents as they change, from the moment that <paramref name="connected"/> is called.</summary>
    IAsyncEnumerable<DocumentRow> WatchAsync(Action connected, CancellationToken cancellationToken);
}

/// <summary>The identity of a source's documents: the same place again is the same document.</summary>
internal static class SourceIdentity
{
    public static DocumentId Of(string uri) => DocumentSink.IdOf(uri);
}

internal sealed class HttpIntake(NodeClient client) : IIntake
{
    public async Task<(int Version, bool Changed)> PutAsync(DocumentId id, SourceDocument document, Stream content, CancellationToken cancellationToken)
    {
        var taken = await client.PutDocumentAsync(id, document.Name, document.Uri, document.MediaType, document.Readers, document.Metadata, content, cancellationToken);
        return (taken.Version, taken.Changed);
    }

    public Task RemoveAsync(DocumentId id, CancellationToken cancellationToken) => client.DeleteDocumentAsync(id, cancellationToken);

    public async Task<DocumentRow?> FindAsync(DocumentId id, CancellationToken cancellationToken)
    {
        try
        {
            return await client.GetDocumentAsync(id, cancellationToken);
        }
        catch (NodeRefusedException e) when (e.Status == 404)
        {
            return null;
        }
    }

    public IAsyncEnumerable<DocumentRow> WatchAsync(Action connected, CancellationToken cancellationToken) => client.WatchDocumentsAsync(connected, cancellationToken);
}

internal sealed class LocalIntake(DocumentService documents, ICatalog catalog, Principal principal) : IIntake
{
    public async Task<(int Version, bool Changed)> PutAsync(DocumentId id, SourceDocument document, Stream content, CancellationToken cancellationToken)
    {
        var offer = new DocumentOffer(id, document.Name, document.Uri, document.MediaType, document.Readers, document.Metadata);
        var (reply, _) = await documents.IngestAsync(principal.Tenant, offer, content, cancellationToken);
        return reply switch
        {
            DocumentAccepted a => (a.Version, true),
            DocumentUnchanged u => (u.Version, false),
            _ => throw new InvalidOperationException($"A document answered Ingest with {reply.GetType().Name}."),
        };
    }

    public async Task RemoveAsync(DocumentId id, CancellationToken cancellationToken) => await documents.RemoveAsync(principal, id, cancellationToken);

    public async Task<DocumentRow?> FindAsync(DocumentId id, CancellationToken cancellationToken) =>
        await documents.ReadAsync(principal, id, cancellationToken) is { } known ? DocumentRow.Of(id, known.View) : null;

    public IAsyncEnumerable<DocumentRow> WatchAsync(Action connected, CancellationToken cancellationToken)
    {
        var rows = catalog.WatchDocumentsAsync(principal, cancellationToken);
        connected();
        return rows;
    }
}
