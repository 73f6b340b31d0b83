using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using RagCluster.Actors.Catalog;
using RagCluster.Actors.Documents;
using RagCluster.Kernel;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;
using RagCluster.Nodes.Gateway.Identity;

namespace RagCluster.Nodes.Gateway.Documents;

/// <summary>/api/v1/documents: taking documents in, looking at them, changing who reads them, removing them.</summary>
internal static class DocumentEndpoints
{
    /// <summary>Metadata of an upload travels as form fields or query parameters with this prefix.</summary>
    private const string MetadataPrefix = "meta.";

    public static void MapDocuments(this IEndpointRouteBuilder api)
    {
        var documents = api.MapGroup("/documents").WithTags("documents");

        // Uploads are held back by the number of documents under way, not by a count of requests: a source sends as fast as they are taken.
        documents.MapPost("/", UploadAsync).WithSummary("Takes in the files of a multipart form; answers when they are durable.")
            .Produces<UploadedBody>(StatusCodes.Status202Accepted).ProducesProblem(400).ProducesProblem(403).ProducesProblem(413).DisableAntiforgery()
            .DisableRateLimiting();
        documents.MapPut("/{id}", PutAsync).WithSummary("Takes in the request's body as the document's next version.")
            .Produces<DocumentAcceptedBody>(StatusCodes.Status202Accepted).ProducesProblem(400).ProducesProblem(403).ProducesProblem(413).DisableRateLimiting();
        documents.MapGet("/", ListAsync).WithSummary("Lists the documents that the caller may see, newest first.").Produces<DocumentPage>();
        documents.MapGet("/{id}", GetAsync).WithSummary("A document's state.").Produces<DocumentRow>().ProducesProblem(404);
        documents.MapDelete("/{id}", DeleteAsync).WithSummary("Removes the document; answers when no query finds it any more.")
            .Produces(StatusCodes.Status204NoContent).ProducesProblem(403).ProducesProblem(404);
        documents.MapPost("/{id}/retry", RetryAsync).WithSummary("Processes a failed document again, now.")
            .Produces<DocumentAcceptedBody>(StatusCodes.Status202Accepted).ProducesProblem(403).ProducesProblem(404);
        documents.MapPut("/{id}/access", ChangeAccessAsync).WithSummary("Changes who may read it; answers when every query obeys.")
            .Produces<DocumentAcceptedBody>().ProducesProblem(403).ProducesProblem(404);
        documents.MapGet("/{id}/events", EventsAsync).WithSummary("The document's events as server-sent events, from Last-Event-ID on.").ProducesProblem(404);
        documents.MapGet("/{id}/text", TextAsync).WithSummary("The extracted text of the newest version.").Produces<TextBody>().ProducesProblem(404);
        documents.MapGet("/{id}/versions/{version:int}/text", VersionTextAsync)
            .WithSummary("The extracted text of a version; the offsets of passages and citations refer to it, in UTF-16 code units.")
            .Produces<TextBody>().ProducesProblem(404);
        api.MapGet("/events", WatchAsync).WithTags("documents").WithSummary("Every document that changes, as server-sent events named \"document\".");
    }

    private static async Task<IResult> UploadAsync(HttpContext context, DocumentService documents, CancellationToken cancellationToken)
    {
        var principal = context.Principal();
        if (MayWrite(principal) is { } refusal)
        {
            return refusal;
        }

        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type)
            || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase)
            || HeaderUtilities.RemoveQuotes(type.Boundary).Value is not { Length: > 0 } boundary)
        {
            return Problems.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type", "Send multipart/form-data with a \"file\" part, or PUT one document's bytes to /api/v1/documents/{id}.");
        }

        // The form is read as it comes: fields first, then the files they speak of, none of which is held in memory.
        var fields = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var taken = new List<DocumentAcceptedBody>();
        var reader = new MultipartReader(boundary, context.Request.Body);
        while (await reader.ReadNextSectionAsync(cancellationToken) is { } section)
        {
            if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition))
            {
                return Problems.Invalid("A part of the form has no Content-Disposition.");
            }

            if (!disposition.IsFileDisposition())
            {
                using var text = new StreamReader(section.Body);
                var buffer = new char[8192];
                var length = await text.ReadBlockAsync(buffer, cancellationToken);
                if (length == buffer.Length)
                {
                    return Problems.TooLarge($"A field of the form has at most {buffer.Length - 1} characters.");
                }

                fields[HeaderUtilities.RemoveQuotes(disposition.Name).Value ?? ""] = new string(buffer, 0, length);
                continue;
            }

            var name = FileName(HeaderUtilities.RemoveQuotes(disposition.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName).Value);
            if (name is null)
            {
                return Problems.Invalid("A file of the form has no usable name.");
            }

            var id = fields.TryGetValue("id", out var given) && given.Length > 0 ? given : IdOf("upload", name);
            var result = await TakeAsync(documents, principal, id, name, "upload", section.ContentType, fields, section.Body, cancellationToken);
            if (result.Problem is not null)
            {
                return result.Problem;
            }

            taken.Add(result.Body!);
        }

        return taken.Count == 0
            ? Problems.Invalid("The form has no file; send it as a part named \"file\" with a file name.")
            : TypedResults.Json(new UploadedBody(taken), GatewayJson.Default.UploadedBody, statusCode: StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> PutAsync(string id, HttpContext context, DocumentService documents, CancellationToken cancellationToken)
    {
        var principal = context.Principal();
        if (MayWrite(principal) is { } refusal)
        {
            return refusal;
        }

        var query = context.Request.Query.ToDictionary(p => p.Key, p => p.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        var name = FileName(query.GetValueOrDefault("name")) ?? FileName(id) ?? "document";
        var source = query.GetValueOrDefault("source") is { Length: > 0 } given ? given : "upload";
        var result = await TakeAsync(documents, principal, id, name, source, context.Request.ContentType, query, context.Request.Body, cancellationToken);
        return result.Problem ?? TypedResults.Json(result.Body, GatewayJson.Default.DocumentAcceptedBody, statusCode: StatusCodes.Status202Accepted);
    }

    private static async Task<(DocumentAcceptedBody? Body, IResult? Problem)> TakeAsync(
        DocumentService documents,
        Principal principal,
        string id,
        string name,
        string source,
        string? mediaType,
        IReadOnlyDictionary<string, string> fields,
        Stream content,
        CancellationToken cancellationToken)
    {
        if (id.Length > 256)
        {
            return (null, Problems.Invalid("A document's id has at most 256 characters."));
        }

        var readers = RoleSet.Of((fields.GetValueOrDefault("readers") ?? "").Split(','));
        var metadata = fields
            .Where(p => p.Key.StartsWith(MetadataPrefix, StringComparison.OrdinalIgnoreCase))
            .ToDictionary(p => p.Key[MetadataPrefix.Length..], p => p.Value, StringComparer.Ordinal);
        try
        {
            var offer = new DocumentOffer(DocumentId.Of(id), name, source, mediaType, readers, metadata);
            var (reply, _) = await documents.IngestAsync(principal.Tenant, offer, content, cancellationToken);
            return reply switch
            {
                DocumentAccepted a => (new DocumentAcceptedBody(offer.Id, a.Version, DocumentStatus.Received, true), null),
                DocumentUnchanged u => (new DocumentAcceptedBody(offer.Id, u.Version, DocumentStatus.Received, false), null),
                _ => (null, Problems.NotFound("document")),
            };
        }
        catch (BlobTooLargeException e)
        {
            return (null, Problems.TooLarge($"\"{name}\": {e.Message} It is set by ragcluster.documents.max-bytes."));
        }
    }

    private static async Task<IResult> ListAsync(
        HttpContext context, ICatalog catalog, string? after, int? limit, string? status, string? q, CancellationToken cancellationToken)
    {
        DocumentStatus? wanted = null;
        if (!string.IsNullOrEmpty(status))
        {
            if (!Enum.TryParse<DocumentStatus>(status, ignoreCase: true, out var parsed) || !Enum.IsDefined(parsed))
            {
                return Problems.Invalid($"status is one of {string.Join(", ", Enum.GetNames<DocumentStatus>()).ToLowerInvariant()}; it was \"{status}\".");
            }

            wanted = parsed;
        }

        if (limit is < 1 or > DocumentListing.MaxLimit)
        {
            return Problems.Invalid($"limit is from 1 to {DocumentListing.MaxLimit}.");
        }

        var page = await catalog.ListDocumentsAsync(context.Principal(), new DocumentListing(after, limit ?? 100, wanted, q), cancellationToken);
        return TypedResults.Json(page, GatewayJson.Default.DocumentPage);
    }

    private static async Task<IResult> GetAsync(string id, HttpContext context, DocumentService documents, CancellationToken cancellationToken) =>
        await documents.ReadAsync(context.Principal(), DocumentId.Of(id), cancellationToken) is { } known
            ? TypedResults.Json(DocumentRow.Of(DocumentId.Of(id), known.View), GatewayJson.Default.DocumentRow)
            : Problems.NotFound("document");

    private static async Task<IResult> DeleteAsync(string id, HttpContext context, DocumentService documents, CancellationToken cancellationToken) =>
        MayWrite(context.Principal())
        ?? (await documents.RemoveAsync(context.Principal(), DocumentId.Of(id), cancellationToken) is DocumentRefused
            ? Problems.NotFound("document")
            : TypedResults.NoContent());

    private static async Task<IResult> RetryAsync(string id, HttpContext context, DocumentService documents, CancellationToken cancellationToken) =>
        MayWrite(context.Principal())
        ?? Changed(id, await documents.RetryAsync(context.Principal(), DocumentId.Of(id), cancellationToken), StatusCodes.Status202Accepted);

    private static async Task<IResult> ChangeAccessAsync(
        string id, ReadersBody body, HttpContext context, DocumentService documents, CancellationToken cancellationToken)
    {
        if (MayWrite(context.Principal()) is { } refusal)
        {
            return refusal;
        }

        return body.Readers is null
            ? Problems.Invalid("Send {\"readers\": [\"role\", ...]}; an empty list lets everybody in the tenant read.")
            : Changed(id, await documents.ChangeAccessAsync(context.Principal(), DocumentId.Of(id), body.Readers, cancellationToken), StatusCodes.Status200OK);
    }

    private static IResult Changed(string id, DocumentReply reply, int status) => reply switch
    {
        DocumentAccepted a => TypedResults.Json(new DocumentAcceptedBody(DocumentId.Of(id), a.Version, DocumentStatus.Received, true), GatewayJson.Default.DocumentAcceptedBody, statusCode: status),
        DocumentUnchanged u => TypedResults.Json(new DocumentAcceptedBody(DocumentId.Of(id), u.Version, DocumentStatus.Received, false), GatewayJson.Default.DocumentAcceptedBody, statusCode: status),
        _ => Problems.NotFound("document"),
    };

    private static async Task<IResult> EventsAsync(
        string id, HttpContext context, DocumentService documents, TimeProvider time, long? after, CancellationToken cancellationToken)
    {
        if (!TryReadPosition(context.Request, after, out var position))
        {
            return Problems.Invalid("Last-Event-ID is the number of the last event seen.");
        }

        try
        {
            return await documents.SubscribeAsync(context.Principal(), DocumentId.Of(id), position, cancellationToken) is { } events
                ? new ServerSentEvents<DocumentEvent>(Numbered(events, cancellationToken), GatewayJson.Default.DocumentEvent, time)
                : Problems.NotFound("document");
        }
        catch (ArgumentOutOfRangeException)
        {
            return Problems.Invalid($"The document has no event {position} to go on after.");
        }
    }

    private static async IAsyncEnumerable<ServerSentEvent<DocumentEvent>> Numbered(
        IAsyncEnumerable<Recorded<DocumentEvent>> events, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var (seq, e) in events.WithCancellation(cancellationToken))
        {
            yield return new(seq.ToString(CultureInfo.InvariantCulture), null, e);
        }
    }

    private static Task<IResult> TextAsync(string id, HttpContext context, DocumentService documents, CancellationToken cancellationToken) =>
        ReadTextAsync(id, null, context, documents, cancellationToken);

    private static Task<IResult> VersionTextAsync(string id, int version, HttpContext context, DocumentService documents, CancellationToken cancellationToken) =>
        ReadTextAsync(id, version, context, documents, cancellationToken);

    private static async Task<IResult> ReadTextAsync(string id, int? version, HttpContext context, DocumentService documents, CancellationToken cancellationToken) =>
        await documents.ReadTextAsync(context.Principal(), DocumentId.Of(id), version, cancellationToken) is { } text
            ? TypedResults.Json(new TextBody(text.Document, text.Version, text.Title, text.Pages, text.Text), GatewayJson.Default.TextBody)
            : Problems.NotFound("text");

    private static IResult WatchAsync(HttpContext context, ICatalog catalog, TimeProvider time, CancellationToken cancellationToken) =>
        new ServerSentEvents<DocumentRow>(
            Named(catalog.WatchDocumentsAsync(context.Principal(), cancellationToken), cancellationToken), GatewayJson.Default.DocumentRow, time);

    private static async IAsyncEnumerable<ServerSentEvent<DocumentRow>> Named(
        IAsyncEnumerable<DocumentRow> rows, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var row in rows.WithCancellation(cancellationToken))
        {
            yield return new(null, "document", row);
        }
    }

    /// <summary>Where a reader of a stream left off: the header that browsers send when they come back, or the query.</summary>
    internal static bool TryReadPosition(HttpRequest request, long? after, out long position)
    {
        position = after ?? 0;
        var header = request.Headers["Last-Event-ID"].ToString();
        return (header.Length == 0 || long.TryParse(header, NumberStyles.None, CultureInfo.InvariantCulture, out position)) && position >= 0;
    }

    private static IResult? MayWrite(Principal principal) =>
        principal.Roles.Contains(DocumentService.Administrator)
            ? null
            : Problems.Forbidden($"Documents are changed by holders of the role \"{DocumentService.Administrator}\".");

    /// <summary>An id from where the document comes from: the same place again is the same document.</summary>
    private static string IdOf(string source, string name) => $"{StableHash.Of($"{source}\n{name}"):x16}";

    /// <summary>The last part of a path, whatever the client's system, without control characters; null if nothing is left.</summary>
    private static string? FileName(string? path)
    {
        if (path is null)
        {
            return null;
        }

        var name = new string([.. path[(path.LastIndexOfAny(['/', '\\']) + 1)..].Where(c => !char.IsControl(c))]).Trim();
        return name is "" or "." or ".." ? null : name.Length <= 200 ? name : name[^200..];
    }
}
