using System.Text.Json.Nodes;

namespace RagCluster.Deployment.Tests;

/// <summary>Every overlay renders and is what a cluster takes, and each check finds the mistake that it is for.</summary>
public class ManifestTests
{
    private static readonly Dictionary<string, Manifests> s_rendered = [];

    /// <summary>Edits of the production overlay, each with the check that must object and a word of what it must say.</summary>
    private static readonly (string Mistake, string Check, string Says, Action<Manifests> Edit)[] s_mistakes =
    [
        ("a pod's label is misspelt", nameof(ManifestChecks.Selectors), "does not match its own pods", m => Pods(m, "Deployment", "ragcluster-worker")["metadata"]!["labels"]!["app.kubernetes.io/component"] = "wroker"),
        ("a service selects nothing", nameof(ManifestChecks.Selectors), "Service ragcluster selects no pod", m => m.Find("Service", "ragcluster")!["spec"]!["selector"]!["app.kubernetes.io/component"] = "front"),
        ("a budget selects nothing", nameof(ManifestChecks.Selectors), "PodDisruptionBudget", m => m.Find("PodDisruptionBudget", "ragcluster-index")!["spec"]!["selector"]!["matchLabels"]!["app.kubernetes.io/component"] = "partitions"),
        ("monitoring finds no service", nameof(ManifestChecks.Selectors), "ServiceMonitor", m => m.Find("Service", "ragcluster-management")!["metadata"]!["labels"]!.AsObject().Remove("ragcluster/scrape")),
        ("a service goes to a port that is gone", nameof(ManifestChecks.Ports), "port web", m => m.Find("Service", "ragcluster")!["spec"]!["ports"]![0]!["targetPort"] = "web"),
        ("a probe asks another port", nameof(ManifestChecks.Ports), "8559", m => Node(m, "Deployment", "ragcluster-gateway")["livenessProbe"]!["httpGet"]!["port"] = 8559),
        ("a policy lets in to a port that is gone", nameof(ManifestChecks.Ports), "NetworkPolicy ragcluster-peers", m => m.Find("NetworkPolicy", "ragcluster-peers")!["spec"]!["ingress"]![0]!["ports"]![0]!["port"] = 2551),
        ("the autoscaler names what is not there", nameof(ManifestChecks.Targets), "Deployment gateway", m => m.Find("HorizontalPodAutoscaler", "ragcluster-gateway")!["spec"]!["scaleTargetRef"]!["name"] = "gateway"),
        ("the ingress names another service", nameof(ManifestChecks.Targets), "The ingress", m => m.Find("Ingress", "ragcluster")!["spec"]!["rules"]![0]!["http"]!["paths"]![0]!["backend"]!["service"]!["name"] = "rag"),
        ("a policy speaks of pods that are not there", nameof(ManifestChecks.Peers), "ragcluster-kafka", m => m.Find("NetworkPolicy", "ragcluster-kafka")!["spec"]!["egress"]![0]!["to"]![0]!["podSelector"]!["matchLabels"]!["app.kubernetes.io/name"] = "ragcluster"),
        ("a probe asks what is no route", nameof(ManifestChecks.Probes), "/healthz", m => Node(m, "StatefulSet", "ragcluster-index")["readinessProbe"]!["httpGet"]!["path"] = "/healthz"),
        ("a variable is no setting", nameof(ManifestChecks.Variables), "RAGCLUSTER__NODE__ROLLS", m => Set(m, "RAGCLUSTER__NODE__ROLES", "RAGCLUSTER__NODE__ROLLS")),
        ("a setting has a wrong value", nameof(ManifestChecks.Variables), "conversatoins", m => Variable(m, "RAGCLUSTER__NODE__ROLES")["value"] = "[conversatoins]"),
        ("the peers are looked up elsewhere", nameof(ManifestChecks.Variables), "no such service", m => Variable(m, "PEERS")["value"] = "peers.$(POD_NAMESPACE).svc.cluster.local"),
        ("the container says another port", nameof(ManifestChecks.Variables), "8081", m => Node(m, "Deployment", "ragcluster-worker")["ports"]![0]!["containerPort"] = 8081),
        ("memory in a unit that is none", nameof(ManifestChecks.Quantities), "4GB", m => Node(m, "StatefulSet", "ragcluster-index")["resources"]!["limits"]!["memory"] = "4GB"),
        ("a request above its limit", nameof(ManifestChecks.Quantities), "above its limit", m => Node(m, "Deployment", "ragcluster-worker")["resources"]!["requests"]!["memory"] = "5Gi"),
        ("no request at all", nameof(ManifestChecks.Quantities), "does not say", m => Node(m, "Deployment", "ragcluster-worker").Remove("resources")),
        ("a pod runs as root", nameof(ManifestChecks.Rights), "may run as root", m => Pods(m, "Deployment", "ragcluster-gateway")["spec"]!["securityContext"]!["runAsUser"] = 0),
        ("a container may write everywhere", nameof(ManifestChecks.Rights), "may write", m => Node(m, "Deployment", "ragcluster-gateway")["securityContext"]!["readOnlyRootFilesystem"] = false),
        ("a pod mounts the API's token", nameof(ManifestChecks.Rights), "mounts a token", m => Pods(m, "Deployment", "ragcluster-gateway")["spec"]!.AsObject().Remove("automountServiceAccountToken")),
        ("a pod mounts a folder of the machine", nameof(ManifestChecks.Rights), "reaches into", m => Volume(m, "tmp")["hostPath"] = new JsonObject { ["path"] = "/" }),
        ("a secret that nobody makes", nameof(ManifestChecks.Mounts), "ragcluster-tokens", m => Volume(m, "secrets")["secret"]!["secretName"] = "ragcluster-tokens"),
        ("a config map that is not there", nameof(ManifestChecks.Mounts), "config map", m => Volume(m, "config")["configMap"]!["name"] = "ragcluster-config"),
        ("the data has no volume", nameof(ManifestChecks.Mounts), "nowhere to keep", m => Mount(m, "data")["mountPath"] = "/data"),
        ("killed before its end", nameof(ManifestChecks.Termination), "is killed after", m => Pods(m, "Deployment", "ragcluster-gateway")["spec"]!["terminationGracePeriodSeconds"] = 25),
        ("no pause before the end", nameof(ManifestChecks.Termination), "ends at once", m => Node(m, "Deployment", "ragcluster-gateway").Remove("lifecycle")),
        ("nobody keeps partitions", nameof(ManifestChecks.Roles), "partitions", m => Node(m, "StatefulSet", "ragcluster-index").Items("env").Single(v => v.Text("name") == "RAGCLUSTER__NODE__ROLES")["value"] = "[]"),
        ("a node that no peer hears of", nameof(ManifestChecks.Roles), "not listed", m => Pods(m, "Deployment", "ragcluster-worker")["metadata"]!["labels"]!.AsObject().Remove("ragcluster/member")),
        ("the newest image, whatever it is", nameof(ManifestChecks.Images), "no version", m => Node(m, "Deployment", "ragcluster-worker")["image"] = "registry.example.org/ragcluster:latest"),
    ];

    public static TheoryData<string> Overlays => [.. Manifests.Overlays];

    public static TheoryData<string> Mistakes => [.. s_mistakes.Select(mistake => mistake.Mistake)];

    [Theory]
    [MemberData(nameof(Overlays))]
    public void An_overlay_renders_and_passes_every_check(string overlay)
    {
        var manifests = Rendered(overlay);
        manifests.Workloads.SelectMany(workload => workload.Nodes).ShouldNotBeEmpty();
        ManifestChecks.All.SelectMany(check => check.Value(manifests).Select(problem => $"{check.Key}: {problem}")).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_found_by_its_check(string mistake)
    {
        var (_, check, says, edit) = s_mistakes.Single(known => known.Mistake == mistake);
        var manifests = Rendered("production").Copy();
        edit(manifests);
        ManifestChecks.All[check](manifests).ShouldContain(problem => problem.Contains(says, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_check_has_a_mistake_that_it_finds() => ManifestChecks.All.Keys.Except(s_mistakes.Select(mistake => mistake.Check)).ShouldBeEmpty();

    [Fact]
    public void Examples_for_operators_are_YAML_with_a_kind_and_a_name()
    {
        var files = Directory.EnumerateFiles(Tree.At("k8s", "operators"), "*.yaml", SearchOption.AllDirectories).ToArray();
        files.Length.ShouldBeGreaterThan(2);
        files.SelectMany(file => Yaml.Documents(File.ReadAllText(file)).Select(document => (file, document)))
            .Where(known => known.document.Text("apiVersion") is null || known.document.Text("kind") is null || known.document.Text("metadata.name") is null)
            .Select(known => known.file).ShouldBeEmpty();
    }

    [Fact]
    public void The_database_of_the_example_waits_for_a_standby()
    {
        var cluster = Yaml.Documents(File.ReadAllText(Tree.At("k8s", "operators", "cloudnative-pg", "cluster.yaml"))).Single(document => document.Text("kind") == "Cluster");
        cluster.Text("spec.postgresql.synchronous.dataDurability").ShouldBe("required");
        ((JsonObject)cluster.At("spec.postgresql.parameters")!)["synchronous_commit"]!.ToString().ShouldBe("on");
    }

    [Fact]
    public void Secrets_lie_in_no_overlay_but_the_one_for_development()
    {
        foreach (var overlay in Manifests.Overlays.Where(overlay => overlay != "development"))
        {
            Rendered(overlay).Of("Secret").ShouldBeEmpty(overlay);
        }
    }

    private static Manifests Rendered(string overlay)
    {
        Assert.SkipWhen(Manifests.WhyNot is not null, Manifests.WhyNot ?? "");
        lock (s_rendered)
        {
            return s_rendered.TryGetValue(overlay, out var known) ? known : s_rendered[overlay] = Manifests.Render(overlay);
        }
    }

    private static JsonObject Pods(Manifests manifests, string kind, string name) => manifests.Find(kind, name)!["spec"]!["template"]!.AsObject();

    private static JsonObject Node(Manifests manifests, string kind, string name) => Pods(manifests, kind, name)["spec"]!["containers"]![0]!.AsObject();

    private static JsonObject Variable(Manifests manifests, string name) => Node(manifests, "Deployment", "ragcluster-worker").Items("env").Single(variable => variable.Text("name") == name);

    private static void Set(Manifests manifests, string name, string other) => Variable(manifests, name)["name"] = other;

    private static JsonObject Volume(Manifests manifests, string name) => Pods(manifests, "Deployment", "ragcluster-gateway")["spec"].Items("volumes").Single(volume => volume.Text("name") == name);

    private static JsonObject Mount(Manifests manifests, string name) => Node(manifests, "Deployment", "ragcluster-gateway").Items("volumeMounts").Single(mount => mount.Text("name") == name);
}
