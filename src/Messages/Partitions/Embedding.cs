using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace RagCluster.Messages.Partitions;

/// <summary>
/// A vector in half precision, the form in which it is journaled and sent: what is searched live is bit for bit what
/// a replay gives back (I11). In JSON: base64 of little-endian IEEE 754 binary16 values.
/// </summary>
[JsonConverter(typeof(EmbeddingConverter))]
public sealed class Embedding : IEquatable<Embedding>
{
    private readonly Half[] _values;

    private Embedding(Half[] values) => _values = values;

    public ReadOnlySpan<Half> Values => _values;

    public int Dimensions => _values.Length;

    /// <summary>Rounds each component to the nearest half.</summary>
    /// <exception cref="ArgumentException">A component is not finite, or too large for half precision.</exception>
    public static Embedding Of(ReadOnlySpan<float> vector)
    {
        var values = new Half[vector.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = (Half)vector[i];
            if (!Half.IsFinite(values[i]))
            {
                throw new ArgumentException($"Component {i} of the vector, {vector[i]}, is not a finite half.", nameof(vector));
            }
        }

        return new Embedding(values);
    }

    /// <summary>The same components.</summary>
    /// <exception cref="ArgumentException">One is not finite.</exception>
    public static Embedding OfHalves(ReadOnlySpan<Half> vector)
    {
        foreach (var value in vector)
        {
            if (!Half.IsFinite(value))
            {
                throw new ArgumentException($"A component of the vector, {value}, is not finite.", nameof(vector));
            }
        }

        return new Embedding(vector.ToArray());
    }

    /// <summary>Widens into <paramref name="destination"/>, which holds at least <see cref="Dimensions"/> values.</summary>
    public void CopyTo(Span<float> destination)
    {
        for (var i = 0; i < _values.Length; i++)
        {
            destination[i] = (float)_values[i];
        }
    }

    public float[] ToSingle()
    {
        var vector = new float[_values.Length];
        CopyTo(vector);
        return vector;
    }

    public bool Equals(Embedding? other) => other is not null && Bytes(this).SequenceEqual(Bytes(other));

    public override bool Equals(object? obj) => Equals(obj as Embedding);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Bytes(this));
        return hash.ToHashCode();
    }

    internal static Embedding FromBytes(ReadOnlySpan<byte> littleEndian) => new(MemoryMarshal.Cast<byte, Half>(littleEndian).ToArray());

    internal static ReadOnlySpan<byte> Bytes(Embedding embedding) => MemoryMarshal.AsBytes<Half>(embedding._values);
}

/// <summary>Base64 in JSON. RagCluster runs on little-endian machines only; a big-endian one is refused.</summary>
public sealed class EmbeddingConverter : JsonConverter<Embedding>
{
    public override Embedding Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("RagCluster needs a little-endian machine.");
        }

        var bytes = reader.GetBytesFromBase64();
        return bytes.Length % 2 == 0
            ? Embedding.FromBytes(bytes)
            : throw new JsonException($"A vector is an even number of bytes; these are {bytes.Length}.");
    }

    public override void Write(Utf8JsonWriter writer, Embedding value, JsonSerializerOptions options) =>
        writer.WriteBase64StringValue(Embedding.Bytes(value));
}
