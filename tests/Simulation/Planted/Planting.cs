namespace RagCluster.Simulation.Planted;

/// <summary>Copies the part of the tree that the simulation is built from, with every bug in it.</summary>
internal static class Planting
{
    private static readonly string[] s_copied = ["src/Messages", "src/Kernel", "src/Retrieval", "src/Inference", "src/Ingestion", "src/Actors", "tests/TestKit", "tests/CastKit", "tests/CheckerKit", "tests/Simulation", "tests/Actors.Tests/Wire"];

    public static void Plant(string root, string target)
    {
        foreach (var file in Directory.EnumerateFiles(root).Where(file => Path.GetExtension(file) is ".props" or ".targets" or ".txt" or ".json" || Path.GetFileName(file) == ".editorconfig"))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }

        Directory.CreateDirectory(Path.Combine(target, "tests"));
        File.Copy(Path.Combine(root, "tests/Directory.Build.props"), Path.Combine(target, "tests/Directory.Build.props"));
        foreach (var folder in s_copied)
        {
            Copy(Path.Combine(root, folder), Path.Combine(target, folder));
        }

        foreach (var room in new[] { "Kernel", "Messages" })
        {
            File.WriteAllText(Path.Combine(target, "src", room, "Planted.cs"), Switch(room));
        }

        foreach (var bugs in AllBugs.List.GroupBy(bug => bug.File))
        {
            var path = Path.Combine(target, bugs.Key);
            File.WriteAllText(path, bugs.Aggregate(File.ReadAllText(path), (text, bug) => Edit(text, bug)));
        }
    }

    /// <summary>What is wrong with the bug's place in the tree; null if it can be planted.</summary>
    public static string? ProblemOf(PlantedBug bug, string root)
    {
        var path = Path.Combine(root, bug.File);
        if (!File.Exists(path))
        {
            return $"{bug.Name}: {bug.File} is gone. Find where its code is now, and say so in tests/Simulation/Planted.";
        }

        var parts = File.ReadAllText(path).Split(bug.Text).Length - 1;
        return parts == 1 ? null : $"{bug.Name}: its text stands {parts} times in {bug.File}, not once. Plant it anew in tests/Simulation/Planted: {bug.Text}";
    }

    private static string Edit(string text, PlantedBug bug) =>
        text.Contains(bug.Text, StringComparison.Ordinal)
            ? text.Replace(bug.Text, bug.Planted, StringComparison.Ordinal)
            : throw new InvalidOperationException($"The bug {bug.Name} cannot be planted: its text is not in {bug.File}.");

    private static string Switch(string room) => $$"""
        namespace RagCluster.{{room}};

        /// <summary>Which bug is switched on in this thread's world. Only copies of the tree that were planted have this.</summary>
        public static class Planted
        {
            [System.ThreadStatic]
            private static string? s_bug;

            public static void SwitchOn(string? bug) => s_bug = bug;

            public static bool Is(string bug) => s_bug == bug;
        }
        """;

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }

        foreach (var folder in Directory.EnumerateDirectories(from).Where(folder => Path.GetFileName(folder) is not ("bin" or "obj")))
        {
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
        }
    }
}
