using RagCluster.TestKit;

namespace RagCluster.Simulation.Tests.World;

/// <summary>What the simulator takes for a suspended machine is what Linux does: CLOCK_MONOTONIC and timers stand still, CLOCK_BOOTTIME does not.</summary>
public sealed class SuspendedMachineTests
{
    private readonly SimulatedRuntime _world = new(1);

    [Fact]
    public void What_measures_its_time_stands_still_and_what_leases_are_measured_by_goes_on()
    {
        var machine = _world.NewNode("m");
        var (time, lease, wall) = (machine.Time.GetTimestamp(), machine.LeaseTime.GetTimestamp(), machine.Time.GetUtcNow());
        _world.RunFor(TimeSpan.FromSeconds(2));
        machine.Suspend();
        _world.RunFor(TimeSpan.FromSeconds(60));
        machine.Resume();
        _world.RunFor(TimeSpan.FromSeconds(3));
        machine.Time.GetElapsedTime(time).ShouldBe(TimeSpan.FromSeconds(5));
        machine.LeaseTime.GetElapsedTime(lease).ShouldBe(TimeSpan.FromSeconds(65));
        (machine.Time.GetUtcNow() - wall).ShouldBe(TimeSpan.FromSeconds(65));
    }

    /// <param name="sleepsAt">In seconds, as are the others.</param>
    [Theory]
    [InlineData(2, 60, 70)]
    [InlineData(2, 3, 13)]
    [InlineData(11, 5, 10)]
    public void A_timer_of_ten_seconds_is_late_by_the_sleep_that_it_meets(int sleepsAt, int sleeps, int firesAt)
    {
        var machine = _world.NewNode("m");
        var fired = new List<TimeSpan>();
        var start = _world.Time.GetTimestamp();
        using var timer = machine.Time.CreateTimer(_ => fired.Add(_world.Time.GetElapsedTime(start)), null, TimeSpan.FromSeconds(10), Timeout.InfiniteTimeSpan);
        _world.RunFor(TimeSpan.FromSeconds(sleepsAt));
        machine.Suspend();
        _world.RunFor(TimeSpan.FromSeconds(sleeps));
        machine.Resume();
        _world.RunFor(TimeSpan.FromMinutes(2));
        fired.ShouldBe([TimeSpan.FromSeconds(firesAt)]);
    }

    /// <summary>As against a process that stands still: its timers were due all the same.</summary>
    [Fact]
    public void A_timer_of_a_paused_process_is_due_when_it_goes_on()
    {
        var machine = _world.NewNode("m");
        var fired = new List<TimeSpan>();
        var start = _world.Time.GetTimestamp();
        using var timer = machine.Time.CreateTimer(_ => fired.Add(_world.Time.GetElapsedTime(start)), null, TimeSpan.FromSeconds(10), Timeout.InfiniteTimeSpan);
        machine.Pause();
        _world.RunFor(TimeSpan.FromSeconds(60));
        machine.Resume();
        _world.RunUntilIdle();
        fired.ShouldBe([TimeSpan.FromSeconds(60)]);
    }
}
