namespace RagCluster.Kafka.Records;

/// <summary>How a record's value is understood.</summary>
public enum RecordFormat
{
    /// <summary>As its header content-type says: <see cref="RecordReader.EnvelopeMediaType"/> is an envelope, anything else the document itself.</summary>
    Auto,

    /// <summary>Always a JSON envelope.</summary>
    Envelope,

    /// <summary>Always the document itself.</summary>
    Raw,
}

public sealed record RecordReaderOptions
{
    public RecordFormat Format { get; init; } = RecordFormat.Auto;

    /// <summary>Whose documents records without a tenant are; null refuses them.</summary>
    public string? Tenant { get; init; }

    /// <summary>The tenants that records may name.</summary>
    public IReadOnlySet<string> Tenants { get; init; } = new HashSet<string>();

    /// <summary>Larger contents are refused.</summary>
    public long MaxBytes { get; init; } = 50L << 20;

    /// <summary>The folder below which documents may be referred to by file: URIs; null refuses all of them.</summary>
    public string? ReferenceFolder { get; init; }

    /// <summary>Opens references of other kinds, such as https:, for those schemes that it knows; it guards against where they lead.</summary>
    public IReadOnlyDictionary<string, Func<Uri, CancellationToken, ValueTask<Stream>>> References { get; init; } =
        new Dictionary<string, Func<Uri, CancellationToken, ValueTask<Stream>>>();
}
