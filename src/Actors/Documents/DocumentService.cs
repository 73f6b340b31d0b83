using System.Text;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Actors.Documents;

using Region = IRegion<DocumentCommand, DocumentEvent, DocumentReply>;

/// <summary>What a source or client hands over: everything about a document but its bytes.</summary>
/// <param name="Name">File name or title, for people.</param>
/// <param name="Source">Where it came from.</param>
/// <param name="Readers">Who may read it; empty means everybody in the tenant.</param>
public sealed record DocumentOffer(
    DocumentId Id,
    string Name,
    string Source,
    string? MediaType,
    RoleSet Readers,
    IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>Where it stood in its source's stream; null where the source has none.</summary>
    public SourcePosition? Position { get; init; }
}

/// <summary>The extracted text of one version: what every span refers to.</summary>
public sealed record DocumentText(DocumentId Document, int Version, string Title, int? Pages, string Text);

/// <summary>
/// Documents as a gateway or a source uses them. What a principal may not read looks like what is not there.
/// </summary>
/// <remarks>
/// All may throw <see cref="EntityUnavailableException"/> (nothing happened, try later) and
/// <see cref="TimeoutException"/> (unknown; sending the same again is safe).
/// </remarks>
public sealed class DocumentService(Region region, IBlobStore blobs, IngestionGate gate, DocumentOptions options, TimeProvider time)
{
    /// <summary>Holders of this role may add, change and remove documents.</summary>
    public const string Administrator = "admin";

    public Features.Features Features { get; init; } = new();

    private static readonly DocumentRefused Missing = new(DocumentRefusals.NotFound, "There is no such document.");

    /// <summary>
    /// Takes a document in. When it returns, the bytes are durable and the document will be processed whatever happens
    /// to this node. Waits while too many documents are on their way, here or at the document's owner (backpressure).
    /// </summary>
    /// <exception cref="BlobTooLargeException">The content is larger than <see cref="DocumentOptions.MaxBytes"/>.</exception>
    /// <exception cref="EntityUnavailableException">Nothing was taken in, also where an operator has switched documents off.</exception>
    public async ValueTask<Committed<DocumentReply>> IngestAsync(
        TenantId tenant, DocumentOffer offer, Stream content, CancellationToken cancellationToken = default)
    {
        if (!Features.IsOn(Actors.Features.Features.Documents))
        {
            throw new EntityUnavailableException("Documents are not taken in just now: an operator has switched that off for a while.");
        }

        await gate.AdmitAsync(cancellationToken);
        var blob = await blobs.PutAsync(content, options.MaxBytes, cancellationToken);
        var bytes = await blobs.LengthAsync(blob, cancellationToken) ?? throw new BlobMissingException(blob);
        var command = new Ingest(tenant, offer.Name, offer.Source, offer.MediaType, BlobId.Of(blob), bytes, offer.Readers, offer.Metadata) { Position = offer.Position };
        for (var pause = options.MinBusyPause; ; pause = pause * 2 < options.MaxBusyPause ? pause * 2 : options.MaxBusyPause)
        {
            var committed = await region.AskAsync(Id(tenant, offer.Id), command, null, options.AskTimeout, cancellationToken);
            if (committed.Reply is not DocumentRefused { Code: DocumentRefusals.Busy })
            {
                return committed;
            }

            await Task.Delay(pause, time, cancellationToken);
        }
    }

    /// <summary>Removes a document because its source no longer has it. When this returns, the removal is durable; soon after, no query finds the document.</summary>
    public async ValueTask<DocumentReply> WithdrawAsync(TenantId tenant, DocumentId document, SourcePosition? position, CancellationToken cancellationToken = default) =>
        (await region.AskAsync(Id(tenant, document), new Withdraw(position), null, options.AskTimeout, cancellationToken)).Reply;

    /// <summary>The document as it stands, or null if there is none that the principal may see.</summary>
    public async ValueTask<(DocumentView View, long Seq)?> ReadAsync(Principal principal, DocumentId document, CancellationToken cancellationToken = default)
    {
        var (reply, seq) = await region.AskAsync(Id(principal.Tenant, document), new ReadDocument(), null, options.AskTimeout, cancellationToken);
        return reply is DocumentView view && MaySee(principal, view.Readers) ? (view, seq) : null;
    }

    /// <summary>
    /// The extracted text of a version, or null. Only readers see text: an administrator who does not hold one of the
    /// document's roles sees that it is there and no more.
    /// </summary>
    public async ValueTask<DocumentText?> ReadTextAsync(Principal principal, DocumentId document, int? version, CancellationToken cancellationToken = default)
    {
        var (reply, _) = await region.AskAsync(Id(principal.Tenant, document), new ReadText(version), null, options.AskTimeout, cancellationToken);
        if (reply is not TextFound found || !principal.Roles.MayRead(found.Readers))
        {
            return null;
        }

        await using var stream = await blobs.OpenAsync(found.Text.Value, cancellationToken);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return new DocumentText(document, found.Version, found.Title, found.Pages, await reader.ReadToEndAsync(cancellationToken));
    }

    /// <summary>Removes the document. When it returns, no query finds it any more, unless it was handed in again meanwhile.</summary>
    public ValueTask<DocumentReply> RemoveAsync(Principal principal, DocumentId document, CancellationToken cancellationToken = default) =>
        ChangeAsync(principal, document, new Remove(principal), e => e is DocumentRemoved or DocumentReceived, cancellationToken);

    /// <summary>Changes who may read it. When it returns, every query obeys.</summary>
    public ValueTask<DocumentReply> ChangeAccessAsync(Principal principal, DocumentId document, RoleSet readers, CancellationToken cancellationToken = default) =>
        ChangeAsync(principal, document, new ChangeAccess(readers, principal), e => e is AccessApplied or RemovalRequested, cancellationToken);

    /// <summary>Processes a failed document again, now.</summary>
    public ValueTask<DocumentReply> RetryAsync(Principal principal, DocumentId document, CancellationToken cancellationToken = default) =>
        ChangeAsync(principal, document, new Retry(), null, cancellationToken);

    /// <summary>The document's events after <paramref name="after"/>, those to come included. Null if there is no such document for this principal.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="after"/> is negative or beyond the document's history.</exception>
    public async ValueTask<IAsyncEnumerable<Recorded<DocumentEvent>>?> SubscribeAsync(
        Principal principal, DocumentId document, long after, CancellationToken cancellationToken = default)
    {
        if (await ReadAsync(principal, document, cancellationToken) is not { } known)
        {
            return null;
        }

        ArgumentOutOfRangeException.ThrowIfNegative(after);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(after, known.Seq);
        return region.SubscribeAsync(Id(principal.Tenant, document), after, cancellationToken);
    }

    /// <summary>Whether the principal may know that the document exists.</summary>
    public static bool MaySee(Principal principal, RoleSet readers) =>
        principal.Roles.Contains(Administrator) || principal.Roles.MayRead(readers);

    internal static EntityId Id(TenantId tenant, DocumentId document) => new($"{tenant.Value}/{document.Value}");

    internal static (TenantId Tenant, DocumentId Document) Split(EntityId id)
    {
        var slash = id.Value.IndexOf('/', StringComparison.Ordinal);
        return (TenantId.Of(id.Value[..slash]), DocumentId.Of(id.Value[(slash + 1)..]));
    }

    private async ValueTask<DocumentReply> ChangeAsync(
        Principal principal, DocumentId document, DocumentCommand command, Func<DocumentEvent, bool>? applied, CancellationToken cancellationToken)
    {
        if (await ReadAsync(principal, document, cancellationToken) is null)
        {
            return Missing;
        }

        var id = Id(principal.Tenant, document);
        var (reply, seq) = await region.AskAsync(id, command, null, options.AskTimeout, cancellationToken);
        if (reply is not DocumentAccepted || applied is null)
        {
            return reply;
        }

        // The journal says that it will be; the caller was promised that it is.
        try
        {
            await foreach (var recorded in region.SubscribeAsync(id, seq, cancellationToken))
            {
                if (applied(recorded.Event))
                {
                    break;
                }
            }
        }
        catch (Exception e) when (e is EntityUnavailableException or StoreException)
        {
            // It stands in the journal: "nothing happened" would be a lie.
            throw new TimeoutException("The change is durable and will be applied, but this node cannot tell when: look at the document, or send the change again.", e);
        }

        return reply;
    }
}
