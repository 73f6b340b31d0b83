using FsCheck;
using FsCheck.Fluent;
using RagCluster.Inference.Capacity;

namespace RagCluster.Inference.Tests.Capacity;

public class WindowTests
{
    [Fact]
    public void Whatever_it_is_told_a_window_stays_between_one_and_its_limit()
    {
        var (atLimit, below) = (0, 0);
        var steps = Gen.ListOf(Gen.Choose(0, 9).SelectMany(kind => Gen.Choose(1, 2000).Select(ms => (kind, ms))));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500).WithEndSize(300), Prop.ForAll(steps.ToArbitrary(), Gen.Choose(1, 32).ToArbitrary(), (told, limit) =>
        {
            var window = new AimdWindow(limit, new WindowOptions());
            window.Limit.ShouldBe(limit);
            var now = TimeSpan.Zero;
            foreach (var (kind, ms) in told)
            {
                now += TimeSpan.FromMilliseconds(ms / 4.0);
                if (kind == 0)
                {
                    window.Overloaded(now);
                }
                else
                {
                    window.Answered(TimeSpan.FromMilliseconds(kind < 5 ? 50 : ms), kind % 2 == 0 ? window.Limit : 1, now);
                }

                window.Limit.ShouldBeInRange(1, limit);
                _ = window.Limit == limit ? atLimit++ : below++;
            }
        }));
        atLimit.ShouldBeGreaterThan(1000);
        below.ShouldBeGreaterThan(1000);
    }

    [Fact]
    public void An_overload_counts_once_for_all_that_was_sent_before_it()
    {
        var window = new AimdWindow(100, new WindowOptions { Decrease = 0.5 });
        for (var i = 0; i < 20; i++)
        {
            window.Overloaded(TimeSpan.FromMilliseconds(i));
        }

        window.Limit.ShouldBe(50);
    }

    /// <summary>
    /// Why it is AIMD: docs/decisions/0015. Both see the same server, whose time to the first token grows as soon as more
    /// than <paramref name="bears"/> answers are written at once.
    /// </summary>
    [Theory]
    [InlineData(6)]
    [InlineData(12)]
    [InlineData(24)]
    public void The_window_finds_what_the_server_bears_where_a_gradient_stays_apart_from_it(int bears)
    {
        var aimd = Run(new AimdWindow(32, new WindowOptions()), bears, static (w, latency, inFlight, now) => w.Answered(latency, inFlight, now), static w => w.Limit);
        var gradient = Run(new GradientWindow(32), bears, static (w, latency, inFlight, _) => w.Answered(latency, inFlight), static w => w.Limit);
        TestContext.Current.SendDiagnosticMessage($"bears {bears}: AIMD {aimd}; gradient {gradient}");

        aimd.Throughput.ShouldBeGreaterThan(0.93 * aimd.Perfect);
        aimd.FirstTokenP50Ms.ShouldBeLessThan(gradient.FirstTokenP50Ms);
        aimd.MeanWindow.ShouldBeInRange(bears, 1.25 * bears);
    }

    private sealed record Outcome(double Throughput, double Perfect, double FirstTokenP50Ms, double FirstTokenP99Ms, double MeanWindow);

    /// <summary>A server in virtual time: 40 ms to read a prompt, 600 ms to write, as long as it bears it; what comes beyond waits inside of it.</summary>
    private static Outcome Run<TWindow>(TWindow window, int bears, Action<TWindow, TimeSpan, int, TimeSpan> answered, Func<TWindow, int> limit)
    {
        const double Read = 40;
        const double Write = 600;
        const double End = 120_000;
        var random = new Random(11);
        var events = new PriorityQueue<(double Sent, bool IsFirstToken), double>();
        var places = new PriorityQueue<double, double>(Enumerable.Range(0, bears).Select(_ => (0d, 0d)));
        var firsts = new List<double>();
        var (inFlight, done, windows) = (0, 0, 0d);
        var now = 0d;
        while (now < End)
        {
            // There is always more to do than may be sent.
            while (inFlight < limit(window))
            {
                inFlight++;
                var begins = Math.Max(now, places.Dequeue());
                var first = begins + (Read * (0.8 + (random.NextDouble() * 0.4)));
                var end = first + (Write * (0.5 + random.NextDouble()));
                places.Enqueue(end, end);
                events.Enqueue((now, true), first);
                events.Enqueue((now, false), end);
            }

            events.TryDequeue(out var next, out now);
            if (next.IsFirstToken)
            {
                firsts.Add(now - next.Sent);
                answered(window, TimeSpan.FromMilliseconds(now - next.Sent), inFlight, TimeSpan.FromMilliseconds(now));
                windows += limit(window);
            }
            else
            {
                inFlight--;
                done++;
            }
        }

        firsts.Sort();
        return new Outcome(done / (End / 1000), bears / ((Read + Write) / 1000), firsts[firsts.Count / 2], firsts[firsts.Count * 99 / 100], windows / firsts.Count);
    }

    /// <summary>
    /// The way not taken: the window follows the ratio of the long-term to the present latency, with a square root of
    /// itself as room (Gradient2 of Netflix's concurrency-limits).
    /// </summary>
    private sealed class GradientWindow(int limit)
    {
        private double _window = limit;
        private double? _long;

        public int Limit => (int)_window;

        public void Answered(TimeSpan latency, int inFlight)
        {
            var present = latency.TotalMilliseconds;
            _long = _long is { } known ? known + ((present - known) / 600) : present;
            if (_long / present > 2)
            {
                _long *= 0.95;
            }

            if (inFlight < _window / 2)
            {
                return;
            }

            var gradient = Math.Clamp(1.5 * _long.Value / present, 0.5, 1);
            var next = (_window * gradient) + Math.Sqrt(_window);
            _window = Math.Clamp((_window * 0.8) + (next * 0.2), 1, limit);
        }
    }
}
