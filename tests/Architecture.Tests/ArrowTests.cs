namespace RagCluster.Architecture.Tests;

/// <summary>
/// Which room may know which. Arrows point inward, so that Kernel stays usable without RAG, Retrieval without actors, and
/// the world of Actors can be replaced by a simulator. A new edge is a decision: write it here and into docs/decisions.
/// </summary>
public class ArrowTests
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Messages"] = [],
        ["Kernel"] = [],
        ["Configuration"] = [],
        ["Retrieval"] = ["Messages"],
        ["Inference"] = ["Messages"],
        ["Ingestion"] = ["Messages"],
        ["Actors"] = ["Messages", "Kernel", "Retrieval", "Inference", "Ingestion"],
        ["Kafka"] = ["Messages", "Ingestion"],
        ["Nodes"] = ["Actors", "Configuration", "Kafka"],
        ["Pbm"] = ["Configuration"],
    };

    [Fact]
    public void Folders_below_src_are_known_rooms() => SourceTree.Rooms.Except(Allowed.Keys).ShouldBeEmpty();

    [Fact]
    public void Projects_reference_only_what_the_arrows_allow()
    {
        var edges = SourceTree.Rooms.SelectMany(room => References(room).Select(target => (room, target))).ToArray();
        edges.Length.ShouldBeGreaterThan(5);
        edges.Where(edge => !Allowed[edge.room].Contains(edge.target)).Select(edge => $"{edge.room} -> {edge.target}").ShouldBeEmpty();
    }

    [Fact]
    public void Projects_reference_each_other_by_project_only()
    {
        var binary = SourceTree.Rooms.SelectMany(room => SourceTree.Project(room).Descendants("Reference").Select(reference => $"{room} -> {reference.Attribute("Include")?.Value}"));
        binary.ShouldBe(["Kafka -> Confluent.Kafka"], "its package cannot be restored as one: decision 0016");
    }

    [Theory]
    [InlineData("Kernel")]
    [InlineData("Actors")]
    public void Time_chance_threads_and_network_are_injected(string room)
    {
        SourceTree.Project(room).Descendants("BanAmbientState").Select(element => element.Value).ShouldBe(["true"]);
        var suppressed = SourceTree.Files
            .Where(file => file.StartsWith($"src/{room}/", StringComparison.Ordinal) && file.EndsWith(".cs", StringComparison.Ordinal))
            .Where(file => File.ReadAllText(Path.Combine(SourceTree.Root, file)).Contains("disable RS0030", StringComparison.Ordinal));
        suppressed.Except(InjectedWorld).ShouldBeEmpty();
    }

    // Where the real world is put behind the interfaces: the only places that may touch it.
    private static readonly string[] InjectedWorld = ["src/Kernel/SystemRuntime.cs", "src/Kernel/Transport/Links/Connection.cs"];

    private static IEnumerable<string> References(string room) => SourceTree.Project(room)
        .Descendants("ProjectReference")
        .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')));
}
