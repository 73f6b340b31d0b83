using System.Text.Json;
using RagCluster.Messages;

namespace RagCluster.CheckerKit;

/// <summary>What the journal of each type of entity holds.</summary>
public static class JournalEvents
{
    /// <exception cref="InvalidDataException">There are no entities of this type.</exception>
    public static object Decode(string type, ReadOnlySpan<byte> payload) => type switch
    {
        "conversation" => JsonSerializer.Deserialize(payload, MessagesJson.Default.ConversationEvent)!,
        "document" => JsonSerializer.Deserialize(payload, MessagesJson.Default.DocumentEvent)!,
        "partition" => JsonSerializer.Deserialize(payload, MessagesJson.Default.PartitionEvent)!,
        _ => throw new InvalidDataException($"The log has entities of a type \"{type}\"."),
    };
}
