using RagCluster.Configuration.Binding;

namespace RagCluster.Configuration.Options;

/// <summary>
/// Every setting of a node. Each property is a key of hocon/reference.conf below <c>ragcluster</c>, in kebab case, and its
/// default is the one written there; why it has this default stands there too.
/// </summary>
public sealed record RagClusterOptions : IChecked
{
    [Within("1", "4096")]
    public string DataFolder { get; init; } = "ragcluster-data";

    public NodeOptions Node { get; init; } = new();

    public ClusterOptions Cluster { get; init; } = new();

    public HttpOptions Http { get; init; } = new();

    public ManagementOptions Management { get; init; } = new();

    public SecurityOptions Security { get; init; } = new();

    public LimitsOptions Limits { get; init; } = new();

    public KernelOptions Kernel { get; init; } = new();

    public StoreOptions Store { get; init; } = new();

    public ConversationOptions Conversations { get; init; } = new();

    public DocumentOptions Documents { get; init; } = new();

    public PartitionOptions Partitions { get; init; } = new();

    public CatalogOptions Catalog { get; init; } = new();

    public RetrievalOptions Retrieval { get; init; } = new();

    public IngestionOptions Ingestion { get; init; } = new();

    public KafkaOptions Kafka { get; init; } = new();

    public InferenceOptions Inference { get; init; } = new();

    public LogOptions Log { get; init; } = new();

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (Security.Open.Enabled == OpenAccess.On && !Http.IsLoopback)
        {
            yield return ("security.open.enabled", "auto or off, because http.host is not loopback and everybody could come in");
        }

        if (Cluster.Enabled && Store.Engine == StoreEngine.Sqlite)
        {
            yield return ("store.engine", "postgres, because cluster.enabled is true and nodes cannot share a file");
        }

        if (Security.Tokens.Count == 0 && !Http.IsLoopback)
        {
            yield return ("http.host", "loopback, or at least one of security.tokens: without, nobody could come in");
        }
    }
}

public sealed record NodeOptions : IChecked
{
    [Within("1", "100")]
    public string Name { get; init; } = "node-1";

    /// <summary>What the node keeps: conversations, documents, partitions; and whether it reads sources: ingestion. Every node serves the API.</summary>
    [Within("0", "4")]
    public IReadOnlyList<string> Roles { get; init; } = NodeRoles.All;

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        for (var i = 0; i < Roles.Count; i++)
        {
            if (!NodeRoles.All.Contains(Roles[i]) || Roles.Take(i).Contains(Roles[i]))
            {
                yield return ($"roles.{i}", $"one of {string.Join(", ", NodeRoles.All)}, each once");
            }
        }
    }
}

public static class NodeRoles
{
    public const string Conversations = "conversations";

    public const string Documents = "documents";

    public const string Partitions = "partitions";

    /// <summary>Reads the configured sources, such as Kafka's topics.</summary>
    public const string Ingestion = "ingestion";

    public static IReadOnlyList<string> All { get; } = [Conversations, Documents, Partitions, Ingestion];
}

public sealed record LogOptions
{
    public LogLevel Level { get; init; } = LogLevel.Information;

    public LogFormat Format { get; init; } = LogFormat.Text;
}

/// <summary>As Microsoft.Extensions.Logging names them, and in its order.</summary>
public enum LogLevel
{
    Trace,
    Debug,
    Information,
    Warning,
    Error,
    Critical,
    None,
}

public enum LogFormat
{
    Text,
    Json,
}
