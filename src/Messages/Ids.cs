using System.Text.Json;
using System.Text.Json.Serialization;

namespace RagCluster.Messages;

/// <summary>An id that travels as a plain JSON string.</summary>
public interface IId<TSelf>
    where TSelf : struct, IId<TSelf>
{
    string Value { get; }

    /// <summary>Wraps <paramref name="value"/>; it must not be empty.</summary>
    static abstract TSelf Of(string value);
}

/// <summary>Whose data it is. Tenants never mix (I7).</summary>
[JsonConverter(typeof(IdConverter<TenantId>))]
public readonly record struct TenantId(string Value) : IId<TenantId>
{
    /// <exception cref="ArgumentException">The value is empty, too long, or has a slash: a tenant's name is the first part of its entities' ids.</exception>
    public static TenantId Of(string value) => value.Contains('/', StringComparison.Ordinal)
        ? throw new ArgumentException($"A tenant's id has no slash: \"{value}\".", nameof(value))
        : new(Ids.Checked(value));

    public override string ToString() => Value;
}

/// <summary>Who asks: the subject of a token, unique within a tenant.</summary>
[JsonConverter(typeof(IdConverter<UserId>))]
public readonly record struct UserId(string Value) : IId<UserId>
{
    public static UserId Of(string value) => new(Ids.Checked(value));

    public override string ToString() => Value;
}

/// <summary>A document, through all of its versions. Unique within a tenant.</summary>
[JsonConverter(typeof(IdConverter<DocumentId>))]
public readonly record struct DocumentId(string Value) : IId<DocumentId>, IComparable<DocumentId>
{
    /// <summary>Ordinal, so that what is kept in order is in the same order everywhere.</summary>
    public int CompareTo(DocumentId other) => string.CompareOrdinal(Value, other.Value);

    public static bool operator <(DocumentId left, DocumentId right) => left.CompareTo(right) < 0;

    public static bool operator >(DocumentId left, DocumentId right) => left.CompareTo(right) > 0;

    public static bool operator <=(DocumentId left, DocumentId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(DocumentId left, DocumentId right) => left.CompareTo(right) >= 0;

    public static DocumentId Of(string value) => new(Ids.Checked(value));

    public override string ToString() => Value;
}

/// <summary>A conversation. Unique within a tenant.</summary>
[JsonConverter(typeof(IdConverter<ConversationId>))]
public readonly record struct ConversationId(string Value) : IId<ConversationId>
{
    public static ConversationId Of(string value) => new(Ids.Checked(value));

    public override string ToString() => Value;
}

/// <summary>A question, chosen by whoever asks; asking again with the same id is the same question (I3).</summary>
[JsonConverter(typeof(IdConverter<QuestionId>))]
public readonly record struct QuestionId(string Value) : IId<QuestionId>
{
    public static QuestionId Of(string value) => new(Ids.Checked(value));

    public override string ToString() => Value;
}

/// <summary>The content address of immutable bytes: "sha256-" and 64 lower-case hexadecimal digits.</summary>
[JsonConverter(typeof(IdConverter<BlobId>))]
public readonly record struct BlobId(string Value) : IId<BlobId>
{
    public static BlobId Of(string value) => new(Ids.Checked(value));

    public override string ToString() => Value;
}

/// <summary>
/// The identity of a chunk: redelivering a document changes nothing, because the same text cut the same way has
/// the same (document, version, ordinal).
/// </summary>
public readonly record struct ChunkId(DocumentId Document, int Version, int Ordinal)
{
    public override string ToString() => $"{Document}@{Version}#{Ordinal}";
}

/// <summary>Writes ids as plain strings, as values and as property names.</summary>
public sealed class IdConverter<TId> : JsonConverter<TId>
    where TId : struct, IId<TId>
{
    public override TId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Parse(reader.GetString());

    public override void Write(Utf8JsonWriter writer, TId value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);

    public override TId ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        Parse(reader.GetString());

    public override void WriteAsPropertyName(Utf8JsonWriter writer, TId value, JsonSerializerOptions options) =>
        writer.WritePropertyName(value.Value);

    private static TId Parse(string? text) =>
        string.IsNullOrEmpty(text) ? throw new JsonException("An id must not be empty.") : TId.Of(text);
}

internal static class Ids
{
    /// <summary>Ids are at most this many UTF-16 code units long: they are keys in logs, indexes and URLs.</summary>
    public const int MaxLength = 256;

    public static string Checked(string value)
    {
        ArgumentException.ThrowIfNullOrEmpty(value);
        if (value.Length > MaxLength)
        {
            throw new ArgumentException($"An id is at most {MaxLength} characters long; this one has {value.Length}.", nameof(value));
        }

        return value;
    }
}
