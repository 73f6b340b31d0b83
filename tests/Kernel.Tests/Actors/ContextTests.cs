using RagCluster.Kernel.DeadLetters;
using RagCluster.Kernel.Supervision;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Actors;

public class ContextTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private readonly SimulatedRuntime _world = new(seed: 5);
    private readonly ActorSystem _system;
    private readonly List<string> _log = [];

    public ContextTests() => _system = new ActorSystem("test", _world);

    [Fact]
    public void A_timer_fires_once_when_due_and_a_periodic_one_until_it_is_cancelled()
    {
        var actor = Spawn((m, c) =>
        {
            _log.Add(m);
            if (m == "start")
            {
                c.StartTimer("once", "once", 2 * Second);
                c.StartTimer("often", "often", Second, Second);
            }
            else if (m == "cancel")
            {
                c.CancelTimer("often").ShouldBeTrue();
                c.CancelTimer("often").ShouldBeFalse();
                c.IsTimerActive("once").ShouldBeFalse();
            }
        });
        actor.TryTell("start");
        _world.RunFor(3.5 * Second);
        actor.TryTell("cancel");
        _world.RunFor(10 * Second);
        _log.Count(m => m == "once").ShouldBe(1);
        _log.Count(m => m == "often").ShouldBe(3);
        _log[^1].ShouldBe("cancel");
    }

    [Fact]
    public void A_tick_that_is_on_its_way_when_its_timer_is_cancelled_or_replaced_is_not_delivered()
    {
        var gate = new TaskCompletionSource();
        var actor = _system.Spawn("actor", () => new LambdaActor<string>(async (m, c, _) =>
        {
            _log.Add(m);
            if (m == "start")
            {
                c.StartTimer("a", "cancelled", Second);
                c.StartTimer("b", "replaced", Second);
                await gate.Task;
                c.CancelTimer("a");
                c.StartTimer("b", "new", Second);
            }
        }));
        actor.TryTell("start");
        _world.RunFor(5 * Second);
        gate.SetResult();
        _world.RunFor(5 * Second);
        _log.ShouldBe(["start", "new"]);
    }

    [Fact]
    public void Ticks_do_not_pile_up_behind_a_slow_handler()
    {
        var gate = new TaskCompletionSource();
        var actor = _system.Spawn("actor", () => new LambdaActor<string>(async (m, c, _) =>
        {
            _log.Add(m);
            if (m == "start")
            {
                c.StartTimer("t", "tick", Second, Second);
                await gate.Task;
            }
        }));
        actor.TryTell("start");
        _world.RunFor(100.5 * Second);
        gate.SetResult();
        _world.RunUntilIdle();
        _log.ShouldBe(["start", "tick"]);
    }

    [Fact]
    public void Timers_end_with_the_instance()
    {
        var actor = Spawn((m, c) =>
        {
            _log.Add(m);
            c.StartTimer("t", "tick", Second, Second);
            if (m == "crash")
            {
                throw new InvalidOperationException("crash");
            }
        });
        actor.TryTell("crash");
        _world.RunFor(10 * Second);
        _log.ShouldBe(["crash"]);
    }

    [Fact]
    public void The_receive_timeout_counts_from_the_last_message()
    {
        var actor = _system.Spawn("actor", () => new LambdaActor<string>((m, _) => _log.Add($"{m} at {_world.Time.GetTimestamp() / TimeSpan.TicksPerSecond}"))
        {
            OnStarted = c => c.SetReceiveTimeout(3 * Second, "idle"),
        });
        _world.RunFor(2 * Second);
        actor.TryTell("a");
        _world.RunFor(2 * Second);
        actor.TryTell("b");
        _world.RunFor(7 * Second);
        _log.ShouldBe(["a at 2", "b at 4", "idle at 7", "idle at 10"]);
    }

    [Fact]
    public void Piped_work_comes_back_as_a_message_whether_it_succeeds_or_fails()
    {
        var actor = Spawn((m, c) =>
        {
            _log.Add(m);
            if (m == "start")
            {
                c.PipeToSelf(Task.FromResult(1), r => $"got {r}", e => e.Message);
                c.PipeToSelf<int>(
                    async token =>
                    {
                        await Task.Delay(Second, c.Time, token);
                        throw new InvalidDataException("bad");
                    },
                    r => $"got {r}",
                    e => e.Message);
            }
        });
        actor.TryTell("start");
        _world.RunFor(2 * Second);
        _log.ShouldBe(["start", "got 1", "bad"]);
    }

    [Fact]
    public void Work_piped_by_an_instance_that_failed_is_cancelled_and_does_not_reach_the_next()
    {
        var cancelled = false;
        var actor = Spawn((m, c) =>
        {
            _log.Add(m);
            if (m == "start")
            {
                c.PipeToSelf(
                    async token =>
                    {
                        token.Register(() => cancelled = true);
                        await Task.Delay(30 * Second, c.Time, CancellationToken.None);
                        return 1;
                    },
                    r => $"got {r}",
                    e => e.Message);
            }
            else
            {
                throw new InvalidOperationException("crash");
            }
        });
        actor.TryTell("start");
        actor.TryTell("crash");
        _world.RunFor(60 * Second);
        cancelled.ShouldBeTrue();
        _log.ShouldBe(["start", "crash"]);
        _system.DeadLetters.Count(DeadLetterReason.Abandoned).ShouldBe(1);
    }

    [Fact]
    public void A_mapping_that_throws_fails_the_actor()
    {
        var actor = _system.Spawn(
            "actor",
            () => new LambdaActor<string>((_, c) => c.PipeToSelf(Task.FromResult(1), _ => throw new InvalidDataException("mapping"), e => e.Message))
            {
                OnStopped = r => _log.Add($"stopped {r}"),
            },
            new SpawnOptions { Supervision = SupervisionStrategy.Stop });
        actor.TryTell("start");
        _world.RunUntilIdle();
        _log.ShouldBe(["stopped Failed"]);
    }

    [Fact]
    public void Stashed_messages_come_before_the_mailbox_in_their_order()
    {
        var open = false;
        var actor = Spawn((m, c) =>
        {
            if (m == "open")
            {
                open = true;
                c.UnstashAll();
            }
            else if (!open)
            {
                c.Stash(m);
            }
            else
            {
                _log.Add(m);
            }
        });
        foreach (var m in new[] { "a", "b", "open", "c" })
        {
            actor.TryTell(m);
        }

        _world.RunUntilIdle();
        _log.ShouldBe(["a", "b", "c"]);
    }

    [Fact]
    public void A_full_stash_fails_the_actor_and_a_restart_unstashes()
    {
        var instances = 0;
        var actor = _system.Spawn(
            "actor",
            () =>
            {
                var instance = ++instances;
                return new LambdaActor<string>((m, c) =>
                {
                    if (instance == 1)
                    {
                        c.Stash(m);
                    }
                    else
                    {
                        _log.Add(m);
                    }
                });
            },
            new SpawnOptions { StashCapacity = 2 });
        foreach (var m in new[] { "a", "b", "over", "c" })
        {
            actor.TryTell(m);
        }

        _world.RunFor(Second);
        instances.ShouldBe(2);
        _log.ShouldBe(["a", "b", "c"]);
    }

    [Fact]
    public void The_snapshot_shows_the_tree()
    {
        var parent = Spawn((m, c) => c.Spawn(m, () => new LambdaActor<int>((_, _) => { })), "parent");
        parent.TryTell("b");
        parent.TryTell("a");
        _world.RunUntilIdle();
        var shown = _system.Snapshot().ShouldHaveSingleItem();
        shown.Path.Text.ShouldBe("/user/parent");
        (shown.State, shown.MessagesHandled, shown.MailboxDepth, shown.Type).ShouldBe((ActorState.Running, 2, 0, "LambdaActor`1"));
        shown.Children.Select(c => c.Path.Text).ShouldBe(["/user/parent/a", "/user/parent/b"]);
    }

    [Fact]
    public void One_seed_gives_one_run_and_another_seed_another()
    {
        static (ulong, string) Run(int seed)
        {
            var world = new SimulatedRuntime(seed);
            var system = new ActorSystem("test", world);
            var order = new List<string>();
            var refs = new List<IActorRef<int>>();
            foreach (var name in new[] { "a", "b", "c" })
            {
                refs.Add(system.Spawn(name, () => new LambdaActor<int>(async (m, c, _) =>
                {
                    order.Add(name + m);
                    await Task.Delay(TimeSpan.FromMilliseconds(c.Random.Next(5)), c.Time, CancellationToken.None);
                    if (m > 0)
                    {
                        refs[c.Random.Next(3)].TryTell(m - 1);
                    }
                })));
            }

            refs.ForEach(r => r.TryTell(20));
            world.RunFor(Second);
            return (world.TraceHash, string.Join(' ', order));
        }

        Run(7).ShouldBe(Run(7));
        Run(7).Item1.ShouldNotBe(Run(8).Item1);
        Run(7).Item2.ShouldNotBe(Run(8).Item2);
    }

    private IActorRef<string> Spawn(Action<string, IActorContext<string>> receive, string name = "actor") =>
        _system.Spawn(name, () => new LambdaActor<string>(receive));
}
