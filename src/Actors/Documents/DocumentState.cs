using System.Collections.Immutable;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Actors.Documents;

/// <summary>What a document knows of itself: the version in work or in use, and the texts of all versions that may be cited.</summary>
public sealed record DocumentState
{
    /// <summary>Null until the first version is received.</summary>
    public TenantId? Tenant { get; init; }

    /// <summary>From 1; 0 before the first.</summary>
    public int Version { get; init; }

    public string Name { get; init; } = "";

    public string Source { get; init; } = "";

    public string? MediaType { get; init; }

    public BlobId Content { get; init; }

    public long Bytes { get; init; }

    public RoleSet Readers { get; init; } = RoleSet.Empty;

    /// <summary>Counts the changes of readers, through all versions.</summary>
    public int AccessRevision { get; init; }

    /// <summary>The revision that the index is known to apply.</summary>
    public int AppliedAccessRevision { get; init; }

    /// <summary>Whether the index may hold chunks of this document, of whatever version.</summary>
    public bool MayBeIndexed { get; init; }

    public ImmutableSortedDictionary<string, string> Metadata { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The newest position that took effect; null where no source with a stream has sent it.</summary>
    public SourcePosition? Position { get; init; }

    public DocumentStatus Status { get; init; }

    public string? FailureCode { get; init; }

    public string? FailureDetail { get; init; }

    /// <summary>How many times the current version was tried and failed.</summary>
    public int Attempts { get; init; }

    public DateTimeOffset? RetryAt { get; init; }

    public DateTimeOffset ReceivedAt { get; init; }

    public DateTimeOffset ChangedAt { get; init; }

    public Parsed? Parsed { get; init; }

    public Chunked? Chunked { get; init; }

    public Embedded? Embedded { get; init; }

    /// <summary>The extracted text of each version that was parsed, for citations of it.</summary>
    public ImmutableSortedDictionary<int, VersionText> Texts { get; init; } = ImmutableSortedDictionary<int, VersionText>.Empty;

    public bool Exists => Tenant is not null && Status is not (DocumentStatus.Removing or DocumentStatus.Removed);

    /// <summary>Whether the current version is on its way to the index.</summary>
    public bool InProcess => Exists && Status is DocumentStatus.Received or DocumentStatus.Parsed or DocumentStatus.Chunked or DocumentStatus.Embedded;

    public bool AccessPending => Exists && AppliedAccessRevision < AccessRevision;

    /// <summary>Whether the stream has come past this already: then it is redelivered, and takes no effect.</summary>
    public bool HasSeen(SourcePosition? position) => position is not null && Position is { } newest && newest.Stream == position.Stream && position.Offset <= newest.Offset;

    public DocumentView ToView() => new(
        Tenant ?? throw new InvalidOperationException("A document that was never received has no view."),
        Name,
        Source,
        string.IsNullOrEmpty(Parsed?.Title) ? Name : Parsed.Title,
        Parsed?.MediaType ?? MediaType,
        Version,
        Bytes,
        Content,
        Parsed?.Text,
        Parsed?.Pages,
        Chunked?.Chunks ?? 0,
        Readers,
        Metadata,
        Status,
        FailureCode,
        FailureDetail,
        RetryAt,
        ReceivedAt,
        ChangedAt);
}

/// <summary>Where a version's extracted text is.</summary>
public sealed record VersionText(BlobId Text, string Title, int? Pages);
