using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using RagCluster.Nodes.Commands;
using RagCluster.Nodes.Hosting;

namespace RagCluster.Nodes.LocalCluster;

/// <summary>
/// A cluster on this machine, as its data folder remembers it. Each node has a folder below it, and so has the PostgreSQL
/// that was started for it.
/// </summary>
/// <param name="Connection">To the database, without its password where that is in <see cref="PasswordFile"/>.</param>
/// <param name="OwnPostgres">Whether the database was made here and is started and stopped with the cluster.</param>
/// <param name="Nodes">How many nodes there were at most; they are called node-1 and so on.</param>
/// <param name="Config">The user's file of settings for all nodes; null for none.</param>
/// <param name="Settings">Single settings for all nodes, as with -D.</param>
internal sealed record ClusterFile(string Connection, bool OwnPostgres, int PostgresPort, int Nodes, string? Config, IReadOnlyList<string> Settings)
{
    private const string FileName = "cluster.json";

    /// <summary>The data folder.</summary>
    [JsonIgnore]
    public string Folder { get; init; } = "";

    [JsonIgnore]
    public string SecretFile => Path.Combine(Folder, "cluster.secret");

    [JsonIgnore]
    public string PasswordFile => Path.Combine(Folder, "postgres.password");

    /// <exception cref="CommandException">The file cannot be read.</exception>
    public static ClusterFile? Find(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), ClusterFileJson.Default.ClusterFile)! with { Folder = Path.GetFullPath(folder) };
        }
        catch (JsonException e)
        {
            throw new CommandException($"{path} is damaged ({e.Message}). Restore it, or stop the cluster's processes and start anew in another folder.");
        }
    }

    public void Write()
    {
        var path = Path.Combine(Folder, FileName);
        Secrets.Write(path + ".new", JsonSerializer.Serialize(this, ClusterFileJson.Default.ClusterFile));
        File.Move(path + ".new", path, overwrite: true);
    }

    public static string NameOf(int node) => string.Create(CultureInfo.InvariantCulture, $"node-{node}");

    public string FolderOf(int node) => Path.Combine(Folder, NameOf(node));

    public string LogOf(int node) => Path.Combine(FolderOf(node), "node.log");

    /// <summary>The node, if its process runs and it is ready; null otherwise.</summary>
    public NodeFile? Running(int node) => NodeFile.Find(FolderOf(node));

    /// <summary>All nodes that are ready, in the order of their numbers.</summary>
    public IReadOnlyList<NodeFile> Running() => [.. Enumerable.Range(1, Nodes).Select(Running).OfType<NodeFile>()];
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true)]
[JsonSerializable(typeof(ClusterFile))]
internal sealed partial class ClusterFileJson : JsonSerializerContext;
