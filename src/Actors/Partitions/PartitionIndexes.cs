using RagCluster.Messages;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Index;

namespace RagCluster.Actors.Partitions;

/// <summary>
/// The index that is searched, by the vectors of one model, and, while the partition is embedded anew, a second one with
/// vectors of the next model. Both are functions of the partition's events. A vector of another model than an index's is
/// left out of it: compared, it would mean nothing. Its chunk is found by its words.
/// </summary>
/// <remarks>One thread at a time applies events. The snapshots that <see cref="Now"/> names may be read by any.</remarks>
internal sealed class PartitionIndexes
{
    /// <summary>Documents of the active index that came with vectors of another model than its own.</summary>
    private readonly HashSet<DocumentId> _foreign = [];

    private readonly IndexOptions _options;
    private IndexesNow _now;

    public PartitionIndexes(IndexOptions options)
        : this(options, new IndexesNow(new PartitionIndex(options), null, null, null))
    {
    }

    /// <param name="now">As saved. Where the model was not saved, most documents' counts.</param>
    public PartitionIndexes(IndexOptions options, IndexesNow now)
    {
        _options = options;
        _now = now.Model is null ? now with { Model = Prevailing(now.Active) } : now;
        FindForeign();
    }

    public IndexesNow Now => Volatile.Read(ref _now);

    /// <summary>Whether all vectors are of this model, or there is none. To be asked by whoever applies events.</summary>
    public bool IsAll(EmbeddingModel model) =>
        _now.Model is null || _now.Active.Reader.DocumentCount == 0 || (_now.Model.IsComparableTo(model) && _foreign.Count == 0);

    public void Apply(PartitionEvent @event)
    {
        var now = _now;
        switch (@event)
        {
            case ChunksIndexed e:
                Volatile.Write(ref _now, now = WithModelOf(e, now));
                var isOwn = e.Model == now.Model?.Name;
                if (now.Active.Apply(isOwn ? e : WithoutVectors(e)))
                {
                    _ = isOwn ? _foreign.Remove(e.Document) : _foreign.Add(e.Document);
                }

                if (now.Next is { } next)
                {
                    // Of another model, the document is not in the second index before it is embedded anew.
                    _ = e.Model == now.NextModel!.Name ? next.Apply(e) : next.Apply(new ChunksRemoved(e.Document, e.Version));
                }

                break;
            case ChunksRemoved e:
                if (now.Active.Apply(e))
                {
                    _foreign.Remove(e.Document);
                }

                now.Next?.Apply(e);
                break;
            case ChunksRestricted:
                now.Active.Apply(@event);
                now.Next?.Apply(@event);
                break;
            case ReembeddingBegun e:
                Volatile.Write(ref _now, now with { Next = new PartitionIndex(_options), NextModel = e.Model });
                break;
            case ChunksReembedded e:
                if (now.Active.Reader.Content(e.Document) is { } content && content.Version == e.Version)
                {
                    now.Next?.Apply(content with
                    {
                        Model = e.Model.Name,
                        Chunks = [.. content.Chunks.Zip(e.Vectors, (chunk, vector) => chunk with { Vector = vector })],
                    });
                }

                break;
            case ReembeddingEnded e:
                Volatile.Write(ref _now, e.Switched && now.Next is not null ? new IndexesNow(now.Next, e.Model, null, null) : now with { Next = null, NextModel = null });
                FindForeign();
                break;
            default:
                throw new ArgumentException($"The indexes know nothing of {@event.GetType().Name}.", nameof(@event));
        }
    }

    private void FindForeign()
    {
        _foreign.Clear();
        if (_now.Model is { } model && _now.Active.Reader.Models.Keys.Any(name => name != model.Name))
        {
            _foreign.UnionWith(_now.Active.Reader.Documents.Select(d => d.Document).Where(d => _now.Active.Reader.ModelOf(d) != model.Name));
        }
    }

    /// <summary>The first vectors decide the model; so do those that come when nothing is left of another one.</summary>
    private static IndexesNow WithModelOf(ChunksIndexed e, IndexesNow now)
    {
        var dimensions = e.Chunks.Count > 0 ? e.Chunks[0].Vector.Dimensions : 0;
        return now.Model is null || (now.Next is null && now.Active.Reader.DocumentCount == 0) ? now with { Model = new EmbeddingModel(e.Model, dimensions) }
            : now.Model.Dimensions == 0 && now.Model.Name == e.Model && dimensions > 0 ? now with { Model = now.Model with { Dimensions = dimensions } }
            : now;
    }

    private static ChunksIndexed WithoutVectors(ChunksIndexed e)
    {
        var none = Embedding.Of([]);
        return e with { Chunks = [.. e.Chunks.Select(chunk => chunk with { Vector = none })] };
    }

    private static EmbeddingModel? Prevailing(PartitionIndex index) =>
        index.Reader.Models is { Count: > 0 } models
            ? new EmbeddingModel(models.OrderByDescending(m => m.Value).ThenBy(m => m.Key, StringComparer.Ordinal).First().Key, 0)
            : null;
}

/// <param name="Active">What is searched.</param>
/// <param name="Model">Whose vectors it has; null before the first.</param>
/// <param name="Next">What is being built; null where nothing is.</param>
internal sealed record IndexesNow(PartitionIndex Active, EmbeddingModel? Model, PartitionIndex? Next, EmbeddingModel? NextModel)
{
    /// <summary>Documents whose version is not in the second index yet.</summary>
    public IReadOnlyList<DocumentId> Missing
    {
        get
        {
            var next = Next?.Reader;
            return next is null ? [] : [.. Active.Reader.Documents.Where(d => next.VersionOf(d.Document) != d.Version).Select(d => d.Document)];
        }
    }

    /// <summary>How many documents are in the second index.</summary>
    public int Done => Next?.Reader.DocumentCount ?? 0;
}
