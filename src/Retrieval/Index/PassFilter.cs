using System.Collections.Immutable;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Queries;

namespace RagCluster.Retrieval.Index;

/// <summary>
/// Who asks and what they ask for, as a set of chunks. It is worked out before anything is ranked (I7): a chunk that
/// does not pass takes part in no top k, and pushes nothing out of one.
/// </summary>
internal sealed class PassFilter
{
    private readonly bool[] _mayRead;
    private readonly SearchFilter _filter;
    private readonly Constraint? _constraint;
    private readonly TermStatistics _global;
    private readonly ImmutableDictionary<DocumentId, DocumentEntry> _documents;

    /// <param name="constraint">What the query demands; null for nothing.</param>
    public PassFilter(
        RoleSet roles, SearchFilter filter, Constraint? constraint, TermStatistics global, RoleSet[] readerSets, ImmutableDictionary<DocumentId, DocumentEntry> documents)
    {
        _filter = filter;
        _constraint = constraint;
        _global = global;
        _documents = documents;
        _mayRead = Array.ConvertAll(readerSets, roles.MayRead);
    }

    public Allowed Allowed(SegmentView view)
    {
        if (view.LiveCount == 0)
        {
            return new Allowed([], Nothing: true);
        }

        var everything = !_mayRead.AsSpan().Contains(false);
        if (everything && view.Deleted is null && _constraint is null
            && _filter.Documents.Count == 0 && _filter.Metadata.Count == 0 && _filter.Conditions is null or { Count: 0 })
        {
            return new Allowed([], Nothing: false);
        }

        var bits = _filter.Documents.Count > 0 ? OfDocuments(view) : Bitmap.Full(view.Count);
        if (view.Deleted is { } deleted)
        {
            Bitmap.Remove(bits, deleted);
        }

        if (!everything)
        {
            Bitmap.And(bits, view.Readable(_mayRead));
        }

        foreach (var (key, value) in _filter.Metadata)
        {
            Bitmap.And(bits, MetadataFilter.Of(view, new MetadataCondition(key) { In = [value] }));
        }

        foreach (var condition in _filter.Conditions ?? [])
        {
            Bitmap.And(bits, MetadataFilter.Of(view, condition));
        }

        // Last, because to look for phrases takes longest, and is done only where all the rest is met.
        if (_constraint is not null && bits.AsSpan().ContainsAnyExcept(0UL))
        {
            Bitmap.And(bits, new ConstraintFilter(view, _global).Of(_constraint, bits));
        }

        return new Allowed(bits, Nothing: !bits.AsSpan().ContainsAnyExcept(0UL));
    }

    private ulong[] OfDocuments(SegmentView view)
    {
        var bits = new ulong[Bitmap.WordsFor(view.Count)];
        foreach (var document in _filter.Documents)
        {
            if (_documents.TryGetValue(document, out var entry) && entry.Segment == view.Segment)
            {
                Bitmap.AddRange(bits, entry.Stored.First, entry.Stored.First + entry.Stored.Count);
            }
        }

        return bits;
    }
}

/// <summary>The chunks of a view that pass; no bits at all mean every chunk, unless nothing passes.</summary>
internal readonly record struct Allowed(ulong[] Bits, bool Nothing);
