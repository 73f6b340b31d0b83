using RagCluster.Actors.Documents;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Actors.Catalog;

/// <summary>A document in a list.</summary>
public sealed record DocumentRow(
    DocumentId Id,
    string Name,
    string Source,
    string Title,
    string? MediaType,
    int Version,
    long Bytes,
    int Chunks,
    int? Pages,
    RoleSet Readers,
    DocumentStatus Status,
    string? FailureCode,
    string? FailureDetail,
    DateTimeOffset? RetryAt,
    DateTimeOffset ReceivedAt,
    DateTimeOffset ChangedAt)
{
    public static DocumentRow Of(DocumentId id, DocumentView view) => new(
        id,
        view.Name,
        view.Source,
        view.Title,
        view.MediaType,
        view.Version,
        view.Bytes,
        view.Chunks,
        view.Pages,
        view.Readers,
        view.Status,
        view.FailureCode,
        view.FailureDetail,
        view.RetryAt,
        view.ReceivedAt,
        view.ChangedAt);
}

/// <summary>Part of a list.</summary>
/// <param name="Next">What to ask for as "after" to get the next page; null at the end.</param>
public sealed record DocumentPage(IReadOnlyList<DocumentRow> Documents, string? Next);

/// <summary>Which documents to list.</summary>
/// <param name="After">The <see cref="DocumentPage.Next"/> of the page before; null for the first.</param>
/// <param name="Status">Only those in this state.</param>
/// <param name="Text">Only those whose name, title or source contains this, whatever the case.</param>
public sealed record DocumentListing(string? After, int Limit, DocumentStatus? Status, string? Text)
{
    public const int MaxLimit = 500;
}

/// <summary>A conversation in a list.</summary>
public sealed record ConversationRow(ConversationId Id, string Title, DateTimeOffset StartedAt, DateTimeOffset ChangedAt, int Questions);

/// <summary>
/// The lists of what a tenant has, read from the logs: they follow the entities within milliseconds and can be built
/// anew at any time. The entities themselves are the truth.
/// </summary>
public interface ICatalog : IAsyncDisposable
{
    /// <summary>The documents that the principal may see, newest first.</summary>
    ValueTask<DocumentPage> ListDocumentsAsync(Principal principal, DocumentListing listing, CancellationToken cancellationToken = default);

    /// <summary>How many documents of the tenant are in each state; removed ones are not counted.</summary>
    ValueTask<IReadOnlyDictionary<DocumentStatus, int>> CountDocumentsAsync(TenantId tenant, CancellationToken cancellationToken = default);

    /// <summary>
    /// The documents that the principal may see, each time one changes. A slow reader misses intermediate states of
    /// a document, never its last.
    /// </summary>
    IAsyncEnumerable<DocumentRow> WatchDocumentsAsync(Principal principal, CancellationToken cancellationToken = default);

    /// <summary>Waits until the lists hold everything that was durable at the time of the call.</summary>
    Task CaughtUpAsync(CancellationToken cancellationToken = default);

    /// <summary>The principal's conversations, last changed first.</summary>
    ValueTask<IReadOnlyList<ConversationRow>> ListConversationsAsync(Principal principal, int limit, CancellationToken cancellationToken = default);
}
