using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.AI;
using RagCluster.Actors.Inference;
using RagCluster.Inference.Batching;
using RagCluster.Inference.Endpoints;
using RagCluster.Inference.Routing;
using RagCluster.Kernel;

namespace RagCluster.Nodes.Benchmarks.Inference;

// What batches gain, against batches that are always full.
internal sealed partial class InferenceBenchmark
{
    private const double FixedMs = 8;
    private const double PerTokenMs = 0.04;
    private const int BatchItems = 64;
    private const int TextCharacters = 100;

    private static readonly Quantity s_gain = Quantity.AtLeast(90, "batchingShare", "%", "texts/s while more wait than a batch takes, of those of perfect batches");
    private static readonly Quantity s_gainPadded = new("batchingPaddedShare", "%", "the same with texts of 4 to 400 tokens on a server that pads, of batches sorted by length");
    private static readonly Quantity s_addedMedian = Quantity.AtMost(10, "batchingAddedP50", "ms", "waiting before the call at half that rate, p50");
    private static readonly Quantity s_addedTail = new("batchingAddedP99", "ms", "the same, p99");
    private static readonly Quantity s_single = new("batchingSingle", "texts/s", "for comparison: one text a call");

    private async Task BatchingAsync(Recorder target, CancellationToken cancellationToken)
    {
        var behaviour = $$$"""{"dimensions":16,"times":{"embedFixedMs":{{{FixedMs}}},"embedPerTokenMs":{{{PerTokenMs}}}}}""";
        await using var server = await StandInProcess.StartAsync(options.StandIn, behaviour, 0, cancellationToken);
        var perfect = BatchItems * 1000 / (FixedMs + (PerTokenMs * BatchItems * TextCharacters / 4));
        var limits = new BatchLimits { MaxItems = BatchItems, MaxTokens = 1_000_000, MaxDelay = TimeSpan.FromMilliseconds(2), MaxInFlight = 2, Capacity = int.MaxValue };
        target.Add(s_gain, 100 * await SaturateAsync(server, limits, static i => Padded(i, TextCharacters), cancellationToken) / perfect);
        target.Add(s_single, await SaturateAsync(server, limits with { MaxItems = 1 }, static i => Padded(i, TextCharacters), cancellationToken));

        // Half the rate, as texts come by chance: how long each is kept before its call begins.
        var stamps = new StampingFactory(server.Url);
        var running = Layer(stamps, limits);
        try
        {
            var calls = await OpenLoop.RunAsync(
                perfect / 2,
                options.Length,
                isEven: false,
                async (i, c) =>
                {
                    var text = Padded(i, TextCharacters);
                    var began = Stopwatch.GetTimestamp();
                    await running.Layer.Embedder.EmbedAsync([text], EmbeddingPriority.Ingestion, c);
                    var ended = Stopwatch.GetTimestamp();
                    stamps.Calls.TryRemove(text, out var call);
                    return Stopwatch.GetElapsedTime(began, ended).TotalMilliseconds - Stopwatch.GetElapsedTime(call.Began, call.Ended).TotalMilliseconds;
                },
                cancellationToken);
            var added = OpenLoop.Times(calls.Where(c => c.AtMs > 500));
            target.Add(s_addedMedian, Quantiles.OfSorted(added, 0.5));
            target.Add(s_addedTail, Quantiles.OfSorted(added, 0.99));
        }
        finally
        {
            await EndAsync(running);
        }

        // A server that pads each batch to its longest text; the best possible is all texts in the order of their length.
        await server.BehaveAsync($$$"""{"dimensions":16,"times":{"embedFixedMs":{{{FixedMs}}},"embedPerTokenMs":{{{PerTokenMs / 4}}},"embedPads":true}}""", cancellationToken);
        var lengths = Enumerable.Range(0, 4096).Select(LengthOf).Order().Chunk(BatchItems).ToList();
        var sorted = 4096 * 1000 / lengths.Sum(batch => FixedMs + (PerTokenMs / 4 * batch[^1] / 4 * batch.Length));
        target.Add(s_gainPadded, 100 * await SaturateAsync(server, limits, static i => Padded(i, LengthOf(i)), cancellationToken) / sorted);
    }

    /// <summary>Texts a second with 1,000 callers that each want one text after the other.</summary>
    private async Task<double> SaturateAsync(StandInProcess server, BatchLimits limits, Func<int, string> text, CancellationToken cancellationToken)
    {
        var running = Layer([server.Url], answers: 1, batches: limits.MaxInFlight, limits);
        try
        {
            using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var number = 0;
            var callers = Enumerable.Range(0, 1000).Select(_ => Task.Run(
                async () =>
                {
                    while (!over.IsCancellationRequested)
                    {
                        try
                        {
                            await running.Layer.Embedder.EmbedAsync([text(Interlocked.Increment(ref number))], EmbeddingPriority.Ingestion, over.Token);
                        }
                        catch (OperationCanceledException)
                        {
                            return;
                        }
                    }
                },
                cancellationToken)).ToList();
            await Task.Delay(500, cancellationToken);
            var (before, watch) = (await server.CountAsync("texts", cancellationToken), Stopwatch.StartNew());
            await Task.Delay(options.Length, cancellationToken);
            var rate = (await server.CountAsync("texts", cancellationToken) - before) / watch.Elapsed.TotalSeconds;
            await over.CancelAsync();
            await Task.WhenAll(callers);
            return rate;
        }
        finally
        {
            await EndAsync(running);
        }
    }

    private static (ActorSystem System, InferenceLayer Layer) Layer(StampingFactory stamps, BatchLimits limits)
    {
        var system = new ActorSystem("inference", SystemRuntime.Instance);
        var factory = new EndpointFactory(TimeProvider.System);
        return (system, InferenceLayer.Start(
            system,
            new InferenceLayerOptions { EmbeddingBatches = limits, MaxQueuedEmbeddings = 100_000 },
            [new EmbeddingEndpoint(new EndpointProfile("embedding-1", Endpoint(stamps.Url)) { Capacity = limits.MaxInFlight }, stamps)],
            [new GenerationEndpoint(new EndpointProfile("generation-1", Endpoint(stamps.Url)), factory.CreateChatClient(Endpoint(stamps.Url)))]));
    }

    private static int LengthOf(int number) => 16 + (int)((uint)number * 2654435761u % 1585);

    private static string Padded(int number, int characters) => number.ToString("d8", System.Globalization.CultureInfo.InvariantCulture).PadRight(characters, 'x');

    /// <summary>An embedding client that notes when each text was sent and answered.</summary>
    private sealed class StampingFactory(Uri url) : IEmbeddingGenerator<string, Embedding<float>>
    {
        private readonly IEmbeddingGenerator<string, Embedding<float>> _inner = new EndpointFactory(TimeProvider.System).CreateEmbedder(Endpoint(url));

        public Uri Url => url;

        public ConcurrentDictionary<string, (long Began, long Ended)> Calls { get; } = new();

        public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            var texts = values.ToList();
            var began = Stopwatch.GetTimestamp();
            var found = await _inner.GenerateAsync(texts, options, cancellationToken);
            var ended = Stopwatch.GetTimestamp();
            texts.ForEach(text => Calls[text] = (began, ended));
            return found;
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => _inner.GetService(serviceType, serviceKey);

        public void Dispose() => _inner.Dispose();
    }
}
