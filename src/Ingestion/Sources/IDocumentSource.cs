using RagCluster.Messages.Identity;

namespace RagCluster.Ingestion.Sources;

/// <summary>
/// Where documents come from. The one seam for folders, uploads, URLs and queues: a source yields what it sees and
/// goes on only when the consumer asks for the next item, so a slow consumer slows the source and nothing piles up.
/// </summary>
public interface IDocumentSource
{
    /// <summary>
    /// What the source sees, until it is exhausted or cancelled (a watching source never is exhausted). What cannot be
    /// read is yielded as a <see cref="SourceProblem"/>, never thrown.
    /// </summary>
    IAsyncEnumerable<SourceItem> ReadAsync(CancellationToken cancellation);
}

/// <summary>Something that a source saw.</summary>
/// <param name="Uri">Where it is, stable between readings: what a document's identity is derived from.</param>
public abstract record SourceItem(string Uri);

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
/// <param name="Code">One of <see cref="Messages.Documents.FailureCodes"/>.</param>
/// <param name="Detail">What happened and what to do, for a person.</param>
public sealed record SourceProblem(string Uri, string Name, string Code, string Detail) : SourceItem(Uri);
