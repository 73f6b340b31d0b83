using FsCheck;
using FsCheck.Fluent;
using RagCluster.Kernel.Mailboxes;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Actors;

public class MailboxTests
{
    private enum Step
    {
        Post,
        PostAsync,
        CancelOldest,
        Take,
        Release,
        Rest,
    }

    /// <summary>One thread, any sequence of calls, against a plain queue with a list of waiting senders.</summary>
    [Fact]
    public void A_mailbox_behaves_as_a_bounded_queue_with_waiting_senders()
    {
        int full = 0, waited = 0, cancelled = 0;
        var steps = Gen.Elements(Enum.GetValues<Step>()).ListOf();
        var cases = from capacity in Gen.Choose(1, 4) from list in steps select (capacity, list);
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(500).WithEndSize(200),
            Prop.ForAll(cases.ToArbitrary(), c => Agrees(c.capacity, c.list)));

        // The generator must reach the interesting states, or this test says nothing.
        (full, waited, cancelled).ShouldBeGreaterThan((500, 500, 100));

        void Agrees(int capacity, IEnumerable<Step> steps)
        {
            var world = new SimulatedRuntime(0);
            var mailbox = new Mailbox<int>(capacity, scheduled: true);
            var scheduled = true;
            var inside = new Queue<int>();
            var waiting = new List<(int Item, CancellationTokenSource Cancel, ValueTask<bool> Outcome)>();
            var next = 0;
            var taken = 0;
            foreach (var step in steps)
            {
                switch (step)
                {
                    case Step.Post:
                        var room = waiting.Count == 0 && inside.Count + taken < capacity;
                        full += room ? 0 : 1;
                        mailbox.Post(next).ShouldBe(!room ? PostResult.Full : scheduled ? PostResult.Queued : PostResult.QueuedWake);
                        if (room)
                        {
                            inside.Enqueue(next);
                            scheduled = true;
                        }

                        next++;
                        break;
                    case Step.PostAsync:
                        var enters = waiting.Count == 0 && inside.Count + taken < capacity;
                        var cancel = new CancellationTokenSource();
                        var outcome = mailbox.PostAsync(next, world, cancel.Token, out var wake);
                        outcome.IsCompleted.ShouldBe(enters);
                        wake.ShouldBe(enters && !scheduled);
                        if (enters)
                        {
                            inside.Enqueue(next);
                            scheduled = true;
                        }
                        else
                        {
                            waited++;
                            waiting.Add((next, cancel, outcome));
                        }

                        next++;
                        break;
                    case Step.CancelOldest when waiting.Count > 0:
                        cancelled++;
                        waiting[0].Cancel.Cancel();
                        world.RunUntilIdle();
                        waiting[0].Outcome.IsCanceled.ShouldBeTrue();
                        waiting.RemoveAt(0);
                        if (waiting.Count == 0 && inside.Count + taken >= capacity)
                        {
                            mailbox.Post(-1).ShouldBe(PostResult.Full);
                        }

                        break;
                    case Step.Take when scheduled:
                        mailbox.TryTake(out var item).ShouldBe(inside.Count > 0);
                        if (inside.TryDequeue(out var expected))
                        {
                            item.ShouldBe(expected);
                            taken++;
                        }

                        break;
                    case Step.Release when scheduled:
                        Release();
                        break;
                    case Step.Rest when scheduled:
                        Release();
                        mailbox.TryRest().ShouldBe(inside.Count == 0);
                        scheduled = inside.Count > 0;
                        break;
                }

                mailbox.Count.ShouldBe(inside.Count + taken);
            }

            void Release()
            {
                mailbox.Release();
                taken = 0;
                while (waiting.Count > 0 && inside.Count < capacity)
                {
                    world.RunUntilIdle();
                    waiting[0].Outcome.IsCompletedSuccessfully.ShouldBeTrue();
                    inside.Enqueue(waiting[0].Item);
                    waiting.RemoveAt(0);
                }
            }
        }
    }

    /// <summary>
    /// The wake-up that gets lost between "enqueue" and "nobody is scheduled" needs several cores and many tries: a
    /// simulator cannot see it. Small mailboxes fill and empty all the time, so every race is run often.
    /// </summary>
    [Theory]
    [InlineData(1, 40_000)]
    [InlineData(3, 150_000)]
    [InlineData(1024, 500_000)]
    public async Task Several_senders_lose_no_message_no_wake_up_and_no_order(int capacity, int perSender)
    {
        const int Senders = 4;
        var system = new ActorSystem("stress", SystemRuntime.Instance);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var last = new int[Senders];
        var inside = 0;
        long handled = 0;
        var actor = system.Spawn(
            "counter",
            () => new LambdaActor<(int Sender, int Number)>((m, _) =>
            {
                if (Interlocked.Increment(ref inside) != 1 || m.Number != ++last[m.Sender])
                {
                    done.TrySetException(new InvalidOperationException($"Sender {m.Sender}: {m.Number} came when {last[m.Sender]} was due, or two turns at once."));
                }

                Interlocked.Decrement(ref inside);
                if (++handled == (long)Senders * perSender)
                {
                    done.TrySetResult();
                }
            }),
            new SpawnOptions { MailboxCapacity = capacity, Throughput = 16 });
        var senders = Enumerable.Range(0, Senders).Select(sender => Task.Run(async () =>
        {
            for (var i = 1; i <= perSender; i++)
            {
                // Half of the senders try first, so that both ways in race each other.
                if (sender % 2 == 0 || !actor.TryTell((sender, i)))
                {
                    await actor.TellAsync((sender, i));
                }
            }
        })).ToArray();
        await done.Task.WaitAsync(Retry.Patience);
        await Task.WhenAll(senders);
        (await system.TerminateAsync(Retry.Patience)).ShouldBeEmpty();
        system.DeadLetters.Total.ShouldBe(0);
    }

    /// <summary>Every message ends somewhere: handled, or in the dead letters.</summary>
    [Fact]
    public async Task A_stop_in_the_middle_of_the_traffic_loses_count_of_nothing()
    {
        var system = new ActorSystem("stress", SystemRuntime.Instance, new ActorSystemOptions { DeadLettersKept = 0, DeadLetterLogsPerSecond = 0 });
        for (var round = 0; round < 200; round++)
        {
            const int Senders = 3;
            const int PerSender = 200;
            long handled = 0;
            var before = system.DeadLetters.Total;
            var actor = system.Spawn("actor", () => new LambdaActor<int>((_, _) => handled++), new SpawnOptions { MailboxCapacity = 8 });
            var senders = Enumerable.Range(0, Senders).Select(sender => Task.Run(async () =>
            {
                for (var i = 0; i < PerSender; i++)
                {
                    await actor.TellAsync(i);
                    if (sender == 0 && i == PerSender / 2)
                    {
                        ActorSystem.Stop(actor);
                    }
                }
            })).ToArray();
            await Task.WhenAll(senders).WaitAsync(Retry.Patience);
            await system.StopAsync(actor).WaitAsync(Retry.Patience);
            (Interlocked.Read(ref handled) + system.DeadLetters.Total - before).ShouldBe(Senders * PerSender, $"round {round}");
        }
    }

    /// <summary>Asks from several threads at once, with timers behind them: every one is answered, by its own answer.</summary>
    [Fact]
    public async Task Concurrent_asks_get_each_its_own_answer()
    {
        var system = new ActorSystem("stress", SystemRuntime.Instance);
        var doubler = system.Spawn("doubler", () => new LambdaActor<AskTests.Double>((m, _) => m.Reply.TryTell(m.Value * 2)), new SpawnOptions { MailboxCapacity = 2 });
        var askers = Enumerable.Range(0, 8).Select(asker => Task.Run(async () =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                (await doubler.AskAsync<AskTests.Double, int>(r => new(i + asker, r), Retry.Patience)).ShouldBe((i + asker) * 2);
            }
        })).ToArray();
        await Task.WhenAll(askers).WaitAsync(Retry.Patience);
        system.DeadLetters.Total.ShouldBe(0);
    }
}
