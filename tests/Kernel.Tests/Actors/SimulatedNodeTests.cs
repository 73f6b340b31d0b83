using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Actors;

/// <summary>The machines of a simulated world: what a pause, a crash and a wrong clock do, and what they leave alone.</summary>
public sealed class SimulatedNodeTests
{
    private readonly SimulatedRuntime _world = new(1);

    [Fact]
    public void A_paused_machine_does_nothing_until_it_goes_on_and_then_all_of_it()
    {
        var (paused, other) = (_world.NewNode("paused"), _world.NewNode("other"));
        var (ticks, beats) = (0, 0);
        using var tick = paused.Time.CreateTimer(_ => ticks++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        using var beat = other.Time.CreateTimer(_ => beats++, null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        var started = paused.Time.GetTimestamp();
        var slept = TimeSpan.Zero;
        paused.Pause();
        paused.Run(() =>
        {
            slept = paused.Time.GetElapsedTime(started);
            return Task.CompletedTask;
        });
        _world.RunFor(TimeSpan.FromSeconds(10));
        (ticks, beats, slept).ShouldBe((0, 10, TimeSpan.Zero));

        paused.Resume();
        _world.RunUntilIdle();
        ticks.ShouldBe(1, "ticks that were missed come as one");
        slept.ShouldBe(TimeSpan.FromSeconds(10));
        _world.RunFor(TimeSpan.FromSeconds(2));
        ticks.ShouldBe(3);
    }

    [Fact]
    public void A_killed_machine_never_goes_on_in_the_middle_of_what_it_did()
    {
        var node = _world.NewNode("killed");
        var after = false;
        var awaited = new TaskCompletionSource();
        node.Run(async () =>
        {
            await awaited.Task;
            after = true;
        });
        _world.RunUntilIdle();
        node.Kill();
        awaited.SetResult();
        node.Resume();
        _world.RunFor(TimeSpan.FromHours(1));
        after.ShouldBeFalse();
    }

    [Fact]
    public void A_wrong_clock_moves_no_timestamp_and_no_timer()
    {
        var node = _world.NewNode("wrong");
        var fired = false;
        using var timer = node.Time.CreateTimer(_ => fired = true, null, TimeSpan.FromSeconds(2), Timeout.InfiniteTimeSpan);
        var (started, hour) = (node.Time.GetTimestamp(), node.Time.GetUtcNow());
        node.ClockError = TimeSpan.FromHours(-3);
        _world.RunFor(TimeSpan.FromSeconds(1));
        node.Time.GetUtcNow().ShouldBe(hour - TimeSpan.FromHours(3) + TimeSpan.FromSeconds(1));
        node.Time.GetElapsedTime(started).ShouldBe(TimeSpan.FromSeconds(1));
        fired.ShouldBeFalse();
        _world.RunFor(TimeSpan.FromSeconds(1));
        fired.ShouldBeTrue();
    }
}
