using System.Text.Json;
using System.Text.Json.Serialization;
using RagCluster.Actors.Conversations;
using RagCluster.Actors.Documents;
using RagCluster.Actors.Features;
using RagCluster.Actors.Partitions;
using RagCluster.Actors.Publication;

namespace RagCluster.Actors;

/// <summary>How states look in snapshots. A snapshot can always be replaced by a replay, but a new version reads the old ones: add, never change.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(ConversationState))]
[JsonSerializable(typeof(DocumentState))]
[JsonSerializable(typeof(PartitionState))]
[JsonSerializable(typeof(FlagBoardState))]
[JsonSerializable(typeof(PublicationState))]
internal sealed partial class StatesJson : JsonSerializerContext;
