using RagCluster.Nodes.Management;
using RagCluster.Nodes.Management.Entities;
using RagCluster.Nodes.Management.Logs;
using RagCluster.TestKit;
using Health = RagCluster.Nodes.Management.Health;

namespace RagCluster.Nodes.Tests.Management;

/// <summary>What makes a node not ready, what does not, and what is hidden of an entity.</summary>
public sealed class HealthTests
{
    private readonly ManualTime _time = new();

    [Theory]
    [InlineData(nameof(HealthStatus.Up), true)]
    [InlineData(nameof(HealthStatus.Degraded), true)]
    [InlineData(nameof(HealthStatus.Saturated), false)]
    [InlineData(nameof(HealthStatus.Down), false)]
    public async Task What_is_saturated_or_down_for_a_while_makes_the_node_not_ready(string status, bool ready)
    {
        var state = new HealthState(Enum.Parse<HealthStatus>(status), "because");
        var health = new Health();
        health.Monitor.Add("thing", _ => ValueTask.FromResult(state));
        health.NotReady.ShouldNotBeNull("it is starting");
        health.Ready();
        for (var look = 1; look <= 3; look++)
        {
            health.NotReady.ShouldBeNull($"before look {look}: one bad moment is not enough");
            await health.Monitor.LookAsync(_time, default);
        }

        (health.NotReady is null).ShouldBe(ready, health.NotReady);
        if (!ready)
        {
            health.NotReady!.ShouldContain("because");
            state = HealthState.Up;
            await health.Monitor.LookAsync(_time, default);
            health.NotReady.ShouldBeNull("and it is ready at once when that is over");
        }
    }

    [Fact]
    public async Task What_throws_is_down_and_others_are_looked_at_all_the_same()
    {
        var monitor = new HealthMonitor();
        monitor.Add("broken", _ => throw new InvalidOperationException("It is broken."));
        monitor.Add("sound", _ => ValueTask.FromResult(HealthState.Up));
        await monitor.LookAsync(_time, default);
        monitor.Report(details: true).Select(check => (check.Name, check.Status, check.Detail)).ShouldBe([("broken", "down", "It is broken."), ("sound", "up", null)]);
        monitor.Report(details: false).ShouldAllBe(check => check.Detail == null);
        monitor.Worst.ShouldBe(HealthStatus.Down);
    }

    [Fact]
    public async Task What_hangs_is_down_after_two_seconds()
    {
        var monitor = new HealthMonitor();
        monitor.Add("hanging", async _ =>
        {
            await new TaskCompletionSource().Task;
            return HealthState.Up;
        });
        var look = monitor.LookAsync(_time, default);
        _time.Advance(TimeSpan.FromSeconds(2.1));
        await look;
        monitor.Report(details: true).ShouldHaveSingleItem().Detail.ShouldBe("no answer within 2 s");
    }

    [Fact]
    public void Draining_is_not_ready_at_once_and_a_cordon_ends()
    {
        var health = new Health();
        health.Ready();
        health.Cordon();
        health.NotReady.ShouldNotBeNull().ShouldContain("Undrain");
        health.Uncordon();
        health.NotReady.ShouldBeNull();
        health.Draining();
        health.Uncordon();
        health.NotReady.ShouldNotBeNull().ShouldContain("draining");
    }

    [Fact]
    public void Only_what_is_listed_is_shown_of_an_entity()
    {
        var json = """{"type":"question-asked","question":"q1","text":"secret one","nested":[{"addedLater":"secret two","n":3}],"metadata":{"salary":"secret three"},"at":"2026-01-01T00:00:00Z"}"""u8;
        var hidden = Redaction.Of(json, texts: false)!.ToJsonString();
        hidden.ShouldNotContain("secret");
        hidden.ShouldContain("question-asked");
        hidden.ShouldContain("\"n\":3");
        hidden.ShouldContain("(hidden, 10 characters)");
        Redaction.Of(json, texts: true)!.ToJsonString().ShouldContain("secret three");
        Redaction.Of("null"u8, texts: false).ShouldBeNull();
        Redaction.Of(System.Text.Encoding.UTF8.GetBytes($"[{string.Join(',', Enumerable.Range(0, 1000))}]"), texts: false)!.AsArray().Count.ShouldBe(51, "vectors are not for people");
    }

    [Fact]
    public void Levels_of_the_log_change_at_once_the_nearest_name_counts_and_others_are_as_they_were()
    {
        using var logs = new LogControl(LogLevel.Information);
        using var factory = LoggerFactory.Create(logs.AddTo);
        var (kernel, cluster, web) = (factory.CreateLogger("RagCluster.Kernel.Entities"), factory.CreateLogger("RagCluster.Kernel.Cluster.Proposer"), factory.CreateLogger("Microsoft.AspNetCore.Server"));
        (kernel.IsEnabled(LogLevel.Debug), kernel.IsEnabled(LogLevel.Information), web.IsEnabled(LogLevel.Information), web.IsEnabled(LogLevel.Warning)).ShouldBe((false, true, false, true));
        logs.Set("RagCluster.Kernel", LogLevel.Debug);
        logs.Set("RagCluster.Kernel.Cluster", LogLevel.Error);
        (kernel.IsEnabled(LogLevel.Debug), cluster.IsEnabled(LogLevel.Warning), cluster.IsEnabled(LogLevel.Error)).ShouldBe((true, false, true));
        factory.CreateLogger("RagCluster.Kernels").IsEnabled(LogLevel.Debug).ShouldBeFalse("a name that only begins alike");
        logs.Set(null, LogLevel.Error);
        factory.CreateLogger("Other").IsEnabled(LogLevel.Warning).ShouldBeFalse();
        logs.Set(null, null);
        logs.Set("RagCluster.Kernel", null);
        (kernel.IsEnabled(LogLevel.Debug), factory.CreateLogger("Other").IsEnabled(LogLevel.Information)).ShouldBe((false, true));
        logs.Set(null, LogLevel.None);
        kernel.IsEnabled(LogLevel.Critical).ShouldBeFalse();
    }

    [Fact]
    public async Task The_tail_has_the_past_and_what_comes_and_tells_a_slow_reader_what_it_missed()
    {
        using var logs = new LogControl(LogLevel.Information);
        using var factory = LoggerFactory.Create(logs.AddTo);
        var log = factory.CreateLogger("Test");
        for (var n = 0; n < 1500; n++)
        {
            log.LogInformation("line {N}", n);
        }

        log.LogDebug("not logged");
        logs.Tail.Last(2, _ => true).Select(line => line.Message).ShouldBe(["line 1498", "line 1499"]);
        logs.Tail.Last(10_000, _ => true).Count.ShouldBe(1000);
        await using var lines = logs.Tail.Follow(1, line => line.Category == "Test", default).GetAsyncEnumerator();
        (await lines.MoveNextAsync()).ShouldBeTrue();
        lines.Current.Message.ShouldBe("line 1499");
        for (var n = 0; n < 1200; n++)
        {
            log.LogInformation("more {N}", n);
        }

        await lines.MoveNextAsync();
        lines.Current.Message.ShouldBe("more 0");
        await lines.MoveNextAsync();
        lines.Current.Message.ShouldStartWith("200 lines were left out");
    }
}
