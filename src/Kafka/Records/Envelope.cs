using System.Text.Json;
using System.Text.Json.Serialization;

namespace RagCluster.Kafka.Records;

/// <summary>A document with what is to be known about it, as JSON. Exactly one of text, content and reference holds or finds it.</summary>
internal sealed record Envelope
{
    public string? Name { get; init; }

    public string? MediaType { get; init; }

    public string? Tenant { get; init; }

    public IReadOnlyList<string>? Roles { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    /// <summary>The document as text.</summary>
    public string? Text { get; init; }

    /// <summary>The document's bytes, in Base64.</summary>
    public byte[]? Content { get; init; }

    /// <summary>The URI under which the document's bytes are, for large ones.</summary>
    public string? Reference { get; init; }

    /// <summary>The reference's size in bytes, if known.</summary>
    public long? Bytes { get; init; }
}

/// <summary>Strict: a misspelt property is an error that somebody sees, not a document without roles.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(Envelope))]
internal sealed partial class EnvelopeJson : JsonSerializerContext;
