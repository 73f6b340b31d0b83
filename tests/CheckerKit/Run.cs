using RagCluster.Kernel.Journal;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Conversations;

namespace RagCluster.CheckerKit;

/// <summary>
/// What a run left behind: what its clients did and were told, and what the store holds at the end. Times are those of
/// one clock outside of the nodes. A simulator fills all of it; a run of real processes leaves out what it cannot know.
/// </summary>
public sealed class Run
{
    public List<Operation> Operations { get; } = [];

    /// <summary>Every record of every shard, in the order of shard and place in its log.</summary>
    public List<LogRecord> Log { get; } = [];

    public List<StreamReading> Streams { get; } = [];

    public List<ViewReading> Views { get; } = [];

    /// <summary>Looks at a conversation of which only the sequence number was kept.</summary>
    public List<SeqReading> Reads { get; } = [];

    public List<SearchReading> Searches { get; } = [];

    /// <summary>What a search for everything of one document found at the end, by somebody who may read all.</summary>
    public List<IndexReading> Index { get; } = [];

    public List<StoredSnapshot> Snapshots { get; } = [];

    /// <summary>Changes of owner in the order in which the database made them.</summary>
    public List<OwnerChange> Owners { get; } = [];

    /// <summary>The text of every content that was handed in, by the id of its blob.</summary>
    public Dictionary<string, string> Contents { get; } = new(StringComparer.Ordinal);

    /// <summary>Everything that a tenant was shown beside what is above: errors, logs, names.</summary>
    public List<Shown> Shown { get; } = [];

    /// <summary>What was still open when the run had been left alone for long enough.</summary>
    public List<string> Unfinished { get; } = [];

    /// <summary>Every record that was in a queue's partitions, and what became of it.</summary>
    public List<QueuedRecord> Queue { get; } = [];

    /// <summary>What a queue's group had committed, as seen from outside.</summary>
    public List<CommitReading> Commits { get; } = [];

    public List<Measure> Measures { get; } = [];

    /// <summary>Somebody declared a living node dead: reads may have been answered with what was true before.</summary>
    public bool ReadsMayBeStale { get; set; }
}

public enum Outcome
{
    /// <summary>Nothing was heard of it by the end of the run.</summary>
    Pending,

    Acknowledged,

    /// <summary>Refused, or certainly without effect: its event must not be in the log.</summary>
    NoEffect,

    /// <summary>It may have taken effect, or not.</summary>
    Unknown,
}

/// <summary>Something a client wanted changed, however many attempts it took.</summary>
public sealed class Operation
{
    public required string Client { get; init; }

    /// <summary>The type of the entity and its id.</summary>
    public required (string Type, string Id) Entity { get; init; }

    /// <summary>Names its event in the log, as <see cref="Markers.Of"/> does; no two operations have the same.</summary>
    public required string Marker { get; init; }

    /// <summary>It carried a command id, or its content makes it unique: it takes effect at most once, however often it is sent.</summary>
    public bool Once { get; init; } = true;

    public TimeSpan InvokedAt { get; init; }

    public TimeSpan? EndedAt { get; set; }

    public Outcome Outcome { get; set; }

    /// <summary>Acknowledged as a change that was already there, or needed none: it need not have an event of its own.</summary>
    public bool Unchanged { get; set; }

    /// <summary>The sequence number that came with the acknowledgement.</summary>
    public long Seq { get; set; }

    public override string ToString() => $"{Client}: {Marker} on {Entity.Type} {Entity.Id}, {Outcome}";
}

/// <param name="Event">As the message library decodes it.</param>
/// <param name="CommittedAt">When the database made it durable; null where nobody could watch.</param>
/// <param name="Writer">Whose connection it came by; null where nobody could watch.</param>
public sealed record LogRecord(
    int Shard, long ShardSeq, string Type, string Entity, long Seq, long Epoch, string? CommandId, object Event, TimeSpan? CommittedAt = null, NodeIncarnation? Writer = null);

/// <summary>What one reader saw of one conversation, through however many connections.</summary>
/// <param name="After">It asked for what comes after this.</param>
public sealed record StreamReading(string Reader, string Conversation, long After)
{
    public List<(TimeSpan At, long Seq, ConversationEvent Event)> Items { get; } = [];
}

/// <summary>A conversation as it was shown.</summary>
public sealed record ViewReading(string Client, string Conversation, TimeSpan From, TimeSpan To, long Seq, ConversationView View);

/// <param name="Seq">As of which it was shown.</param>
public sealed record SeqReading(string Client, string Conversation, TimeSpan From, TimeSpan To, long Seq);

/// <param name="Complete">Every partition answered.</param>
/// <param name="Expected">A document that must be among the passages if it was indexed and readable all the time; null for none.</param>
public sealed record SearchReading(
    string Client, Principal Principal, string Query, TimeSpan From, TimeSpan To, bool Complete, IReadOnlyList<ScoredPassage> Passages, string? Expected = null);

public sealed record IndexReading(string Tenant, string Document, IReadOnlyList<Passage> Passages);

public sealed record StoredSnapshot(string Type, Snapshot Snapshot);

/// <param name="Owner">Null where the shard was given up.</param>
public sealed record OwnerChange(TimeSpan At, int Shard, long Epoch, NodeIncarnation? Owner);

public sealed record Shown(string Tenant, string Where, string Text);

/// <param name="Partition">Names it among all, such as "documents/3".</param>
/// <param name="DurableAt">When its document, its removal or its dead letter was durable, by those who can know; null where it never was.</param>
/// <param name="Ended">It was indexed, removed, or lies among the dead letters at the end.</param>
public sealed record QueuedRecord(string Partition, long Offset, TimeSpan? DurableAt, bool Ended);

/// <param name="At">When the answer was there: the commit is no younger.</param>
/// <param name="Offset">From which a new reader would go on.</param>
public sealed record CommitReading(string Partition, TimeSpan At, long Offset);

/// <summary>Something that must stay bounded.</summary>
public sealed record Measure(string Name, long Value, long Limit);

/// <param name="Rule">The checker's name, such as "C1".</param>
/// <param name="Subject">What it is about, for a timeline: an entity's id, a shard, a document.</param>
public sealed record Violation(string Rule, string Subject, string Detail)
{
    public override string ToString() => $"{Rule} {Subject}: {Detail}";
}

/// <summary>A promise, checked over what a run left behind.</summary>
public interface IChecker
{
    string Name { get; }

    /// <summary>What must hold, in a sentence.</summary>
    string Promise { get; }

    IEnumerable<Violation> Check(Run run);
}
