using RagCluster.Simulation.Commands;
using RagCluster.Simulation.Planted;

namespace RagCluster.Simulation.Tests;

/// <summary>That the checkers catch the planted bugs takes minutes, and is ./sim.sh --planted's to show; that they can be planted is shown here.</summary>
public sealed class PlantedTests
{
    [Fact]
    public void Every_planted_bug_still_has_its_place_in_the_code() =>
        AllBugs.List.Select(bug => Planting.ProblemOf(bug, PlantCommand.Root)).Where(problem => problem is not null).ShouldBeEmpty();

    [Fact]
    public void The_planted_bugs_are_many_and_each_has_a_name_of_its_own()
    {
        AllBugs.List.Count.ShouldBeGreaterThanOrEqualTo(25);
        AllBugs.List.Select(bug => bug.Name).ShouldBeUnique();
        AllBugs.List.ShouldAllBe(bug => bug.Replacement.Contains("BUG", StringComparison.Ordinal));
    }

    /// <summary>What is built from the tree has no switch that a bug could hang on.</summary>
    [Fact]
    public void No_bug_is_planted_in_what_is_released()
    {
        foreach (var assembly in new[] { typeof(Kernel.ActorSystem).Assembly, typeof(Messages.TenantId).Assembly, typeof(Actors.Cast).Assembly, typeof(Retrieval.Index.PartitionIndex).Assembly })
        {
            assembly.GetTypes().Select(type => type.Name).ShouldNotContain("Planted");
        }
    }
}
