using RagCluster.Ingestion.Pipeline;
using RagCluster.Ingestion.Sources;
using RagCluster.Kernel;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Messages;
using RagCluster.Messages.Documents;

namespace RagCluster.Actors.Documents;

/// <summary>Hands what sources yield to the documents' entities, wherever these live.</summary>
public sealed class DocumentSink(DocumentService documents) : IDocumentSink
{
    /// <summary>The identity of a source's documents: the same place again is the same document.</summary>
    public static DocumentId IdOf(string uri) => DocumentId.Of($"{StableHash.Of(uri):x16}");

    public async ValueTask<Settlement> TakeAsync(TenantId tenant, SourceItem item, CancellationToken cancellationToken)
    {
        var id = item.Document ?? IdOf(item.Uri);
        try
        {
            return item switch
            {
                SourceDocument d => await IngestAsync(tenant, id, d, cancellationToken),
                SourceRemoved => Settled(await documents.WithdrawAsync(tenant, id, item.Position, cancellationToken)),
                SourceProblem p => new Settlement(p.Code, p.Detail),
                _ => throw new NotSupportedException($"A source yielded {item.GetType().Name}."),
            };
        }
        catch (Exception e) when (e is EntityUnavailableException or EntityFailedException or TimeoutException or StoreException)
        {
            throw new SinkUnavailableException("The document's owner does not answer.", e);
        }
        catch (BlobTooLargeException e)
        {
            return new Settlement(FailureCodes.TooLarge, e.Message);
        }
    }

    private async ValueTask<Settlement> IngestAsync(TenantId tenant, DocumentId id, SourceDocument document, CancellationToken cancellationToken)
    {
        var offer = new DocumentOffer(id, document.Name, document.Uri, document.MediaType, document.Readers, document.Metadata) { Position = document.Position };
        await using var content = await document.OpenAsync(cancellationToken);
        return Settled((await documents.IngestAsync(tenant, offer, content, cancellationToken)).Reply);
    }

    private static Settlement Settled(DocumentReply reply) => reply is DocumentRefused refused ? new Settlement(refused.Code, refused.Detail) : Settlement.Durable;
}
