using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using RagCluster.Actors.Inference;
using RagCluster.Inference;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Index;

namespace RagCluster.Actors.Partitions;

/// <summary>What happens where an embedding model is changed.</summary>
public sealed record ModelChangeOptions
{
    /// <summary>Questions whose answers' documents are known, to compare models by; none takes sentences of the documents themselves.</summary>
    public IReadOnlyList<CheckQuestion> Questions { get; init; } = [];

    /// <summary>How much less the new model may find: samples scatter.</summary>
    public double Tolerance { get; init; } = 0.02;

    /// <summary>What the new model must find where the old one cannot be asked any more.</summary>
    public double LeastRecall { get; init; } = 0.5;

    /// <summary>Switches also where the new model finds less.</summary>
    public bool SwitchAnyway { get; init; }

    /// <summary>How long an endpoint that fails is left alone.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Texts of one call.</summary>
    public int Batch { get; init; } = 64;
}

/// <summary>How far a partition is.</summary>
/// <param name="State">"embedding", "comparing", "waiting" (for its turn or for the endpoint), "switched", "kept" (the new model found less) or "given-up".</param>
public sealed record ReembeddingStatus(
    string Partition, EmbeddingModel? From, EmbeddingModel To, string State, int Documents, int Done, ModelComparison? Comparison, string? Reason);

/// <summary>
/// Embeds partitions anew with the node's model, one after the other, with the priority of documents: questions go
/// first. One for a node.
/// </summary>
public sealed partial class Reembedder(IEmbedder embedder, IReadOnlyList<IEmbedder> former, ModelChangeOptions options, TimeProvider time, ILogger<Reembedder> log)
{
    private const int MaxRemembered = 10_000;

    private readonly Permits _turns = new(1);
    private readonly ConcurrentDictionary<string, ReembeddingStatus> _board = new(StringComparer.Ordinal);

    /// <summary>The model that all vectors should be of.</summary>
    public EmbeddingModel Target => new(embedder.Model, embedder.Dimensions);

    public ModelChangeOptions Options => options;

    /// <summary>How far the partitions of this node are that were or are embedded anew since it started, in the order of names.</summary>
    public IReadOnlyList<ReembeddingStatus> Board => [.. _board.Values.OrderBy(status => status.Partition, StringComparer.Ordinal)];

    internal void Tell(ReembeddingStatus status)
    {
        if (_board.TryGetValue(status.Partition, out var before) ? before.State != status.State : _board.Count < MaxRemembered)
        {
            LogState(log, status.Partition, status.State, status.To.ToString(), status.Done, status.Documents, status.Reason);
        }

        if (_board.ContainsKey(status.Partition) || _board.Count < MaxRemembered)
        {
            _board[status.Partition] = status;
        }
    }

    internal ValueTask WaitForTurnAsync(CancellationToken cancellationToken) => _turns.WaitAsync(cancellationToken);

    internal void EndTurn() => _turns.Release();

    /// <summary>The chunks' vectors by the new model, in order. While the endpoint fails, it is asked again after a pause.</summary>
    internal async Task<IReadOnlyList<Embedding>> EmbedAsync(TenantId tenant, IReadOnlyList<Chunk> chunks, Action<string> waiting, CancellationToken cancellationToken)
    {
        var vectors = new List<Embedding>(chunks.Count);
        foreach (var batch in chunks.Chunk(options.Batch))
        {
            var texts = Array.ConvertAll(batch, chunk => ChunkText.Of(chunk.Headings, chunk.Text));
            while (true)
            {
                try
                {
                    vectors.AddRange(await embedder.EmbedAsync(texts, EmbeddingPriority.Ingestion, tenant, cancellationToken));
                    break;
                }
                catch (InferenceException e)
                {
                    waiting(e.Message);
                    await Task.Delay(options.Pause, time, cancellationToken);
                }
            }
        }

        return vectors;
    }

    /// <summary>Asks both indexes, each with its own model.</summary>
    internal async Task<ModelComparison?> CompareAsync(IndexReader old, EmbeddingModel oldModel, IndexReader next, CancellationToken cancellationToken)
    {
        var questions = RecallCheck.QuestionsFor(old, options.Questions);
        if (questions.Count == 0)
        {
            return null;
        }

        var found = await RecallCheck.RecallAsync(next, embedder, questions, cancellationToken);
        var asked = oldModel.IsComparableTo(Target) ? embedder : former.FirstOrDefault(f => new EmbeddingModel(f.Model, f.Dimensions).IsComparableTo(oldModel));
        return new ModelComparison(questions.Count, asked is null ? null : await RecallCheck.RecallAsync(old, asked, questions, cancellationToken), found);
    }

    internal bool IsNoWorse(ModelComparison? comparison) =>
        options.SwitchAnyway || comparison is null || comparison.New >= (comparison.Old is { } old ? old - options.Tolerance : options.LeastRecall);

    [LoggerMessage(6210, LogLevel.Information, "Partition {Partition}: {State}, to vectors of {Model}, {Done} of {Documents} documents. {Reason}")]
    private static partial void LogState(ILogger log, string partition, string state, string model, int done, int documents, string? reason);
}
