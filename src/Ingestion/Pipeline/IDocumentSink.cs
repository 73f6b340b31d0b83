using RagCluster.Ingestion.Sources;
using RagCluster.Messages;

namespace RagCluster.Ingestion.Pipeline;

/// <summary>Where a pipeline's documents go: journaled, parsed, chunked, embedded and indexed behind this.</summary>
public interface IDocumentSink
{
    /// <summary>Hands a document or a removal over. When it is accepted it is durable. Waits while too much is on its way (backpressure).</summary>
    /// <exception cref="SinkUnavailableException">Nothing is wrong with the item; it is to be offered again.</exception>
    /// <exception cref="IOException">The document's bytes cannot be read.</exception>
    ValueTask<Settlement> TakeAsync(TenantId tenant, SourceItem item, CancellationToken cancellationToken);
}

/// <summary>The sink cannot take anything at this moment, whatever is offered.</summary>
public sealed class SinkUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
