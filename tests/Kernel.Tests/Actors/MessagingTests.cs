using RagCluster.Kernel.DeadLetters;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Actors;

public class MessagingTests
{
    private readonly SimulatedRuntime _world = new(seed: 1);
    private readonly ActorSystem _system;

    public MessagingTests() => _system = new ActorSystem("test", _world);

    [Fact]
    public void Messages_of_one_sender_arrive_in_order()
    {
        var probe = new TestProbe<int>(_system);
        for (var i = 0; i < 1000; i++)
        {
            probe.Ref.TryTell(i).ShouldBeTrue();
        }

        _world.RunUntilIdle();
        probe.TakeAll().ShouldBe(Enumerable.Range(0, 1000));
    }

    [Fact]
    public void An_await_in_a_handler_does_not_let_the_next_message_in()
    {
        var gate = new TaskCompletionSource();
        var seen = new List<string>();
        var actor = _system.Spawn("slow", () => new LambdaActor<int>(async (message, _, _) =>
        {
            seen.Add($"begin {message}");
            if (message == 1)
            {
                await gate.Task;
            }

            seen.Add($"end {message}");
        }));
        actor.TryTell(1);
        actor.TryTell(2);
        _world.RunUntilIdle();
        seen.ShouldBe(["begin 1"]);

        gate.SetResult();
        _world.RunUntilIdle();
        seen.ShouldBe(["begin 1", "end 1", "begin 2", "end 2"]);
    }

    [Fact]
    public void A_full_mailbox_refuses_TryTell_and_holds_TellAsync_first_come_first_served()
    {
        var gate = new TaskCompletionSource();
        var seen = new List<int>();
        var actor = _system.Spawn(
            "small",
            () => new LambdaActor<int>(async (message, _, _) =>
            {
                await gate.Task;
                seen.Add(message);
            }),
            new SpawnOptions { MailboxCapacity = 2 });
        actor.TryTell(0);
        _world.RunUntilIdle();
        actor.TryTell(1).ShouldBeTrue();
        actor.TryTell(2).ShouldBeTrue();
        actor.TryTell(99).ShouldBeFalse();

        var waiting = _world.Call(() => Enumerable.Range(3, 3).Select(i => actor.TellAsync(i).AsTask()).ToList());
        waiting.ShouldAllBe(t => !t.IsCompleted);
        gate.SetResult();
        _world.RunUntilIdle();
        waiting.ShouldAllBe(t => t.IsCompletedSuccessfully);
        seen.ShouldBe([0, 1, 2, 3, 4, 5]);
    }

    [Fact]
    public void A_cancelled_TellAsync_is_not_delivered_and_lets_the_others_pass()
    {
        var gate = new TaskCompletionSource();
        var seen = new List<int>();
        var actor = _system.Spawn(
            "small",
            () => new LambdaActor<int>(async (message, _, _) =>
            {
                await gate.Task;
                seen.Add(message);
            }),
            new SpawnOptions { MailboxCapacity = 1 });
        actor.TryTell(0);
        _world.RunUntilIdle();
        actor.TryTell(1);
        using var cancel = new CancellationTokenSource();
        var given = _world.Call(() => actor.TellAsync(2, cancel.Token).AsTask());
        var kept = _world.Call(() => actor.TellAsync(3).AsTask());
        cancel.Cancel();
        _world.RunUntilIdle();
        given.IsCanceled.ShouldBeTrue();

        gate.SetResult();
        _world.RunUntilIdle();
        kept.IsCompletedSuccessfully.ShouldBeTrue();
        seen.ShouldBe([0, 1, 3]);
    }

    [Fact]
    public void A_message_to_a_stopped_actor_is_a_dead_letter_of_known_type()
    {
        var actor = _system.Spawn("gone", () => new LambdaActor<string>((_, _) => { }));
        _world.RunToEnd(() => _system.StopAsync(actor));
        var seen = new List<DeadLetter>();
        using (_system.DeadLetters.Subscribe(seen.Add))
        {
            actor.TryTell("hello").ShouldBeFalse();
            actor.TellAsync("hello").AsTask().IsCompletedSuccessfully.ShouldBeTrue();
        }

        actor.TryTell("unseen");
        _system.DeadLetters.Count(DeadLetterReason.Stopped).ShouldBe(3);
        _system.DeadLetters.Total.ShouldBe(3);
        seen.Count.ShouldBe(2);
        seen[0].ShouldBe(new DeadLetter(actor.Path, "String", DeadLetterReason.Stopped, _world.Time.GetUtcNow()));
    }

    [Fact]
    public void What_is_left_in_the_mailbox_at_the_stop_is_counted()
    {
        var actor = _system.Spawn("busy", () => new LambdaActor<string>((message, context) =>
        {
            if (message == "stop")
            {
                context.Stop();
            }
        }));
        foreach (var message in new[] { "stop", "a", "b" })
        {
            actor.TryTell(message);
        }

        _world.RunUntilIdle();
        _system.DeadLetters.Count(DeadLetterReason.Abandoned).ShouldBe(2);
    }

    [Fact]
    public void The_last_dead_letters_are_kept_and_no_more()
    {
        var system = new ActorSystem("few", _world, new ActorSystemOptions { DeadLettersKept = 2 });
        var actor = system.Spawn("gone", () => new LambdaActor<object>((_, _) => { }));
        _world.RunToEnd(() => system.StopAsync(actor));
        foreach (var message in new object[] { 1, "two", 3.0 })
        {
            actor.TryTell(message);
        }

        system.DeadLetters.Last().Select(l => l.MessageType).ShouldBe(["String", "Double"]);
        system.DeadLetters.Total.ShouldBe(3);
    }

    [Fact]
    public void A_busy_actor_gives_way_after_its_share()
    {
        // Whoever is first is the seed's choice; over many seeds the other must never wait for the busy one's end.
        var last = Enumerable.Range(0, 30).Max(seed =>
        {
            var world = new SimulatedRuntime(seed);
            var system = new ActorSystem("test", world);
            var order = new List<string>();
            SpawnOptions options = new() { Throughput = 10 };
            var busy = system.Spawn("busy", () => new LambdaActor<int>((_, _) => order.Add("busy")), options);
            for (var i = 0; i < 500; i++)
            {
                busy.TryTell(i);
            }

            var other = system.Spawn("other", () => new LambdaActor<int>((_, _) => order.Add("other")), options);
            other.TryTell(1);
            world.RunUntilIdle();
            order.Count.ShouldBe(501);
            return order.IndexOf("other");
        });
        last.ShouldBeInRange(10, 300);
    }
}
