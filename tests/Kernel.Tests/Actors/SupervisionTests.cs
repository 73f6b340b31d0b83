using RagCluster.Kernel.DeadLetters;
using RagCluster.Kernel.Supervision;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Actors;

public class SupervisionTests
{
    private static readonly SupervisionStrategy Exact = new() { MinBackoff = TimeSpan.FromSeconds(1), MaxBackoff = TimeSpan.FromSeconds(4), Jitter = 0, MaxRestarts = 4, Within = TimeSpan.FromMinutes(1) };
    private readonly SimulatedRuntime _world = new(seed: 3);
    private readonly ActorSystem _system;
    private readonly List<string> _log = [];

    public SupervisionTests() => _system = new ActorSystem("test", _world);

    [Fact]
    public void A_restart_makes_a_new_instance_and_keeps_the_mailbox_but_not_the_message_that_failed()
    {
        var actor = Spawn("actor", Exact);
        Tell(actor, "a", "crash", "b");
        _world.RunUntilIdle();
        _log.ShouldBe(["1 started", "1 a", "1 stopped Failed"]);
        _world.RunFor(TimeSpan.FromSeconds(1));
        _log.Skip(3).ShouldBe(["2 started", "2 b"]);
        _system.Snapshot().Single().Restarts.ShouldBe(1);
        _system.DeadLetters.Total.ShouldBe(0);
    }

    /// <summary>Its token came into being after the stop was asked for: nothing cancelled it, and the stop waited behind the start for ever.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_stop_that_overtakes_the_start_ends_a_start_that_waits(int seed)
    {
        var world = new SimulatedRuntime(seed);
        var system = new ActorSystem("test", world);
        var actor = system.Spawn("waiting", () => new WaitingActor());
        var stopped = world.Call(() => system.StopAsync(actor));
        world.RunFor(TimeSpan.FromSeconds(1));
        stopped.IsCompleted.ShouldBeTrue();
    }

    private sealed class WaitingActor : Actor<string>
    {
        protected internal override async ValueTask StartedAsync(CancellationToken cancellationToken) =>
            await Task.Delay(TimeSpan.FromDays(1), Context.Time, cancellationToken);

        protected internal override ValueTask ReceiveAsync(string message, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }

    [Fact]
    public void The_backoff_doubles_up_to_its_maximum_and_the_last_straw_stops_the_actor()
    {
        var actor = Spawn("actor", Exact);
        Tell(actor, "crash", "crash", "crash", "crash", "crash", "left");
        var probe = new TestProbe<string>(_system);
        probe.Watch(actor);
        foreach (var (seconds, instance) in new[] { (1, 2), (2, 3), (4, 4), (4, 5) })
        {
            _world.RunFor(TimeSpan.FromSeconds(seconds) - TimeSpan.FromTicks(1));
            _log.ShouldNotContain($"{instance} started");
            _world.RunFor(TimeSpan.FromTicks(1));
            _log.ShouldContain($"{instance} started");
        }

        probe.TakeStopped().Reason.ShouldBe(StopReason.Failed);
        _system.DeadLetters.Count(DeadLetterReason.Abandoned).ShouldBe(1);
    }

    [Fact]
    public void Old_restarts_leave_the_window()
    {
        var actor = Spawn("actor", Exact with { Within = TimeSpan.FromSeconds(30) });
        for (var i = 0; i < 20; i++)
        {
            actor.TryTell("crash").ShouldBeTrue();
            _world.RunFor(TimeSpan.FromSeconds(10));
        }

        _log.Count(l => l.EndsWith("started", StringComparison.Ordinal)).ShouldBe(21);
    }

    [Fact]
    public void Jitter_spreads_the_restarts_within_its_bounds()
    {
        var strategy = Exact with { Jitter = 0.5 };
        var random = new Random(5);
        var backoffs = Enumerable.Range(0, 1000).Select(_ => strategy.Backoff(2, random).TotalSeconds).ToList();
        backoffs.Min().ShouldBeInRange(2, 2.05);
        backoffs.Max().ShouldBeInRange(2.95, 3);
    }

    [Fact]
    public void A_failing_start_is_restarted_too()
    {
        var attempts = 0;
        var actor = _system.Spawn(
            "actor",
            () => new LambdaActor<string>((m, _) => _log.Add(m))
            {
                OnStarted = _ =>
                {
                    if (++attempts < 3)
                    {
                        throw new InvalidOperationException("not yet");
                    }
                },
            },
            new SpawnOptions { Supervision = Exact });
        Tell(actor, "a");
        _world.RunFor(TimeSpan.FromSeconds(3));
        attempts.ShouldBe(3);
        _log.ShouldBe(["a"]);
    }

    [Fact]
    public void Stop_stops()
    {
        var actor = Spawn("actor", SupervisionStrategy.Stop);
        Tell(actor, "crash");
        _world.RunUntilIdle();
        _log.ShouldBe(["1 started", "1 stopped Failed"]);
        actor.TryTell("late").ShouldBeFalse();
    }

    [Fact]
    public void Escalation_fails_the_parent_whose_restart_stops_its_children()
    {
        var parents = 0;
        var parent = _system.Spawn(
            "parent",
            () => new LambdaActor<string>((m, c) => c.Spawn("child", Child, new SpawnOptions { Supervision = SupervisionStrategy.Escalate }).TryTell(m))
            {
                OnStarted = _ => _log.Add($"parent {++parents}"),
                OnStopped = r => _log.Add($"parent stopped {r}"),
            },
            new SpawnOptions { Supervision = Exact });
        Tell(parent, "crash");
        _world.RunFor(TimeSpan.FromSeconds(1));
        _log.ShouldBe(["parent 1", "1 started", "1 stopped Stopped", "parent stopped Failed", "parent 2"]);
        _system.Snapshot().Single().Children.ShouldBeEmpty();
    }

    [Fact]
    public void Children_stop_before_their_parent_and_the_whole_tree_within_the_budget()
    {
        var parent = _system.Spawn("parent", () => new LambdaActor<string>((m, c) => c.Spawn(m, Child)) { OnStopped = r => _log.Add($"parent stopped {r}") });
        Tell(parent, "x", "y");
        _world.RunUntilIdle();
        _world.Run(() => _system.TerminateAsync(TimeSpan.FromSeconds(1), StopReason.HandedOff)).ShouldBeEmpty();
        _log.Count(l => l.EndsWith("stopped HandedOff", StringComparison.Ordinal)).ShouldBe(3);
        _log[^1].ShouldBe("parent stopped HandedOff");
        Should.Throw<InvalidOperationException>(() => Spawn("late", Exact));
    }

    [Fact]
    public void Termination_names_who_does_not_stop_in_time()
    {
        var never = new TaskCompletionSource();
        var stuck = _system.Spawn("stuck", () => new LambdaActor<string>(async (_, _, _) => await never.Task));
        Tell(stuck, "go");
        _world.RunUntilIdle();
        _world.Run(() => _system.TerminateAsync(TimeSpan.FromSeconds(1))).ShouldBe([stuck.Path]);
    }

    [Fact]
    public void A_stop_cancels_the_running_handlers_token_and_is_no_failure()
    {
        var actor = _system.Spawn("actor", () => new LambdaActor<string>(async (_, c, token) => await Task.Delay(TimeSpan.FromHours(1), c.Time, token))
        {
            OnStopped = r => _log.Add($"stopped {r}"),
        });
        Tell(actor, "wait");
        _world.RunUntilIdle();
        _world.RunToEnd(() => _system.StopAsync(actor), TimeSpan.FromSeconds(1));
        _log.ShouldBe(["stopped Stopped"]);
    }

    [Fact]
    public void A_stop_during_the_backoff_wins()
    {
        var actor = Spawn("actor", Exact);
        Tell(actor, "crash");
        _world.RunUntilIdle();
        _world.RunToEnd(() => _system.StopAsync(actor));
        _world.RunFor(TimeSpan.FromMinutes(1));
        _log.ShouldBe(["1 started", "1 stopped Failed"]);
    }

    [Fact]
    public void Watchers_hear_of_the_end_once_and_not_of_restarts()
    {
        var probe = new TestProbe<string>(_system);
        var actor = Spawn("actor", Exact);
        probe.Watch(actor);
        Tell(actor, "crash");
        _world.RunFor(TimeSpan.FromSeconds(5));
        Should.Throw<InvalidOperationException>(() => probe.TakeStopped());
        _world.RunToEnd(() => _system.StopAsync(actor, StopReason.Passivated));
        probe.TakeStopped().ShouldBe((actor, StopReason.Passivated));

        probe.Watch(actor);
        _world.RunUntilIdle();
        probe.TakeStopped().ShouldBe((actor, StopReason.Passivated));
        Should.Throw<InvalidOperationException>(() => probe.TakeStopped());
    }

    [Fact]
    public void After_Unwatch_nothing_comes()
    {
        var gate = new TaskCompletionSource();
        var target = Spawn("target", Exact);
        var watcher = _system.Spawn("watcher", () => new LambdaActor<string>(async (m, c, _) =>
        {
            _log.Add(m);
            if (m == "unwatch")
            {
                await gate.Task;
                c.Unwatch(target);
            }
        })
        {
            OnStarted = c => c.Watch(target, _ => "ended"),
        });
        Tell(watcher, "unwatch");
        _world.RunUntilIdle();
        _world.RunToEnd(() => _system.StopAsync(target));

        // The news of the end is on its way when the watcher loses interest.
        gate.SetResult();
        _world.RunUntilIdle();
        _log.ShouldNotContain("ended");
    }

    [Fact]
    public void A_name_is_free_again_once_its_actor_has_stopped()
    {
        var first = Spawn("same", Exact);
        Should.Throw<ArgumentException>(() => Spawn("same", Exact)).Message.ShouldContain("/user/same");
        _world.RunToEnd(() => _system.StopAsync(first));
        Spawn("same", Exact).ShouldNotBe(first);
    }

    private static void Tell(IActorRef<string> actor, params string[] messages) => messages.ToList().ForEach(m => actor.TryTell(m).ShouldBeTrue());

    private IActorRef<string> Spawn(string name, SupervisionStrategy strategy)
    {
        _children = 0;
        return _system.Spawn(name, Child, new SpawnOptions { Supervision = strategy });
    }

    private int _children;

    private LambdaActor<string> Child()
    {
        var instance = ++_children;
        return new LambdaActor<string>((m, _) =>
        {
            if (m == "crash")
            {
                throw new InvalidOperationException("crash");
            }

            _log.Add($"{instance} {m}");
        })
        {
            OnStarted = _ => _log.Add($"{instance} started"),
            OnStopped = r => _log.Add($"{instance} stopped {r}"),
        };
    }
}
