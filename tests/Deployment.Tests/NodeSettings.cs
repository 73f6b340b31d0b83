using System.Text.Json.Nodes;
using RagCluster.Configuration;

namespace RagCluster.Deployment.Tests;

/// <summary>The configuration that a container's node would have, read by the node's own reader from what would be mounted and set.</summary>
internal static class NodeSettings
{
    /// <exception cref="InvalidConfigurationException">The node would not start.</exception>
    public static RagClusterConfiguration Load(Manifests manifests, Workload workload, JsonObject container)
    {
        var folder = Directory.CreateTempSubdirectory("ragcluster-deployment-");
        try
        {
            var config = Mount(manifests, workload, container, folder.FullName);
            return RagClusterConfiguration.Load(config, Environment(workload, container), []);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Variables as the kubelet would set them: its own, then the container's, with references filled in.</summary>
    public static Dictionary<string, string> Environment(Workload workload, JsonObject container, string podIp = "10.1.2.3", string podName = "pod-1")
    {
        var space = workload.Resource.Text("metadata.namespace") ?? "default";
        var variables = new Dictionary<string, string>(StringComparer.Ordinal) { ["HOSTNAME"] = podName };
        foreach (var entry in container.Items("env"))
        {
            var value = entry.Text("value") ?? entry.Text("valueFrom.fieldRef.fieldPath") switch
            {
                "status.podIP" => podIp,
                "metadata.namespace" => space,
                "metadata.name" => podName,
                _ => "of-a-secret",
            };
            foreach (var (name, known) in variables)
            {
                value = value.Replace($"$({name})", known, StringComparison.Ordinal);
            }

            variables[entry.Text("name")!] = value;
        }

        return variables;
    }

    /// <summary>Writes the config map that --config lies in; the image's own files are the tree's. Returns the file.</summary>
    public static string Mount(Manifests manifests, Workload workload, JsonObject container, string folder)
    {
        var arguments = (container["args"] as JsonArray ?? []).Select(argument => argument!.ToString()).ToList();
        var file = arguments[arguments.IndexOf("--config") + 1];
        var mount = container.Items("volumeMounts").Single(known => Path.GetDirectoryName(file) == known.Text("mountPath"));
        var volume = workload.Pod.Items("volumes").Single(known => known.Text("name") == mount.Text("name"));
        foreach (var (name, text) in manifests.Find("ConfigMap", volume.Text("configMap.name")!)!.Entries("data"))
        {
            File.WriteAllText(Path.Combine(folder, name), text!.ToString().Replace("/app/hocon/", Tree.At("hocon") + "/", StringComparison.Ordinal));
        }

        return Path.Combine(folder, Path.GetFileName(file));
    }
}
