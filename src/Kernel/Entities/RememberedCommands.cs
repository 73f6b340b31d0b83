using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace RagCluster.Kernel.Entities;

/// <summary>
/// The latest commands that had an id and led to events, with their replies: rebuilt from the journal and from
/// snapshots, and bounded, the oldest leaving first.
/// </summary>
/// <remarks>
/// A command that led to no event is not remembered: it had no effect, so that deciding it again cannot double one.
/// </remarks>
internal sealed class RememberedCommands<TReply>(int capacity, JsonTypeInfo<TReply> json)
{
    private readonly Dictionary<string, Committed<TReply>> _replies = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();

    public int Count => _order.Count;

    public bool TryGet(string commandId, out Committed<TReply> reply) => _replies.TryGetValue(commandId, out reply);

    public void Add(string commandId, TReply reply, long seq)
    {
        if (capacity == 0 || !_replies.TryAdd(commandId, new Committed<TReply>(reply, seq)))
        {
            return;
        }

        _order.Enqueue(commandId);
        if (_order.Count > capacity)
        {
            _replies.Remove(_order.Dequeue());
        }
    }

    public byte[] Save()
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartArray();
            foreach (var id in _order)
            {
                var (reply, seq) = _replies[id];
                writer.WriteStartObject();
                writer.WriteString("id", id);
                writer.WriteNumber("seq", seq);
                writer.WritePropertyName("reply");
                JsonSerializer.Serialize(writer, reply, json);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <exception cref="JsonException">It is not what <see cref="Save"/> wrote.</exception>
    public void Load(ReadOnlyMemory<byte> saved)
    {
        using var document = JsonDocument.Parse(saved);
        foreach (var entry in document.RootElement.EnumerateArray())
        {
            var reply = entry.GetProperty("reply").Deserialize(json) ?? throw new JsonException("A remembered reply is null.");
            Add(entry.GetProperty("id").GetString() ?? throw new JsonException("A remembered command has no id."), reply, entry.GetProperty("seq").GetInt64());
        }
    }
}
