namespace RagCluster.Kafka.Records;

/// <summary>A record as it came from a topic, without the client's types.</summary>
/// <param name="Key">Null where it has none.</param>
/// <param name="Value">Null is a tombstone: the document of this key is no longer.</param>
public sealed record KafkaRecord(
    string Topic, int Partition, long Offset, byte[]? Key, byte[]? Value, IReadOnlyList<KeyValuePair<string, byte[]>> Headers)
{
    /// <summary>What it takes of memory, about.</summary>
    public long Bytes => 256 + (Key?.Length ?? 0) + (Value?.Length ?? 0) + Headers.Sum(h => h.Key.Length + (long)h.Value.Length);
}
