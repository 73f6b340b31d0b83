using System.Text.Json;
using System.Text.Json.Serialization;
using RagCluster.Nodes.Management.ActorTrees;
using RagCluster.Nodes.Management.Cluster;
using RagCluster.Nodes.Management.Entities;
using RagCluster.Nodes.Management.Logs;

namespace RagCluster.Nodes.Management;

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthBody))]
[JsonSerializable(typeof(HealthReportBody))]
[JsonSerializable(typeof(ClusterBody))]
[JsonSerializable(typeof(MessageJson))]
[JsonSerializable(typeof(MembersJson))]
[JsonSerializable(typeof(MemberJson))]
[JsonSerializable(typeof(SeedNodesJson))]
[JsonSerializable(typeof(DomainEventJson))]
[JsonSerializable(typeof(ShardTypesJson))]
[JsonSerializable(typeof(RegionsJson))]
[JsonSerializable(typeof(EntityJson))]
[JsonSerializable(typeof(ActorsJson))]
[JsonSerializable(typeof(FullMailboxesJson))]
[JsonSerializable(typeof(SlowActorsJson))]
[JsonSerializable(typeof(DeadLettersJson))]
[JsonSerializable(typeof(LogLevelsJson))]
[JsonSerializable(typeof(LogLinesJson))]
[JsonSerializable(typeof(SettingsJson))]
[JsonSerializable(typeof(FlagsJson))]
[JsonSerializable(typeof(InferenceJson))]
[JsonSerializable(typeof(StoreCheckJson))]
internal sealed partial class ManagementJson : JsonSerializerContext;
