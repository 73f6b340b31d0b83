using RagCluster.Kernel.DeadLetters;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Actors;

public class AskTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);
    private readonly SimulatedRuntime _world = new(seed: 2);
    private readonly ActorSystem _system;

    public AskTests() => _system = new ActorSystem("test", _world);

    [Fact]
    public void An_answer_comes_back()
    {
        var doubler = _system.Spawn("doubler", () => new LambdaActor<Double>((m, _) => m.Reply.TryTell(m.Value * 2)));
        _world.Run(() => doubler.AskAsync<Double, int>(r => new(21, r), Timeout).AsTask()).ShouldBe(42);
    }

    [Fact]
    public void Without_an_answer_the_ask_ends_at_its_deadline_and_a_late_answer_is_a_dead_letter()
    {
        IActorRef<int>? reply = null;
        var silent = _system.Spawn("silent", () => new LambdaActor<Double>((m, _) => reply = m.Reply));
        var asked = _world.Call(() => silent.AskAsync<Double, int>(r => new(1, r), Timeout).AsTask());
        _world.RunFor(Timeout - TimeSpan.FromMilliseconds(1));
        asked.IsCompleted.ShouldBeFalse();
        _world.RunFor(TimeSpan.FromMilliseconds(1));
        asked.Exception!.InnerException.ShouldBeOfType<TimeoutException>().Message.ShouldContain("/user/silent");

        reply!.TryTell(2).ShouldBeFalse();
        _system.DeadLetters.Count(DeadLetterReason.LateReply).ShouldBe(1);
    }

    [Fact]
    public void A_second_answer_is_a_dead_letter()
    {
        var twice = _system.Spawn("twice", () => new LambdaActor<Double>((m, _) =>
        {
            m.Reply.TryTell(1);
            m.Reply.TryTell(2);
        }));
        _world.Run(() => twice.AskAsync<Double, int>(r => new(1, r), Timeout).AsTask()).ShouldBe(1);
        _system.DeadLetters.Count(DeadLetterReason.LateReply).ShouldBe(1);
    }

    [Fact]
    public void Asks_of_different_deadlines_end_each_at_its_own()
    {
        var silent = _system.Spawn("silent", () => new LambdaActor<Double>((_, _) => { }));
        var seconds = new[] { 7, 3, 9, 1 };
        var asked = _world.Call(() => seconds.Select(s => silent.AskAsync<Double, int>(r => new(1, r), TimeSpan.FromSeconds(s)).AsTask()).ToArray());
        for (var now = 1; now <= 10; now++)
        {
            _world.RunFor(TimeSpan.FromSeconds(1));
            asked.Select(a => a.IsFaulted).ShouldBe(seconds.Select(s => s <= now), $"after {now} s");
        }
    }

    [Fact]
    public void Asking_a_stopped_actor_fails_at_once()
    {
        var actor = _system.Spawn("gone", () => new LambdaActor<Double>((_, _) => { }));
        _world.RunToEnd(() => _system.StopAsync(actor));
        Should.Throw<ActorStoppedException>(() => _world.Run(() => actor.AskAsync<Double, int>(r => new(1, r), Timeout).AsTask()));
        _world.Time.GetUtcNow().ShouldBe(new ManualTime().GetUtcNow());
    }

    [Fact]
    public void A_cancelled_ask_ends()
    {
        var silent = _system.Spawn("silent", () => new LambdaActor<Double>((_, _) => { }));
        using var cancel = new CancellationTokenSource();
        var asked = _world.Call(() => silent.AskAsync<Double, int>(r => new(1, r), Timeout, cancel.Token).AsTask());
        _world.Call(() =>
        {
            cancel.Cancel();
            return true;
        });
        _world.RunUntilIdle();
        asked.IsCanceled.ShouldBeTrue();
    }

    [Fact]
    public void An_ask_waits_for_room_and_withdraws_its_request_at_the_deadline()
    {
        var gate = new TaskCompletionSource();
        var handled = new List<int>();
        var slow = _system.Spawn(
            "slow",
            () => new LambdaActor<Double>(async (m, _, _) =>
            {
                await gate.Task;
                handled.Add(m.Value);
                m.Reply.TryTell(m.Value);
            }),
            new SpawnOptions { MailboxCapacity = 1 });
        Task<int> Ask(int value, int seconds) => slow.AskAsync<Double, int>(r => new(value, r), TimeSpan.FromSeconds(seconds)).AsTask();
        var asked = _world.Call(() => new[] { Ask(0, 60) });
        _world.RunUntilIdle();
        asked = [.. asked, .. _world.Call(() => new[] { Ask(1, 60), Ask(2, 1), Ask(3, 60) })];
        _world.RunFor(TimeSpan.FromSeconds(2));
        asked[2].IsFaulted.ShouldBeTrue();
        gate.SetResult();
        _world.RunUntilIdle();
        handled.ShouldBe([0, 1, 3]);
        asked[3].IsCompletedSuccessfully.ShouldBeTrue();
    }

    internal sealed record Double(int Value, IActorRef<int> Reply);
}
