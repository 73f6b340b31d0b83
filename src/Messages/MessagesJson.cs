using System.Text.Json;
using System.Text.Json.Serialization;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Features;
using RagCluster.Messages.Partitions;
using RagCluster.Messages.Publication;

namespace RagCluster.Messages;

/// <summary>How messages look in journals and on the wire: camel case, nulls left out, unknown properties ignored (so that newer writers can add).</summary>
[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(ConversationCommand))]
[JsonSerializable(typeof(ConversationEvent))]
[JsonSerializable(typeof(ConversationReply))]
[JsonSerializable(typeof(DocumentCommand))]
[JsonSerializable(typeof(DocumentEvent))]
[JsonSerializable(typeof(DocumentReply))]
[JsonSerializable(typeof(PartitionCommand))]
[JsonSerializable(typeof(PartitionEvent))]
[JsonSerializable(typeof(PartitionReply))]
[JsonSerializable(typeof(FlagCommand))]
[JsonSerializable(typeof(FlagEvent))]
[JsonSerializable(typeof(FlagReply))]
[JsonSerializable(typeof(PublicationCommand))]
[JsonSerializable(typeof(PublicationEvent))]
[JsonSerializable(typeof(PublicationReply))]
public sealed partial class MessagesJson : JsonSerializerContext;
