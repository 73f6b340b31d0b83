using System.Text;
using RagCluster.Actors.Inference;
using RagCluster.Actors.Partitions;
using RagCluster.Inference;
using RagCluster.Ingestion.Chunking;
using RagCluster.Ingestion.Parsing;
using RagCluster.Ingestion.Pipeline;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors.Documents;

/// <summary>
/// The way of a document from its bytes to the index: parse, chunk, embed, index. Doing a step again is harmless: the
/// same bytes give the same text, the same chunks and the same ids.
/// </summary>
public sealed class DocumentProcessor(
    IBlobStore blobs,
    IDocumentParser parser,
    Chunker chunker,
    IEmbedder embedder,
    PartitionDirectory partitions,
    IngestionGate gate,
    PipelineSteps steps,
    DocumentOptions options,
    TimeProvider time)
{
    /// <summary>Takes the version all the way; reports each step that is durable. Stops when a report says that the version is outdated.</summary>
    /// <param name="state">The document's newest state, read again before indexing: its readers may have changed.</param>
    public async Task ProcessAsync(
        EntityId id,
        Func<DocumentState> state,
        int version,
        Func<IReadOnlyList<Progress>, CancellationToken, ValueTask<bool>> report,
        CancellationToken cancellationToken)
    {
        var document = state();
        using var turn = await EnterAsync(document.Bytes, cancellationToken);
        var parsed = await TakeAsync(steps.Parse, async () => await ParseAsync(document, await ReadAsync(document, cancellationToken), cancellationToken));
        var (pieces, isWanted) = await TakeAsync(steps.Chunk, () => ChunkAsync(parsed, report, cancellationToken));
        if (!isWanted)
        {
            return;
        }

        var chunks = await TakeAsync(steps.Embed, () => EmbedAsync(pieces, DocumentService.Split(id).Tenant, cancellationToken));
        var embedded = new Embedded(embedder.Model, embedder.Dimensions);
        if (pieces.Count > options.EmbedBatch && !await report([embedded], cancellationToken))
        {
            return;
        }

        await TakeAsync(steps.Index, async () =>
        {
            var newest = state();
            var documentId = DocumentService.Split(id).Document;
            await IndexAsync(
                id, new IndexChunks(documentId, version, parsed.Title, newest.Readers, newest.AccessRevision, newest.Metadata, embedder.Model, chunks), cancellationToken);
            return await report([embedded, new Indexed()], cancellationToken);
        });
    }

    private static async Task<T> TakeAsync<T>(StepMeter step, Func<Task<T>> work)
    {
        using var scope = step.Begin();
        var result = await work();
        scope.Done();
        return result;
    }

    /// <summary>What waits for its turn waits for the first of the steps.</summary>
    private async Task<IDisposable> EnterAsync(long bytes, CancellationToken cancellationToken)
    {
        using var waiting = steps.Parse.Wait();
        return await gate.EnterAsync(bytes, cancellationToken);
    }

    private async Task<(IReadOnlyList<Ingestion.Chunking.Chunk> Pieces, bool IsWanted)> ChunkAsync(
        ParsedDocument parsed, Func<IReadOnlyList<Progress>, CancellationToken, ValueTask<bool>> report, CancellationToken cancellationToken)
    {
        var text = await blobs.PutAsync(Encoding.UTF8.GetBytes(parsed.Text), cancellationToken);
        var pieces = chunker.Split(parsed);
        var reached = new Parsed(BlobId.Of(text), parsed.MediaType, parsed.Title, parsed.Pages, parsed.Text.Length);
        return (pieces, await report([reached, new Chunked(pieces.Count)], cancellationToken));
    }

    public async Task RemoveAsync(EntityId id, DocumentState state, CancellationToken cancellationToken)
    {
        var document = DocumentService.Split(id).Document;
        await IndexAsync(id, new RemoveChunks(document, state.Version), cancellationToken);
    }

    public async Task RestrictAsync(EntityId id, DocumentState state, CancellationToken cancellationToken)
    {
        var document = DocumentService.Split(id).Document;
        await IndexAsync(id, new RestrictChunks(document, state.Readers, state.AccessRevision), cancellationToken);
    }

    /// <summary>
    /// Sends a change to the document's partition, again while it has no owner that answers: that is no fault of the
    /// document's, and repeating does no harm.
    /// </summary>
    private async Task IndexAsync(EntityId id, PartitionCommand command, CancellationToken cancellationToken)
    {
        var (tenant, document) = DocumentService.Split(id);
        var started = time.GetTimestamp();
        for (var pause = options.MinBusyPause; ; pause = pause * 2 < options.MaxBusyPause ? pause * 2 : options.MaxBusyPause)
        {
            try
            {
                await partitions.SendAsync(tenant, document, command, options.AskTimeout, cancellationToken);
                return;
            }
            catch (Exception e) when (e is EntityUnavailableException or EntityFailedException or TimeoutException && time.GetElapsedTime(started) < options.IndexPatience)
            {
                await Task.Delay(pause, time, cancellationToken);
            }
        }
    }

    private async Task<ReadOnlyMemory<byte>> ReadAsync(DocumentState document, CancellationToken cancellationToken)
    {
        await using var stream = await blobs.OpenAsync(document.Content.Value, cancellationToken);
        var bytes = new byte[document.Bytes];
        await stream.ReadExactlyAsync(bytes, cancellationToken);
        return bytes;
    }

    private async Task<ParsedDocument> ParseAsync(DocumentState document, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        switch (await parser.ParseAsync(content, document.Name, document.MediaType, cancellationToken))
        {
            case ParseSuccess { Document: var parsed } when !string.IsNullOrWhiteSpace(parsed.Text):
                return parsed;
            case ParseFailure failure:
                throw new ProcessingException(failure.Code, failure.Detail, failure.Transient);
            default:
                throw new ProcessingException(FailureCodes.NoText, "The document has no text. If it is a scan, run text recognition over it first.", transient: false);
        }
    }

    private async Task<IReadOnlyList<Messages.Partitions.Chunk>> EmbedAsync(IReadOnlyList<Ingestion.Chunking.Chunk> pieces, TenantId tenant, CancellationToken cancellationToken)
    {
        var chunks = new List<Messages.Partitions.Chunk>(pieces.Count);
        foreach (var batch in pieces.Chunk(options.EmbedBatch))
        {
            IReadOnlyList<Embedding> vectors;
            try
            {
                var texts = Array.ConvertAll(batch, c => ChunkText.Of(c.Headings, c.Text));
                vectors = await embedder.EmbedAsync(texts, EmbeddingPriority.Ingestion, tenant, cancellationToken);
            }
            catch (InferenceException e)
            {
                throw new ProcessingException(FailureCodes.EmbeddingUnavailable, e.Message, transient: true);
            }

            for (var i = 0; i < batch.Length; i++)
            {
                var piece = batch[i];
                chunks.Add(new(piece.Ordinal, piece.Start, piece.End, piece.Page, piece.Headings, piece.Text, vectors[i]));
            }
        }

        return chunks;
    }
}
