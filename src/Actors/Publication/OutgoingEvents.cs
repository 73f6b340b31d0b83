using System.Buffers;
using System.Globalization;
using System.Text.Json;
using RagCluster.Actors.Conversations;
using RagCluster.Actors.Documents;
using RagCluster.Kernel.Journal;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;

namespace RagCluster.Actors.Publication;

/// <summary>
/// From the log's records to what is published: for documents that they were received, indexed, failed or removed; for
/// conversations every event but the pieces of an answer, whose whole text follows.
/// </summary>
internal static class OutgoingEvents
{
    /// <summary>Null where the record is nothing for the outside.</summary>
    public static OutgoingEvent? Of(string source, int shardId, JournalRecord record)
    {
        var slash = record.Entity.IndexOf('/', StringComparison.Ordinal);
        var (tenant, entity) = (record.Entity[..slash], record.Entity[(slash + 1)..]);
        var id = string.Create(CultureInfo.InvariantCulture, $"{source}/{shardId}/{record.ShardSeq}");
        var body = new ArrayBufferWriter<byte>(512);
        using var json = new Utf8JsonWriter(body);
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("tenant", tenant);
        json.WriteString(source, entity);
        json.WriteNumber("seq", record.Seq);
        json.WriteString("at", record.At);
        var type = source == Document.Type ? DocumentFields(json, record) : ConversationFields(json, record);
        if (type is null)
        {
            return null;
        }

        json.WriteString("type", type);
        json.WriteEndObject();
        json.Flush();
        return new OutgoingEvent(source, record.Entity, id, type, tenant, body.WrittenMemory);
    }

    private static string? DocumentFields(Utf8JsonWriter json, JournalRecord record)
    {
        switch (JsonSerializer.Deserialize(record.Payload.Span, MessagesJson.Default.DocumentEvent))
        {
            case DocumentReceived e:
                json.WriteNumber("version", e.Version);
                json.WriteString("name", e.Name);
                json.WriteString("source", e.Source);
                json.WriteNumber("bytes", e.Bytes);
                return "document-received";
            case DocumentProgressed { Reached: Indexed } e:
                json.WriteNumber("version", e.Version);
                return "document-indexed";
            case DocumentFailed e:
                json.WriteNumber("version", e.Version);
                json.WriteString("code", e.Code);
                json.WriteString("detail", e.Detail);
                json.WriteNumber("attempt", e.Attempt);
                if (e.RetryAt is { } at)
                {
                    json.WriteString("retryAt", at);
                }

                return "document-failed";
            case DocumentRemoved:
                return "document-removed";
            default:
                return null;
        }
    }

    /// <summary>As journaled: that format is frozen, and made to be read by others.</summary>
    private static string? ConversationFields(Utf8JsonWriter json, JournalRecord record)
    {
        using var payload = JsonDocument.Parse(record.Payload);
        if (JsonSerializer.Deserialize(record.Payload.Span, MessagesJson.Default.ConversationEvent) is null or AnswerDelta
            || !payload.RootElement.TryGetProperty("type", out var type))
        {
            return null;
        }

        json.WritePropertyName("event");
        payload.RootElement.WriteTo(json);
        return type.GetString();
    }
}
