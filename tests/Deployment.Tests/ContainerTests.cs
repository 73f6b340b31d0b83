using System.Text.Json.Nodes;
using RagCluster.Configuration;

namespace RagCluster.Deployment.Tests;

/// <summary>What can be known of the Dockerfile and the compose files without an engine: nothing here builds or starts a container.</summary>
public class ContainerTests
{
    public static TheoryData<string> ComposeFiles => [.. Directory.EnumerateFiles(Tree.At("docker"), "compose*.yaml").Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(ComposeFiles))]
    public void What_a_compose_file_names_is_there(string file)
    {
        var compose = Read(file);
        Problems(compose).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(ComposeFiles))]
    public void Nodes_of_a_compose_file_have_a_configuration_that_they_start_with(string file)
    {
        var compose = Read(file);
        foreach (var (name, service) in Nodes(compose))
        {
            var settings = Settings(compose, service!).Options;
            settings.Node.Name.ShouldBe(name);
            settings.Cluster.Advertise.ShouldBe(name);
            service.Text("read_only").ShouldBe("true", name);
            TimeSpan.FromSeconds(int.Parse(service.Text("stop_grace_period")!.TrimEnd('s'), System.Globalization.CultureInfo.InvariantCulture)).ShouldBeGreaterThan(settings.Kernel.ShutdownTimeout, name);
        }
    }

    [Fact]
    public void Mistakes_in_a_compose_file_are_found()
    {
        Problems(Edited(compose => compose["services"]!["node-1"]!["image"] = "ragcluster:latest")).ShouldContain(problem => problem.Contains("version", StringComparison.Ordinal));
        Problems(Edited(compose => compose["services"]!["node-2"]!["secrets"]!.AsArray().Add("token"))).ShouldContain(problem => problem.Contains("secret token", StringComparison.Ordinal));
        Problems(Edited(compose => compose["services"]!["proxy"]!["depends_on"]!.AsArray().Add("node-4"))).ShouldContain(problem => problem.Contains("node-4", StringComparison.Ordinal));
        Problems(Edited(compose => compose["configs"]!["proxy"]!["file"] = "nginx.conf")).ShouldContain(problem => problem.Contains("nginx.conf", StringComparison.Ordinal));
        Problems(Edited(compose => compose["services"]!["node-3"]!["volumes"]!.AsArray().Add("node-4:/data"))).ShouldContain(problem => problem.Contains("volume node-4", StringComparison.Ordinal));
        Problems(Edited(compose => compose["services"]!["node-3"]!["privileged"] = true)).ShouldContain(problem => problem.Contains("privileged", StringComparison.Ordinal));
        Problems(Edited(compose => compose["services"]!["grafana"]!["ports"] = new JsonArray("3000:3000"))).ShouldContain(problem => problem.Contains("every interface", StringComparison.Ordinal));
        Should.Throw<InvalidConfigurationException>(() => Settings(Edited(compose => compose["services"]!["node-1"]!["environment"]!["RAGCLUSTER__NODE__NAMES"] = "x"), "node-1"));
    }

    [Fact]
    public void The_image_is_built_in_stages_runs_as_nobody_and_says_how_it_is()
    {
        var lines = File.ReadAllLines(Tree.At("docker", "Dockerfile")).Where(line => !line.StartsWith('#')).ToArray();
        lines.Count(line => line.StartsWith("FROM ", StringComparison.Ordinal)).ShouldBe(2);
        lines.Where(line => line.StartsWith("FROM ", StringComparison.Ordinal)).ShouldAllBe(line => line.Split(' ')[1].Contains(':') && !line.Contains(":latest", StringComparison.Ordinal));
        var last = string.Join('\n', lines.SkipWhile(line => !line.Contains(" AS run", StringComparison.Ordinal)));
        last.ShouldContain("USER 10001");
        last.ShouldContain("HEALTHCHECK");
        last.ShouldContain("EXPOSE 8080 2552 8558");

        // What is copied is there, and is all that the projects include.
        foreach (var source in lines.Where(line => line.StartsWith("COPY ", StringComparison.Ordinal) && !line.Contains("--from", StringComparison.Ordinal)).SelectMany(line => line.Split(' ')[1..^1]))
        {
            (Directory.Exists(Tree.At(source)) || Directory.EnumerateFiles(Tree.Root, Path.GetFileName(source)).Any() || source.EndsWith('*')).ShouldBeTrue(source);
        }
    }

    private static JsonObject Read(string file) => Yaml.Documents(File.ReadAllText(Tree.At("docker", file))).Single();

    private static JsonObject Edited(Action<JsonObject> edit)
    {
        var compose = Read("compose.full.yaml");
        edit(compose);
        return compose;
    }

    private static IEnumerable<KeyValuePair<string, JsonNode?>> Nodes(JsonObject compose) => compose.Entries("services").Where(service => service.Value.Text("image")?.StartsWith("ragcluster:", StringComparison.Ordinal) == true);

    private static List<string> Problems(JsonObject compose)
    {
        var problems = new List<string>();
        var services = compose.Entries("services").ToDictionary(service => service.Key, service => service.Value!, StringComparer.Ordinal);
        foreach (var (name, service) in services)
        {
            if (service.Text("image") is { } image && (!image.Split('/')[^1].Contains(':', StringComparison.Ordinal) || image.EndsWith(":latest", StringComparison.Ordinal)))
            {
                problems.Add($"{name}: the image {image} has no version.");
            }

            problems.AddRange(Names(service.At("secrets")).Where(secret => compose.At($"secrets.{secret}") is null).Select(secret => $"{name}: there is no secret {secret}."));
            problems.AddRange(service.Items("configs").Where(config => compose.At($"configs.{config.Text("source")}") is null).Select(config => $"{name}: there is no config {config.Text("source")}."));
            problems.AddRange(Names(service.At("depends_on")).Where(other => !services.ContainsKey(other)).Select(other => $"{name}: there is no service {other}."));
            problems.AddRange(Names(service.At("volumes")).Select(volume => volume.Split(':')[0]).Where(volume => !volume.StartsWith('.') && compose["volumes"]?[volume] is null).Select(volume => $"{name}: there is no volume {volume}."));
            problems.AddRange(Names(service.At("volumes")).Select(volume => volume.Split(':')[0]).Where(volume => volume.StartsWith('.') && !Directory.Exists(Path.GetFullPath(volume, Tree.At("docker")))).Select(volume => $"{name}: there is no folder {volume}."));
            problems.AddRange(Names(service.At("ports")).Where(port => !port.StartsWith("127.0.0.1:", StringComparison.Ordinal)).Select(port => $"{name}: {port} is open on every interface."));
            if (service.Text("privileged") == "true")
            {
                problems.Add($"{name} is privileged.");
            }
        }

        problems.AddRange(compose.Entries("configs").Select(config => config.Value.Text("file")!).Where(file => !File.Exists(Tree.At("docker", file))).Select(file => $"There is no file {file}."));
        return problems;
    }

    private static IEnumerable<string> Names(JsonNode? node) => node switch
    {
        JsonArray list => list.Select(entry => entry!.ToString()),
        JsonObject known => known.Select(entry => entry.Key),
        _ => [],
    };

    private static RagClusterConfiguration Settings(JsonObject compose, string name) => Settings(compose, compose["services"]![name]!);

    private static RagClusterConfiguration Settings(JsonObject compose, JsonNode service)
    {
        var arguments = Names(service.At("command")).ToList();
        var target = arguments[arguments.IndexOf("--config") + 1];
        var source = service.Items("configs").Single(config => config.Text("target") == target).Text("source");
        var variables = service.Entries("environment").ToDictionary(variable => variable.Key, variable => variable.Value!.ToString(), StringComparer.Ordinal);
        return RagClusterConfiguration.Load(Tree.At("docker", compose.Text($"configs.{source}.file")!), variables, []);
    }
}
