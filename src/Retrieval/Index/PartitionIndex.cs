using System.Collections.Immutable;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Scoring;

namespace RagCluster.Retrieval.Index;

/// <summary>
/// The chunks that one partition owns, searchable by words and by vectors. Its state is a function of the events
/// applied to it: replaying them gives an index that answers every query alike.
/// </summary>
/// <remarks>
/// One thread at a time applies events; any number search meanwhile, each on a snapshot (<see cref="Reader"/>) that
/// costs nothing to take and never changes. What was applied is in the next snapshot. Neither side waits for the other.
/// </remarks>
public sealed class PartitionIndex
{
    private readonly IndexOptions _options;
    private readonly Dictionary<RoleSet, int> _setNumbers = [];
    private ImmutableDictionary<DocumentId, DocumentEntry> _documents = ImmutableDictionary<DocumentId, DocumentEntry>.Empty;
    private RoleSet[] _readerSets = [];
    private SegmentView[] _views = [];
    private Segment? _open;
    private IndexReader _reader;

    public PartitionIndex(IndexOptions? options = null)
    {
        _options = options ?? IndexOptions.Default;
        _reader = NewReader();
    }

    /// <summary>The index as it is now: an immutable snapshot.</summary>
    public IndexReader Reader => Volatile.Read(ref _reader);

    /// <summary>Applies any of a partition's events. Whether anything changed.</summary>
    public bool Apply(PartitionEvent @event) => @event switch
    {
        ChunksIndexed indexed => Apply(indexed),
        ChunksRemoved removed => Apply(removed),
        ChunksRestricted restricted => Apply(restricted),
        _ => throw new ArgumentException($"An index knows nothing of {@event.GetType().Name}.", nameof(@event)),
    };

    /// <summary>
    /// Puts the chunks in place of those the document had. An older version than the indexed one changes nothing. Of
    /// the event's readers and those already known, the ones of the later revision count.
    /// </summary>
    public bool Apply(ChunksIndexed indexed)
    {
        var (readers, revision) = (indexed.Readers, indexed.AccessRevision);
        if (_documents.TryGetValue(indexed.Document, out var old))
        {
            if (old.Stored.Version > indexed.Version)
            {
                return false;
            }

            if (old.AccessRevision > revision)
            {
                (readers, revision) = (old.Readers, old.AccessRevision);
            }

            Delete(old);
        }

        var dimensions = indexed.Chunks.Count > 0 ? indexed.Chunks[0].Vector.Dimensions : 0;
        if (_open is null || _open.ChunkCount >= _options.MaxSegmentChunks || _open.TextLength >= _options.MaxSegmentText || !_open.Takes(dimensions))
        {
            _open = new Segment(_options.Analyzer);
            _views = [.. _views, Empty(_open)];
        }

        var row = _open.Add(indexed);
        var stored = _open.Documents[row];
        Extend(stored, SetNumber(readers));
        _documents = _documents.SetItem(indexed.Document, new DocumentEntry(_open, row, stored, readers, revision));
        Publish();
        return true;
    }

    /// <summary>Forgets the document if its version is not beyond <see cref="ChunksRemoved.UpToVersion"/>.</summary>
    public bool Apply(ChunksRemoved removed)
    {
        if (!_documents.TryGetValue(removed.Document, out var old) || old.Stored.Version > removed.UpToVersion)
        {
            return false;
        }

        Delete(old);
        _documents = _documents.Remove(removed.Document);
        Publish();
        return true;
    }

    /// <summary>Lets these, and only these, find the document's chunks from the next snapshot on. An older revision than the known one changes nothing.</summary>
    public bool Apply(ChunksRestricted restricted)
    {
        if (!_documents.TryGetValue(restricted.Document, out var entry) || entry.AccessRevision > restricted.AccessRevision)
        {
            return false;
        }

        var number = ViewOf(entry.Segment);
        var view = _views[number];

        // A copy: older snapshots keep the old array.
        var readers = view.ReadersOf.ToArray();
        readers.AsSpan(entry.Stored.First, entry.Stored.Count).Fill(SetNumber(restricted.Readers));
        Replace(number, view, readersOf: readers);
        _documents = _documents.SetItem(restricted.Document, entry with { Readers = restricted.Readers, AccessRevision = restricted.AccessRevision });
        Publish();
        return !entry.Readers.Equals(restricted.Readers) || entry.AccessRevision != restricted.AccessRevision;
    }

    private void Delete(DocumentEntry entry)
    {
        var (first, count) = (entry.Stored.First, entry.Stored.Count);
        if (count == 0)
        {
            return;
        }

        var number = ViewOf(entry.Segment);
        var view = _views[number];
        var deleted = new ulong[Bitmap.WordsFor(view.Count)];
        view.Deleted?.CopyTo(deleted, 0);
        Bitmap.AddRange(deleted, first, first + count);
        Replace(number, view, deleted: deleted, deletedCount: view.DeletedCount + count, lengths: Sum(view.Lengths, first, count, view.TotalLength, -1));
    }

    /// <summary>Takes the chunks just added to the open segment into its view.</summary>
    private void Extend(StoredDocument added, int setNumber)
    {
        var view = _views[^1];
        var readers = view.ReadersOf;
        if (readers.Length < added.First + added.Count)
        {
            Array.Resize(ref readers, Math.Max(added.First + added.Count, readers.Length * 2));
        }

        // Beyond the count of every snapshot, so nobody reads here yet.
        readers.AsSpan(added.First, added.Count).Fill(setNumber);
        var total = Sum(view.Segment.Lengths, added.First, added.Count, view.TotalLength, 1);
        Replace(_views.Length - 1, view, readersOf: readers, lengths: total);
    }

    private static PerField<long> Sum(Lengths lengths, int first, int count, PerField<long> from, int sign)
    {
        var (body, title, headings) = (from.Body, from.Title, from.Headings);
        for (var chunk = first; chunk < first + count; chunk++)
        {
            body += sign * lengths.Body[chunk];
            title += sign * lengths.Title[chunk];
            headings += sign * lengths.Headings[chunk];
        }

        return new PerField<long>(body, title, headings);
    }

    private void Replace(int number, SegmentView view, int[]? readersOf = null, ulong[]? deleted = null, int? deletedCount = null, PerField<long>? lengths = null)
    {
        SegmentView[] views = [.. _views];
        views[number] = Renewed(view, readersOf ?? view.ReadersOf, deleted ?? view.Deleted, deletedCount ?? view.DeletedCount, lengths ?? view.TotalLength);
        _views = views;
    }

    private static SegmentView Renewed(SegmentView view, int[] readersOf, ulong[]? deleted, int deletedCount, PerField<long> lengths) => new()
    {
        Segment = view.Segment,
        Count = view.Segment.ChunkCount,
        DocumentCount = view.Segment.DocumentCount,
        Chunks = view.Segment.Chunks,
        Documents = view.Segment.Documents,
        Lengths = view.Segment.Lengths,
        ReadersOf = readersOf,
        Deleted = deleted,
        DeletedCount = deletedCount,
        TotalLength = lengths,
    };

    private static SegmentView Empty(Segment segment) => Renewed(
        new SegmentView
        {
            Segment = segment,
            Count = 0,
            DocumentCount = 0,
            Chunks = segment.Chunks,
            Documents = segment.Documents,
            Lengths = segment.Lengths,
            ReadersOf = [],
            TotalLength = default,
        },
        [],
        null,
        0,
        default);

    private int ViewOf(Segment segment) => Array.FindIndex(_views, view => view.Segment == segment);

    private int SetNumber(RoleSet readers)
    {
        if (!_setNumbers.TryGetValue(readers, out var number))
        {
            number = _readerSets.Length;
            _setNumbers.Add(readers, number);
            _readerSets = [.. _readerSets, readers];
        }

        return number;
    }

    private IndexReader NewReader() => new(_options, _views, _documents, _readerSets);

    private void Publish() => Volatile.Write(ref _reader, NewReader());
}
