using System.Text.Json;
using System.Text.Json.Serialization;

namespace RagCluster.Nodes.Hosting;

/// <summary>
/// What a running node leaves in its data folder, so that commands on the same folder find it.
/// </summary>
/// <param name="Url">The gateway's address.</param>
/// <param name="ManagementUrl">The management address; null where it is off.</param>
internal sealed record NodeFile(string Name, Uri Url, Uri? ManagementUrl, int ProcessId, DateTimeOffset StartedAt)
{
    private const string FileName = "node.json";

    public void Write(string dataFolder)
    {
        var path = Path.Combine(dataFolder, FileName);
        var temporary = path + ".new";
        File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(this, NodeFileJson.Default.NodeFile));
        File.Move(temporary, path, overwrite: true);
    }

    public static void Delete(string dataFolder) => File.Delete(Path.Combine(dataFolder, FileName));

    /// <summary>The node that runs on this folder, or null. A file left by a killed node does not count.</summary>
    public static NodeFile? Find(string dataFolder)
    {
        try
        {
            var path = Path.Combine(dataFolder, FileName);
            if (!File.Exists(path) || JsonSerializer.Deserialize(File.ReadAllBytes(path), NodeFileJson.Default.NodeFile) is not { } file)
            {
                return null;
            }

            using var process = LiveProcess.Find(file.ProcessId, file.StartedAt);
            return process is null ? null : file;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            // Half a file, a process that is just gone, or not ours to read: then there is no node that we could talk to.
            return null;
        }
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true)]
[JsonSerializable(typeof(NodeFile))]
internal sealed partial class NodeFileJson : JsonSerializerContext;
