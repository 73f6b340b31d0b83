using System.Text.Json.Serialization;
using RagCluster.Messages.Identity;

namespace RagCluster.Messages.Documents;

/// <summary>What can be asked of a document. The first group comes from sources and clients, the second from its own processing.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Ingest), "ingest")]
[JsonDerivedType(typeof(Remove), "remove")]
[JsonDerivedType(typeof(Withdraw), "withdraw")]
[JsonDerivedType(typeof(ChangeAccess), "change-access")]
[JsonDerivedType(typeof(Retry), "retry")]
[JsonDerivedType(typeof(ReadDocument), "read")]
[JsonDerivedType(typeof(ReadText), "read-text")]
[JsonDerivedType(typeof(Report), "report")]
[JsonDerivedType(typeof(ReportFailure), "report-failure")]
[JsonDerivedType(typeof(ConfirmRemoved), "confirm-removed")]
[JsonDerivedType(typeof(ConfirmAccess), "confirm-access")]
public abstract record DocumentCommand;

/// <summary>
/// Takes the content in as the document's next version. The bytes are in the blob store already. The same content
/// again, with the same readers and metadata, changes nothing.
/// </summary>
/// <param name="Name">The file name or a title, for people.</param>
/// <param name="Source">Where it came from: a file path, a URL, "upload".</param>
/// <param name="MediaType">As declared; the parser sniffs for itself.</param>
/// <param name="Bytes">The size of the content.</param>
/// <param name="Readers">Who may read it; empty means everybody in the tenant.</param>
public sealed record Ingest(
    TenantId Tenant,
    string Name,
    string Source,
    string? MediaType,
    BlobId Content,
    long Bytes,
    RoleSet Readers,
    IReadOnlyDictionary<string, string> Metadata) : DocumentCommand
{
    /// <summary>Where it stood in its source's stream; null where the source has none.</summary>
    public SourcePosition? Position { get; init; }
}

/// <summary>Deletes the document: from the moment it is acknowledged, no query finds it.</summary>
public sealed record Remove(Principal By) : DocumentCommand;

/// <summary>Deletes the document because its source no longer has it. What is unknown, or gone already, changes nothing.</summary>
/// <param name="Position">Where the source said so in its stream; null where it has none.</param>
public sealed record Withdraw(SourcePosition? Position) : DocumentCommand;

/// <summary>Changes who may read the document.</summary>
public sealed record ChangeAccess(RoleSet Readers, Principal By) : DocumentCommand;

/// <summary>Processes a failed document again, now.</summary>
public sealed record Retry : DocumentCommand;

/// <summary>Reads the document's state; changes nothing.</summary>
public sealed record ReadDocument : DocumentCommand;

/// <summary>Asks where a version's extracted text is; null asks for the newest that has one.</summary>
public sealed record ReadText(int? Version) : DocumentCommand;

/// <summary>A version's processing has come this far.</summary>
public sealed record Report(int Version, IReadOnlyList<Progress> Reached) : DocumentCommand;

/// <param name="Code">One of <see cref="FailureCodes"/>.</param>
/// <param name="Detail">What happened and what to do, for a person.</param>
/// <param name="RetryAfter">When to try again by itself; null where trying again would not help.</param>
public sealed record ReportFailure(int Version, string Code, string Detail, TimeSpan? RetryAfter) : DocumentCommand;

/// <summary>The index no longer holds any chunk of the document.</summary>
public sealed record ConfirmRemoved : DocumentCommand;

/// <summary>The index applies the readers of this revision.</summary>
public sealed record ConfirmAccess(int AccessRevision) : DocumentCommand;

/// <summary>A step of a version's processing that is done.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "step")]
[JsonDerivedType(typeof(Parsed), "parsed")]
[JsonDerivedType(typeof(Chunked), "chunked")]
[JsonDerivedType(typeof(Embedded), "embedded")]
[JsonDerivedType(typeof(Indexed), "indexed")]
public abstract record Progress;

/// <param name="Text">The extracted text, UTF-8, in the blob store: what every span refers to.</param>
/// <param name="MediaType">As the parser found it.</param>
/// <param name="Pages">How many pages, where the format has them.</param>
public sealed record Parsed(BlobId Text, string MediaType, string Title, int? Pages, int Characters) : Progress;

public sealed record Chunked(int Chunks) : Progress;

/// <param name="Model">The embedding model, recorded with every vector.</param>
public sealed record Embedded(string Model, int Dimensions) : Progress;

public sealed record Indexed : Progress;

/// <summary>Why a document failed: stable names for scripts, dashboards and the page.</summary>
public static class FailureCodes
{
    public const string Empty = "empty";
    public const string TooLarge = "too-large";
    public const string Unsupported = "unsupported-format";
    public const string Corrupt = "corrupt";
    public const string Encrypted = "encrypted";
    public const string NoText = "no-text";
    public const string ParserTimeout = "parser-timeout";
    public const string ParserMemory = "parser-memory";
    public const string ParserCrashed = "parser-crashed";
    public const string EmbeddingUnavailable = "embedding-unavailable";
    public const string StoreUnavailable = "store-unavailable";
    public const string Internal = "internal";

    /// <summary>A message of a queue that is none of a document: its envelope, headers or key.</summary>
    public const string MalformedMessage = "malformed-message";
    public const string UnknownTenant = "unknown-tenant";

    /// <summary>A document was to be fetched from where this system does not go.</summary>
    public const string ReferenceRefused = "reference-refused";

    /// <summary>A document's bytes could not be read where its source said that they are.</summary>
    public const string Unreadable = "unreadable";
}

/// <summary>A document's answer to a command.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(DocumentAccepted), "accepted")]
[JsonDerivedType(typeof(DocumentUnchanged), "unchanged")]
[JsonDerivedType(typeof(DocumentRefused), "refused")]
[JsonDerivedType(typeof(DocumentView), "view")]
[JsonDerivedType(typeof(TextFound), "text")]
public abstract record DocumentReply;

/// <param name="Readers">Who may read the document now; an old version is no less protected than the newest.</param>
public sealed record TextFound(int Version, BlobId Text, string Title, int? Pages, RoleSet Readers) : DocumentReply;

/// <param name="Version">The version that the command created or changed.</param>
public sealed record DocumentAccepted(int Version) : DocumentReply;

public sealed record DocumentUnchanged(int Version) : DocumentReply;

/// <param name="Code">One of <see cref="DocumentRefusals"/>.</param>
public sealed record DocumentRefused(string Code, string Detail) : DocumentReply;

public static class DocumentRefusals
{
    /// <summary>There is no such document, or not for this principal: the two look the same.</summary>
    public const string NotFound = "not-found";

    /// <summary>Too many documents wait at the document's owner; send it again in a moment.</summary>
    public const string Busy = "busy";
}

/// <summary>A document as people see it.</summary>
public sealed record DocumentView(
    TenantId Tenant,
    string Name,
    string Source,
    string Title,
    string? MediaType,
    int Version,
    long Bytes,
    BlobId Content,
    BlobId? Text,
    int? Pages,
    int Chunks,
    RoleSet Readers,
    IReadOnlyDictionary<string, string> Metadata,
    DocumentStatus Status,
    string? FailureCode,
    string? FailureDetail,
    DateTimeOffset? RetryAt,
    DateTimeOffset ReceivedAt,
    DateTimeOffset ChangedAt) : DocumentReply;

[JsonConverter(typeof(JsonStringEnumConverter<DocumentStatus>))]
public enum DocumentStatus
{
    [JsonStringEnumMemberName("received")] Received,
    [JsonStringEnumMemberName("parsed")] Parsed,
    [JsonStringEnumMemberName("chunked")] Chunked,
    [JsonStringEnumMemberName("embedded")] Embedded,
    [JsonStringEnumMemberName("indexed")] Indexed,
    [JsonStringEnumMemberName("failed")] Failed,
    [JsonStringEnumMemberName("removing")] Removing,
    [JsonStringEnumMemberName("removed")] Removed,
}
