using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Actors;

public class SystemRuntimeTests
{
    [Fact]
    public async Task The_clock_of_leases_counts_time_and_on_Linux_also_that_of_a_suspended_machine()
    {
        var (lease, usual) = (SystemRuntime.Instance.LeaseTime, SystemRuntime.Instance.Time);
        var (from, usualFrom) = (lease.GetTimestamp(), usual.GetTimestamp());
        await Task.Delay(50);
        (lease.GetElapsedTime(from) - usual.GetElapsedTime(usualFrom)).Duration().ShouldBeLessThan(TimeSpan.FromMilliseconds(100));
        if (OperatingSystem.IsLinux())
        {
            // The first number is the time since the boot, suspension included.
            var up = double.Parse((await File.ReadAllTextAsync("/proc/uptime")).Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
            (lease.GetTimestamp() / (double)lease.TimestampFrequency).ShouldBe(up, tolerance: 5);
        }
    }

    /// <summary>
    /// Web requests and timers use the pool's common queue. Actors that keep waking each other once kept them waiting
    /// for up to a second; counted here in messages, because time means little on a busy machine.
    /// </summary>
    [Fact]
    public async Task Actors_that_keep_each_other_busy_do_not_hold_up_the_common_queue()
    {
        var system = new ActorSystem("busy", SystemRuntime.Instance);
        var refs = new IActorRef<int>[2 * Environment.ProcessorCount + 2];
        long handled = 0;
        for (var i = 0; i < refs.Length; i++)
        {
            var partner = i ^ 1;
            refs[i] = system.Spawn($"actor-{i}", () => new LambdaActor<int>((m, _) =>
            {
                Interlocked.Increment(ref handled);
                refs[partner].TryTell(m);
            }));
        }

        for (var i = 0; i < refs.Length; i += 2)
        {
            refs[i].TryTell(0);
        }

        var waits = new List<long>();
        for (var i = 0; i < 9; i++)
        {
            // Each time afresh: the thread that has just served this test is the one that looks into the common queue.
            var seen = Interlocked.Read(ref handled);
            await Retry.Until("the actors are at it", () => Interlocked.Read(ref handled) > seen + 20_000);
            var ran = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
            var before = Interlocked.Read(ref handled);
            ThreadPool.UnsafeQueueUserWorkItem<object?>(_ => ran.SetResult(Interlocked.Read(ref handled) - before), null, preferLocal: false);
            waits.Add(await ran.Task.WaitAsync(Retry.Patience));
        }

        (await system.TerminateAsync(Retry.Patience)).ShouldBeEmpty();
        waits.Max().ShouldBeLessThan(50_000);
    }
}
