using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Ingestion.Sources;

/// <summary>
/// Where documents come from. The one seam for folders, uploads, URLs, listings and queues: a source yields what it sees
/// and goes on only when the consumer asks for the next item, so a slow consumer slows the source and nothing piles up.
/// </summary>
/// <remarks>
/// <para>Pausing is not asking. A source that must go on talking to somebody meanwhile (a consumer group) does so by
/// itself, and holds no more than a bounded number of items.</para>
/// <para>Resuming and seeking are the source's own: it reads on from its checkpoint, which it keeps where its kind keeps
/// such things (a queue's committed offsets, <see cref="ISourceCheckpoints"/>), and moves it only past items of which
/// <see cref="Settled"/> has told. Yielding an item again is harmless: the same content is not taken in twice.</para>
/// </remarks>
public interface IDocumentSource
{
    /// <summary>
    /// What the source sees, until it is exhausted or cancelled (a watching source never is exhausted). What cannot be
    /// read is yielded as a <see cref="SourceProblem"/>, never thrown.
    /// </summary>
    IAsyncEnumerable<SourceItem> ReadAsync(CancellationToken cancellation);

    /// <summary>
    /// What became of an item, told at most once for each one yielded; from any thread, in any order, after the reading
    /// has ended too. Items of which nothing is ever told (a crash, a stop) are to be yielded again by the next reading.
    /// Must neither block nor throw. A source without a checkpoint need not listen.
    /// </summary>
    void Settled(SourceItem item, Settlement settlement)
    {
    }
}

/// <summary>Whether a source may forget an item.</summary>
/// <param name="Code">Null where the item is durable; else why it was refused for good, one of <see cref="FailureCodes"/> or <see cref="DocumentRefusals"/>.</param>
/// <param name="Detail">What happened and what to do, for a person.</param>
public readonly record struct Settlement(string? Code, string? Detail)
{
    /// <summary>The document, or its removal, is journaled: from here on it is processed whatever happens.</summary>
    public static Settlement Durable => default;

    public bool IsDurable => Code is null;
}

/// <summary>Where sources without a memory of their own keep how far they are: an opaque text for each, replaced as a whole.</summary>
public interface ISourceCheckpoints
{
    /// <summary>What was saved last for the source of that name; null where nothing was.</summary>
    ValueTask<string?> ReadAsync(string source, CancellationToken cancellation);

    /// <summary>Durable when this returns.</summary>
    ValueTask SaveAsync(string source, string checkpoint, CancellationToken cancellation);
}

/// <summary>Something that a source saw.</summary>
/// <param name="Uri">Where it is, stable between readings: what a document's identity is derived from. Items of one URI are taken in one after the other; those of different ones in any order.</param>
public abstract record SourceItem(string Uri)
{
    /// <summary>Whose document it is; null where the source serves one tenant, which its configuration names.</summary>
    public TenantId? Tenant { get; init; }

    /// <summary>The document's id; null derives it from the URI.</summary>
    public DocumentId? Document { get; init; }

    /// <summary>Where the item stands in its stream, for sources that may yield old items again after newer ones; null else.</summary>
    public SourcePosition? Position { get; init; }

    /// <summary>A W3C traceparent under which the sender wants to find the work; null where there is none.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>A document that is there, or is there anew.</summary>
/// <param name="Name">The path within the source with "/" between its parts, for people and for the parser's hints.</param>
/// <param name="Bytes">Its size when it was seen.</param>
/// <param name="Readers">Who may read it; empty means everybody in the tenant.</param>
/// <param name="OpenAsync">Opens the content for one reading from its start; throws <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> where it is gone by then. The caller disposes the stream.</param>
public sealed record SourceDocument(
    string Uri,
    string Name,
    string? MediaType,
    long Bytes,
    RoleSet Readers,
    IReadOnlyDictionary<string, string> Metadata,
    Func<CancellationToken, ValueTask<Stream>> OpenAsync) : SourceItem(Uri);

/// <summary>A document that was there and is no longer.</summary>
public sealed record SourceRemoved(string Uri, string Name) : SourceItem(Uri);

/// <summary>Something that is there and cannot be taken in.</summary>
/// <param name="Code">One of <see cref="FailureCodes"/>.</param>
/// <param name="Detail">What happened and what to do, for a person.</param>
public sealed record SourceProblem(string Uri, string Name, string Code, string Detail) : SourceItem(Uri);
