using RagCluster.Kernel.Entities;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Entities;

public sealed class WaitsTests
{
    /// <summary>Found by the simulator: a drain that ended with its budget was told as a cancellation, which stopped the stop.</summary>
    [Fact]
    public void What_ends_together_with_its_budget_has_ended_in_time()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var world = new SimulatedRuntime(seed);
            var work = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            using var timer = world.Time.CreateTimer(_ => work.SetResult(), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
            world.Run(async () => await work.Task.EndsWithin(TimeSpan.FromSeconds(1), world.Time)).ShouldBe(work.Task.IsCompleted);
        }
    }
}
