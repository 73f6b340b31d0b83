using RagCluster.Simulation.Planted;

namespace RagCluster.Simulation.Commands;

/// <summary>Writes a copy of the tree with every planted bug in it, behind a switch.</summary>
internal static class PlantCommand
{
    public static int Execute(string[] args)
    {
        Planting.Plant(Root, args[0]);
        Console.WriteLine($"{AllBugs.List.Count} bugs are planted in {args[0]}.");
        return 0;
    }

    /// <summary>The tree that this program was built from.</summary>
    public static string Root
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (folder is not null && !Directory.Exists(Path.Combine(folder.FullName, "tests", "Simulation")))
            {
                folder = folder.Parent;
            }

            return folder?.FullName ?? throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds tests/Simulation: run this from the source tree.");
        }
    }
}
