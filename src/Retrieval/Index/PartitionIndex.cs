using System.Collections.Immutable;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Scoring;
using RagCluster.Retrieval.Segments;
using RagCluster.Retrieval.Vectors.Graphs;

namespace RagCluster.Retrieval.Index;

/// <summary>
/// The chunks that one partition owns, searchable by words and by vectors. Its state is a function of the events
/// applied to it: replaying them gives an index that answers every query alike.
/// </summary>
/// <remarks>
/// One thread at a time applies events; any number search meanwhile, each on a snapshot (<see cref="Reader"/>) that
/// costs nothing to take and never changes. What was applied is in the next snapshot. Neither side waits for the other.
/// Chunks go into the last segment until it is full; then it is closed, and another one begins. Deleting only marks
/// chunks. What remains to be done to closed segments, packing and merging them, is <see cref="SegmentWork"/>: done at
/// once, or by whoever asks for it (<see cref="IndexOptions.WorksInBackground"/>).
/// </remarks>
public sealed partial class PartitionIndex
{
    private readonly IndexOptions _options;
    private readonly Dictionary<RoleSet, int> _setNumbers = [];
    private ImmutableDictionary<DocumentId, DocumentEntry> _documents = ImmutableDictionary<DocumentId, DocumentEntry>.Empty;
    private RoleSet[] _readerSets = [];
    private SegmentView[] _views = [];
    private readonly PartitionGraphs _graphs;
    private IndexReader _reader;

    public PartitionIndex(IndexOptions? options = null)
    {
        _options = options ?? IndexOptions.Default;
        _graphs = new PartitionGraphs(_options.Graphs);
        _reader = NewReader();
    }

    /// <summary>The index as it is now: an immutable snapshot.</summary>
    public IndexReader Reader => Volatile.Read(ref _reader);

    /// <summary>Why a graph that was saved is not used: it is built anew from the vectors. Null where there was none, or a good one.</summary>
    public SegmentCorruptException? RefusedGraph { get; private set; }

    /// <summary>Reads back what <see cref="IndexReader.Save"/> wrote.</summary>
    /// <exception cref="SegmentCorruptException">A file is missing, changed or not readable by this version; rebuild from the log.</exception>
    public static PartitionIndex Open(string directory, SegmentManifest manifest, IndexOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(manifest);
        var index = new PartitionIndex(options);
        index.Load(directory, manifest);
        return index;
    }

    /// <summary>
    /// Removes the index files that the manifest does not name. Call it when the manifest is durable and no save is
    /// running: an older manifest's files go.
    /// </summary>
    public static void Prune(string directory, SegmentManifest manifest) => SegmentStore.Prune(directory, manifest);

    /// <inheritdoc cref="IndexReader.Save"/>
    public SegmentManifest Save(string directory) => Reader.Save(directory);

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
        if (_documents.TryGetValue(indexed.Document, out var old) && old.Stored.Version > indexed.Version)
        {
            return false;
        }

        // Before the old version is looked up for good: opening a segment may move documents.
        var segment = OpenSegment();
        var (readers, revision) = (indexed.Readers, indexed.AccessRevision);
        if (_documents.TryGetValue(indexed.Document, out old))
        {
            if (old.AccessRevision > revision)
            {
                (readers, revision) = (old.Readers, old.AccessRevision);
            }

            Delete(old);
        }

        var row = segment.Add(indexed);
        Admit(segment, row, readers, revision);
        _changed?.Add(indexed.Document);
        if (old is not null)
        {
            CloseIfSparse(old.Segment);
        }

        Publish();
        WorkUnlessInBackground();
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
        _changed?.Add(removed.Document);
        CloseIfSparse(old.Segment);
        Publish();
        WorkUnlessInBackground();
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
        Replace(number, view.Renewed(readers, view.Deleted, view.DeletedCount, view.TotalLength));
        _documents = _documents.SetItem(restricted.Document, entry with { Readers = restricted.Readers, AccessRevision = restricted.AccessRevision });
        _changed?.Add(restricted.Document);
        Publish();
        return !entry.Readers.Equals(restricted.Readers) || entry.AccessRevision != restricted.AccessRevision;
    }

    private void Load(string directory, SegmentManifest manifest)
    {
        foreach (var (segment, rows) in SegmentStore.Read(directory, manifest, _options.Analyzer))
        {
            var gone = new List<StoredDocument>();
            _views = [.. _views, SegmentView.Of(segment)];
            for (var row = 0; row < rows.Length; row++)
            {
                var stored = segment.Documents[row];
                if (rows[row] is not { } access)
                {
                    Admit(segment, row, RoleSet.Empty, 0, alive: false);
                    gone.Add(stored);
                    continue;
                }

                if (_documents.ContainsKey(stored.Document))
                {
                    throw new SegmentCorruptException(manifest.State.Name, nameof(Section.State), $"The document \"{stored.Document}\" is there twice.");
                }

                Admit(segment, row, access.Readers, access.Revision);
            }

            Delete(segment, gone);
        }

        if (_documents.Count != manifest.Documents)
        {
            throw new SegmentCorruptException(manifest.State.Name, nameof(Section.State), $"It has {_documents.Count} documents, and the manifest says {manifest.Documents}.");
        }

        foreach (var graph in manifest.Graphs ?? [])
        {
            try
            {
                _graphs.Open(directory, graph, _views);
            }
            catch (SegmentCorruptException e)
            {
                RefusedGraph = e;
            }
        }

        _due = true;
        Publish();
    }

    /// <summary>Takes the document just added to the last segment into that segment's view.</summary>
    private void Admit(Segment segment, int row, RoleSet readers, int revision, bool alive = true)
    {
        var added = segment.Documents[row];
        var view = _views[^1];
        var readersOf = view.ReadersOf;
        if (readersOf.Length < added.First + added.Count)
        {
            Array.Resize(ref readersOf, Math.Max(added.First + added.Count, readersOf.Length * 2));
        }

        // Beyond the count of every snapshot, so nobody reads here yet.
        readersOf.AsSpan(added.First, added.Count).Fill(SetNumber(readers));
        var total = Sum(segment.Lengths, added, view.TotalLength, 1);
        Replace(_views.Length - 1, view.Renewed(readersOf, view.Deleted, view.DeletedCount, total));
        if (alive)
        {
            _documents = _documents.SetItem(added.Document, new DocumentEntry(segment, row, added, readers, revision));
        }
    }

    private void Delete(DocumentEntry entry) => Delete(entry.Segment, [entry.Stored]);

    private void Delete(Segment segment, IReadOnlyList<StoredDocument> documents)
    {
        var number = ViewOf(segment);
        var view = _views[number];
        var (count, total) = (view.DeletedCount, view.TotalLength);
        var deleted = new ulong[Bitmap.WordsFor(view.Count)];
        view.Deleted?.CopyTo(deleted, 0);
        foreach (var document in documents)
        {
            Bitmap.AddRange(deleted, document.First, document.First + document.Count);
            total = Sum(view.Lengths, document, total, -1);
            count += document.Count;
        }

        Replace(number, view.Renewed(view.ReadersOf, count == 0 ? null : deleted, count, total));
    }

    private static PerField<long> Sum(Lengths lengths, StoredDocument document, PerField<long> from, int sign)
    {
        var (body, title, headings) = (from.Body, from.Title, from.Headings);
        for (var chunk = document.First; chunk < document.First + document.Count; chunk++)
        {
            body += sign * lengths.Body[chunk];
            title += sign * lengths.Title[chunk];
            headings += sign * lengths.Headings[chunk];
        }

        return new PerField<long>(body, title, headings);
    }

    private void Replace(int number, SegmentView view)
    {
        SegmentView[] views = [.. _views];
        views[number] = view;
        _views = views;
    }

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

    private IndexReader NewReader() => new(_options, _views, _documents, _readerSets, _graphs);

    private void Publish() => Volatile.Write(ref _reader, NewReader());
}
