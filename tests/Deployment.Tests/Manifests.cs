using System.Diagnostics;
using System.Text.Json.Nodes;

namespace RagCluster.Deployment.Tests;

/// <summary>What an overlay renders to: what would be applied to a cluster.</summary>
internal sealed class Manifests(IReadOnlyList<JsonObject> resources)
{
    /// <summary>What is made by hand or by an operator for secrets, and said so in k8s/README.md.</summary>
    public static readonly IReadOnlyList<string> SecretsMadeElsewhere = ["ragcluster", "ragcluster-migration", "ragcluster-tls"];

    private static readonly string[] s_workloads = ["Deployment", "StatefulSet", "Job"];

    public IReadOnlyList<JsonObject> Resources => resources;

    /// <summary>Why nothing can be rendered here; null if it can.</summary>
    public static string? WhyNot { get; } = FindWhyNot();

    public static IReadOnlyList<string> Overlays { get; } = Directory.EnumerateDirectories(Tree.At("k8s", "overlays"))
        .Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal).ToArray();

    public IEnumerable<JsonObject> Of(string kind) => resources.Where(resource => resource.Text("kind") == kind);

    public IEnumerable<Workload> Workloads => resources
        .Where(resource => s_workloads.Contains(resource.Text("kind")))
        .Select(resource => new Workload(resource));

    public JsonObject? Find(string kind, string name) => Of(kind).FirstOrDefault(resource => resource.Text("metadata.name") == name);

    public static Manifests Render(string overlay) => new(Yaml.Documents(Kubectl("kustomize", Tree.At("k8s", "overlays", overlay))));

    /// <summary>The same, to be damaged without harm to others.</summary>
    public Manifests Copy() => new([.. resources.Select(resource => resource.DeepClone().AsObject())]);

    private static string? FindWhyNot()
    {
        try
        {
            Kubectl("kustomize", "--help");
            return null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "kubectl is not installed: https://kubernetes.io/docs/tasks/tools/";
        }
    }

    private static string Kubectl(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("kubectl", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"kubectl {string.Join(' ', arguments)}: {errors.Result}");
    }
}

/// <summary>Something that runs pods.</summary>
internal sealed class Workload(JsonObject resource)
{
    public JsonObject Resource => resource;

    public string Name => $"{resource.Text("kind")} {resource.Text("metadata.name")}";

    public JsonObject Pod => resource.At("spec.template.spec")!.AsObject();

    public JsonNode? Labels => resource.At("spec.template.metadata.labels");

    public IEnumerable<JsonObject> Containers => Pod.Items("initContainers").Concat(Pod.Items("containers"));

    /// <summary>The containers that run this project's program.</summary>
    public IEnumerable<JsonObject> Nodes => Pod.Items("containers").Where(IsNode);

    public static bool IsNode(JsonObject container) => container.Text("image")!.StartsWith("ragcluster:", StringComparison.Ordinal);

    public bool HasPort(string? port) => Containers.SelectMany(container => container.Items("ports"))
        .Any(known => known.Text("name") == port || known.Text("containerPort") == port);
}
