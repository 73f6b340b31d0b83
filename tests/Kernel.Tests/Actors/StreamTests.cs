using RagCluster.Kernel.Streams;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Actors;

public class StreamTests
{
    private readonly SimulatedRuntime _world = new(seed: 4);
    private readonly ActorSystem _system;

    public StreamTests() => _system = new ActorSystem("test", _world);

    [Fact]
    public void Items_arrive_in_order_and_then_the_end()
    {
        var counter = Counter();
        _world.Run(() => ReadAll(counter, 1000)).ShouldBe(Enumerable.Range(0, 1000));
    }

    [Fact]
    public void The_producer_is_never_further_ahead_than_the_window()
    {
        var written = 0;
        var counter = Counter(_ => written++);
        _world.RunToEnd(async () =>
        {
            var read = 0;
            await foreach (var item in counter.StreamAsync<Count, int>(w => new(100, w), new StreamOptions { Window = 5 }))
            {
                read++;
                await Task.Delay(TimeSpan.FromSeconds(1), _world.Time);
                (written - read).ShouldBeInRange(0, 5);
            }

            read.ShouldBe(100);
        });
    }

    [Fact]
    public void Without_credit_TryWrite_says_no()
    {
        IStreamWriter<int>? writer = null;
        var actor = _system.Spawn("actor", () => new LambdaActor<Count>((m, _) => writer = m.To));
        _world.RunToEnd(async () =>
        {
            await using var items = actor.StreamAsync<Count, int>(w => new(0, w), new StreamOptions { Window = 2 }).GetAsyncEnumerator();
            var first = items.MoveNextAsync().AsTask();
            await Task.Delay(TimeSpan.FromMilliseconds(1), _world.Time);
            writer!.TryWrite(1).ShouldBeTrue();
            writer.TryWrite(2).ShouldBeTrue();
            (await first).ShouldBeTrue();
            writer.TryWrite(3).ShouldBeTrue();
            writer.TryWrite(4).ShouldBeFalse();
            (await items.MoveNextAsync()).ShouldBeTrue();
            writer.TryWrite(4).ShouldBeTrue();
            writer.Complete();
            writer.TryWrite(5).ShouldBeFalse();
            (await items.MoveNextAsync()).ShouldBeTrue();
            (await items.MoveNextAsync()).ShouldBeTrue();
            items.Current.ShouldBe(4);
            (await items.MoveNextAsync()).ShouldBeFalse();
        });
    }

    [Fact]
    public void A_reader_that_leaves_is_noticed_by_a_waiting_writer()
    {
        var outcomes = new List<bool>();
        var gone = false;
        var counter = Counter(outcomes.Add, writer => writer.ReaderGone.Register(() => gone = true));
        _world.RunToEnd(async () =>
        {
            await foreach (var item in counter.StreamAsync<Count, int>(w => new(1000, w), new StreamOptions { Window = 3 }))
            {
                if (item == 10)
                {
                    break;
                }
            }
        });
        _world.RunUntilIdle();
        gone.ShouldBeTrue();
        outcomes.Count(written => !written).ShouldBe(1);
        outcomes.Count.ShouldBeLessThan(20);
    }

    [Fact]
    public void A_cancelled_reading_ends_and_tells_the_producer()
    {
        IStreamWriter<int>? writer = null;
        var actor = _system.Spawn("actor", () => new LambdaActor<Count>((m, _) => writer = m.To));
        _world.RunToEnd(async () =>
        {
            using var cancel = new CancellationTokenSource(TimeSpan.FromSeconds(5), _world.Time);
            await Cancelled(() => ReadAll(actor, 1, cancellationToken: cancel.Token));
        });
        _world.RunUntilIdle();
        writer!.ReaderGone.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public void A_failed_stream_gives_what_was_written_and_then_the_failure()
    {
        var actor = _system.Spawn("actor", () => new LambdaActor<Count>((m, _) =>
        {
            m.To.TryWrite(1);
            m.To.TryWrite(2);
            m.To.Fail(new InvalidDataException("garbage"));
        }));
        var seen = new List<int>();
        var failure = Should.Throw<StreamFailedException>(() => _world.Run(() => ReadAll(actor, 1, seen)));
        seen.ShouldBe([1, 2]);
        failure.InnerException.ShouldBeOfType<InvalidDataException>();
    }

    [Fact]
    public void A_producer_that_stops_or_is_silent_does_not_leave_the_reader_hanging()
    {
        var actor = _system.Spawn("actor", () => new LambdaActor<Count>((m, c) =>
        {
            m.To.TryWrite(1);
            if (m.Upto == 1)
            {
                c.Stop();
            }
        }));
        Should.Throw<TimeoutException>(() => _world.Run(() => ReadAll(actor, 2))).Message.ShouldContain("/user/actor");
        var seen = new List<int>();
        Should.Throw<ActorStoppedException>(() => _world.Run(() => ReadAll(actor, 1, seen)));
        seen.ShouldBe([1]);
        Should.Throw<ActorStoppedException>(() => _world.Run(() => ReadAll(actor, 1)));
    }

    [Fact]
    public void A_write_that_is_cancelled_while_it_waits_is_not_written()
    {
        IStreamWriter<int>? writer = null;
        var actor = _system.Spawn("actor", () => new LambdaActor<Count>((m, _) => writer = m.To));
        _world.RunToEnd(async () =>
        {
            var reading = actor.StreamAsync<Count, int>(w => new(0, w), new StreamOptions { Window = 1 }).GetAsyncEnumerator();
            var first = reading.MoveNextAsync().AsTask();
            await Task.Delay(TimeSpan.FromMilliseconds(1), _world.Time);
            using var cancel = new CancellationTokenSource();
            (await writer!.WriteAsync(1)).ShouldBeTrue();
            (await first).ShouldBeTrue();
            (await writer.WriteAsync(2)).ShouldBeTrue();
            var given = writer.WriteAsync(3, cancel.Token).AsTask();
            var kept = writer.WriteAsync(4).AsTask();
            cancel.Cancel();
            await Cancelled(() => given);
            (await reading.MoveNextAsync()).ShouldBeTrue();
            (await kept).ShouldBeTrue();
            (await reading.MoveNextAsync()).ShouldBeTrue();
            reading.Current.ShouldBe(4);
            await reading.DisposeAsync();
        });
    }

    internal sealed record Count(int Upto, IStreamWriter<int> To);

    /// <remarks>An assertion library's own version continues on the thread pool, out of the simulation.</remarks>
    private static async Task Cancelled(Func<Task> code)
    {
        var cancelled = false;
        try
        {
            await code();
        }
        catch (OperationCanceledException)
        {
            cancelled = true;
        }

        cancelled.ShouldBeTrue();
    }

    private static async Task<List<int>> ReadAll(IActorRef<Count> actor, int upto, List<int>? into = null, CancellationToken cancellationToken = default)
    {
        into ??= [];
        await foreach (var item in actor.StreamAsync<Count, int>(w => new(upto, w), cancellationToken: cancellationToken))
        {
            into.Add(item);
        }

        return into;
    }

    private IActorRef<Count> Counter(Action<bool>? wrote = null, Action<IStreamWriter<int>>? started = null) =>
        _system.Spawn("counter", () => new LambdaActor<Count>(async (m, _, token) =>
        {
            started?.Invoke(m.To);
            for (var i = 0; i < m.Upto; i++)
            {
                var written = await m.To.WriteAsync(i, token);
                wrote?.Invoke(written);
                if (!written)
                {
                    return;
                }
            }

            m.To.Complete();
        }));
}
