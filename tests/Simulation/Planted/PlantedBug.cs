namespace RagCluster.Simulation.Planted;

/// <summary>
/// A bug that is put into a copy of the tree behind a switch, to see that it is caught. It is an edit of a source file: so
/// the tree itself holds no bug and no hook for one, and whoever changes the code around it hears of it by a test.
/// </summary>
/// <param name="Name">As the switch knows it.</param>
/// <param name="What">For people.</param>
/// <param name="File">From the root of the tree.</param>
/// <param name="Text">Stands in the file exactly once.</param>
/// <param name="Replacement">What stands there instead; BUG is the condition that the bug is switched on.</param>
internal sealed record PlantedBug(string Name, string What, string File, string Text, string Replacement)
{
    public string Planted => Replacement.Replace("BUG", $"global::{Room}.Planted.Is(\"{Name}\")", StringComparison.Ordinal);

    /// <summary>The namespace of the project in whose reach the switch is: Kernel knows nobody, and nobody below Actors knows Kernel.</summary>
    private string Room => File.StartsWith("src/Retrieval/", StringComparison.Ordinal) || File.StartsWith("src/Inference/", StringComparison.Ordinal)
        ? "RagCluster.Messages"
        : "RagCluster.Kernel";
}
