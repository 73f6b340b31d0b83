using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json.Serialization;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors.Partitions;

/// <summary>Which documents a partition holds, and in which version. The chunks themselves are in its index.</summary>
public sealed record PartitionState
{
    public ImmutableSortedDictionary<DocumentId, IndexedDocument> Documents { get; init; } = ImmutableSortedDictionary<DocumentId, IndexedDocument>.Empty;

    /// <summary>The model by which the documents are being embedded anew; null where they are not.</summary>
    public EmbeddingModel? Next { get; init; }

    /// <summary>The model that was compared last and found less than the one in use: it is not tried again.</summary>
    public EmbeddingModel? Refused { get; init; }
}

/// <param name="Version">The version whose chunks are held; 0 for none.</param>
/// <param name="RemovedUpTo">No chunk of a version up to this one is taken any more: it was removed after it was sent.</param>
public sealed record IndexedDocument(int Version, int Chunks, RoleSet Readers, int AccessRevision, int RemovedUpTo)
{
    public static IndexedDocument None { get; } = new(0, 0, RoleSet.Empty, 0, 0);

    /// <summary>The version that has vectors of the next model; 0 for none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int NextVersion { get; init; }
}

/// <summary>
/// The decisions of an index partition. Commands may come twice and, after a change of owner, late: an older version
/// never replaces a newer one, a removed version never comes back, and the newest readers win.
/// </summary>
public sealed class Partition : IEntity<PartitionState, PartitionCommand, PartitionEvent, PartitionReply>
{
    public static string Type => "partition";

    public static PartitionState Initial(EntityId id) => new();

    /// <summary>A partition that is being embedded anew goes on by itself after a crash.</summary>
    public static bool HasOpenWork(PartitionState state) => state.Next is not null;

    public static Decision<PartitionEvent, PartitionReply> Decide(PartitionState state, PartitionCommand command, DateTimeOffset now)
    {
        switch (command)
        {
            case IndexChunks c:
                {
                    var known = Known(state, c.Document);
                    if (c.Version <= known.Version || c.Version <= known.RemovedUpTo)
                    {
                        return Done();
                    }

                    var readers = c.AccessRevision >= known.AccessRevision ? c.Readers : known.Readers;
                    var revision = Math.Max(c.AccessRevision, known.AccessRevision);
                    return Done(new ChunksIndexed(c.Document, c.Version, c.Title, readers, revision, c.Metadata, c.Model, c.Chunks));
                }

            case RemoveChunks c:
                return Known(state, c.Document).RemovedUpTo >= c.UpToVersion ? Done() : Done(new ChunksRemoved(c.Document, c.UpToVersion));

            case RestrictChunks c:
                return Known(state, c.Document).AccessRevision >= c.AccessRevision ? Done() : Done(new ChunksRestricted(c.Document, c.Readers, c.AccessRevision));

            case BeginReembedding c:
                return c.Model == state.Next ? Done() : Done(new ReembeddingBegun(c.Model));

            case ReembedChunks c:
                {
                    var known = Known(state, c.Document);
                    return c.Model == state.Next && c.Version == known.Version && c.Version > 0 && c.Version != known.NextVersion && c.Vectors.Count == known.Chunks
                        ? Done(new ChunksReembedded(c.Document, c.Version, c.Model, c.Vectors))
                        : Done();
                }

            case EndReembedding c:
                return c.Model == state.Next && (!c.Switch || state.Documents.Values.All(d => d.Version == 0 || d.NextVersion == d.Version))
                    ? Done(new ReembeddingEnded(c.Model, c.Switch, c.Comparison))
                    : Done();

            case CountTerms or FindPassages or ReadNeighbours or DescribePartition:
                throw new UnreachableException($"{command.GetType().Name} is answered by the index, not decided.");

            default:
                throw new UnreachableException($"Undecided command {command.GetType().Name}.");
        }
    }

    public static PartitionState Evolve(PartitionState state, PartitionEvent @event) => @event switch
    {
        ChunksIndexed e => Change(state, e.Document, d => d with { Version = e.Version, Chunks = e.Chunks.Count, Readers = e.Readers, AccessRevision = e.AccessRevision, NextVersion = e.Model == state.Next?.Name ? e.Version : 0 }),
        ChunksRemoved e => Change(state, e.Document, d => d.Version <= e.UpToVersion
            ? d with { Version = 0, Chunks = 0, RemovedUpTo = e.UpToVersion, NextVersion = 0 }
            : d with { RemovedUpTo = e.UpToVersion }),
        ChunksRestricted e => Change(state, e.Document, d => d with { Readers = e.Readers, AccessRevision = e.AccessRevision }),
        ReembeddingBegun e => state with
        {
            Next = e.Model,
            Documents = state.Documents.ToImmutableSortedDictionary(pair => pair.Key, pair => pair.Value with { NextVersion = 0 }),
        },
        ChunksReembedded e => Change(state, e.Document, d => d with { NextVersion = e.Version }),
        ReembeddingEnded e => state with { Next = null, Refused = e.Switched ? null : e.Comparison is null ? state.Refused : e.Model },
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}: history is never skipped."),
    };

    private static IndexedDocument Known(PartitionState state, DocumentId id) => state.Documents.GetValueOrDefault(id, IndexedDocument.None);

    private static PartitionState Change(PartitionState state, DocumentId id, Func<IndexedDocument, IndexedDocument> change) =>
        state with { Documents = state.Documents.SetItem(id, change(Known(state, id))) };

    private static Decision<PartitionEvent, PartitionReply> Done(params PartitionEvent[] events) => new(events, new PartitionDone(events.Length > 0));
}
