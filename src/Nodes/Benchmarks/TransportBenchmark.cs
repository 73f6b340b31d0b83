using System.Buffers;
using System.Diagnostics;
using RagCluster.Kernel;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>How large the transport benchmark is.</summary>
internal sealed record TransportBenchmarkOptions
{
    /// <summary>Messages streamed in a round.</summary>
    public int Messages { get; init; } = 3_000_000;

    public int MessageBytes { get; init; } = 100;

    /// <summary>Messages sent forth and back, one at a time.</summary>
    public int RoundTrips { get; init; } = 20_000;

    public int Rounds { get; init; } = 3;
}

/// <summary>Two nodes' transports over loopback, both in this process: what a message between nodes costs in itself.</summary>
internal sealed class TransportBenchmark(TransportBenchmarkOptions options, Recorder recorder)
{
    private const int LargeBytes = 1 << 20;
    private const int LargeMessages = 500;

    private static readonly Quantity Streamed = Quantity.AtLeast(1e6, "stream", "messages/s", "small messages, one sender, one way");
    private static readonly Quantity TripMedian = Quantity.AtMost(60, "roundTripP50", "us", "there and back, one at a time, median");
    private static readonly Quantity TripTail = new("roundTripP99", "us", "there and back, one at a time, p99");
    private static readonly Quantity Large = new("large", "MiB/s", "messages of 1 MiB, bulk lane");
    private static readonly Quantity BesideMedian = new("besideLargeP50", "us", "there and back beside those, median");
    private static readonly Quantity BesideTail = new("besideLargeP99", "us", "there and back beside those, p99");

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        recorder.Setting("messages", $"{options.Messages}");
        recorder.Setting("message bytes", $"{options.MessageBytes}");
        for (var round = 0; round <= options.Rounds; round++)
        {
            recorder.Say(round == 0 ? "warming up" : $"round {round} of {options.Rounds}");
            await RoundAsync(round == 0 ? new Recorder(TextWriter.Null) : recorder, cancellationToken);
        }
    }

    private async Task RoundAsync(Recorder target, CancellationToken cancellationToken)
    {
        await using var a = new End("a");
        await using var b = new End("b");
        await a.StartAsync(b, cancellationToken);
        await b.StartAsync(a, cancellationToken);
        target.Add(Streamed, await StreamAsync(a, b, cancellationToken));
        target.AddQuantiles(TripMedian, TripTail, 0.99, await RoundTripsAsync(a, options.RoundTrips, cancellationToken));

        var watch = Stopwatch.StartNew();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var beside = Task.Run(() => RoundTripsAsync(a, int.MaxValue, enough.Token), cancellationToken);
        await b.ReceivesAsync(LargeMessages, LargeBytes, () => SendAsync(a, LargeMessages, new Bulk(new byte[LargeBytes]), cancellationToken), cancellationToken);
        target.Add(Large, LargeMessages / watch.Elapsed.TotalSeconds);
        await enough.CancelAsync();
        target.AddQuantiles(BesideMedian, BesideTail, 0.99, await beside);
    }

    private async Task<double> StreamAsync(End from, End to, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        await to.ReceivesAsync(
            options.Messages,
            options.MessageBytes,
            () => Task.Run(() => SendAsync(from, options.Messages, new Small(new byte[options.MessageBytes]), cancellationToken), cancellationToken),
            cancellationToken);
        return options.Messages / watch.Elapsed.TotalSeconds;
    }

    private static async Task SendAsync<TMessage>(End from, int count, TMessage message, CancellationToken cancellationToken)
        where TMessage : IWireMessage
    {
        for (var i = 0; i < count; i++)
        {
            await from.Transport.SendAsync(from.Other, message, cancellationToken);
        }
    }

    /// <summary>In microseconds each; as many as there is time for.</summary>
    private static async Task<double[]> RoundTripsAsync(End from, int count, CancellationToken cancellationToken)
    {
        var trips = new List<double>(Math.Min(count, 1 << 16));
        try
        {
            while (trips.Count < count)
            {
                var start = Stopwatch.GetTimestamp();
                await from.AskAsync(cancellationToken);
                trips.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            }
        }
        catch (OperationCanceledException) when (count == int.MaxValue)
        {
            // That was the time.
        }

        return [.. trips];
    }

    private readonly struct Small(byte[] bytes) : IWireMessage
    {
        public void WriteTo(IBufferWriter<byte> output) => output.Write(bytes);
    }

    private readonly struct Bulk(byte[] bytes) : IWireMessage
    {
        public static WireLane Lane => WireLane.Bulk;

        public void WriteTo(IBufferWriter<byte> output) => output.Write(bytes);
    }

    /// <summary>One byte: 1 asks, 2 answers.</summary>
    private readonly struct Trip(byte kind) : IWireMessage
    {
        public void WriteTo(IBufferWriter<byte> output)
        {
            output.GetSpan(1)[0] = kind;
            output.Advance(1);
        }
    }

    private sealed class End : ITransportHandler, IAsyncDisposable
    {
        private readonly NodeIncarnation _self;
        private TaskCompletionSource _answer = new();
        private TaskCompletionSource _all = new();
        private int _expected;
        private int _bytes;

        public End(string name)
        {
            _self = new NodeIncarnation(name, 1);
            Transport = new TcpTransport(
                new TcpTransportOptions { Cluster = "bench", Address = "127.0.0.1:0", Secret = "for the length of a benchmark" },
                SystemRuntime.Instance);
        }

        public TcpTransport Transport { get; }

        public Peer Other { get; private set; }

        public ValueTask StartAsync(End other, CancellationToken cancellationToken)
        {
            Other = new Peer(other._self, other.Transport.Address);
            return Transport.StartAsync(_self, this, cancellationToken);
        }

        public async Task ReceivesAsync(int count, int bytes, Func<Task> send, CancellationToken cancellationToken)
        {
            (_expected, _bytes) = (count, bytes);
            _all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await send();
            await _all.Task.WaitAsync(cancellationToken);
        }

        public async Task AskAsync(CancellationToken cancellationToken)
        {
            // Without a hop of its own, as the transport's and not the pool's figure is wanted.
            _answer = new TaskCompletionSource();
            await Transport.SendAsync(Other, new Trip(1), cancellationToken);
            await _answer.Task.WaitAsync(cancellationToken);
        }

        public ValueTask ReceiveAsync(Peer from, ReadOnlySequence<byte> message, CancellationToken cancellationToken)
        {
            if (message.Length == 1)
            {
                if (message.FirstSpan[0] == 1)
                {
                    return Transport.SendAsync(from, new Trip(2), cancellationToken);
                }

                _answer.SetResult();
            }
            else if (message.Length == _bytes && --_expected == 0)
            {
                _all.SetResult();
            }

            return default;
        }

        public void LinkLost(Peer peer, Exception? reason)
        {
        }

        public ValueTask DisposeAsync() => Transport.DisposeAsync();
    }
}
