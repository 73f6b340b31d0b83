using System.Text.Json.Serialization;
using RagCluster.Messages.Identity;

namespace RagCluster.Messages.Documents;

/// <summary>
/// What happened to a document, as journaled and as those who watch its progress see it. The discriminators and
/// property names are a frozen format: add, never change.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(DocumentReceived), "document-received")]
[JsonDerivedType(typeof(DocumentProgressed), "document-progressed")]
[JsonDerivedType(typeof(DocumentFailed), "document-failed")]
[JsonDerivedType(typeof(DocumentRetried), "document-retried")]
[JsonDerivedType(typeof(AccessChanged), "access-changed")]
[JsonDerivedType(typeof(AccessApplied), "access-applied")]
[JsonDerivedType(typeof(RemovalRequested), "removal-requested")]
[JsonDerivedType(typeof(DocumentRemoved), "document-removed")]
public abstract record DocumentEvent
{
    /// <summary>When it was decided, by the deciding node's clock.</summary>
    public required DateTimeOffset At { get; init; }
}

/// <summary>A version's bytes are durable and its processing is promised.</summary>
public sealed record DocumentReceived(
    TenantId Tenant,
    int Version,
    string Name,
    string Source,
    string? MediaType,
    BlobId Content,
    long Bytes,
    RoleSet Readers,
    int AccessRevision,
    IReadOnlyDictionary<string, string> Metadata) : DocumentEvent
{
    /// <summary>Where it stood in its source's stream; null where the source has none.</summary>
    public SourcePosition? Position { get; init; }
}

public sealed record DocumentProgressed(int Version, Progress Reached) : DocumentEvent;

/// <param name="Attempt">How many times this version was tried, from 1.</param>
/// <param name="RetryAt">When it is tried again by itself; null when it is not.</param>
public sealed record DocumentFailed(int Version, string Code, string Detail, int Attempt, DateTimeOffset? RetryAt) : DocumentEvent;

public sealed record DocumentRetried(int Version) : DocumentEvent;

/// <param name="AccessRevision">Counts the changes of readers, so that the newest wins wherever they meet.</param>
public sealed record AccessChanged(RoleSet Readers, int AccessRevision, UserId By) : DocumentEvent
{
    /// <summary>Where the change stood in the source's stream; null where no source said it.</summary>
    public SourcePosition? Position { get; init; }
}

/// <summary>No query that starts after this sees the document with the readers of an older revision.</summary>
public sealed record AccessApplied(int AccessRevision) : DocumentEvent;

public sealed record RemovalRequested(UserId By) : DocumentEvent
{
    /// <summary>Where the removal stood in the source's stream; null where no source said it.</summary>
    public SourcePosition? Position { get; init; }
}

/// <summary>No query that starts after this finds the document.</summary>
public sealed record DocumentRemoved : DocumentEvent;
