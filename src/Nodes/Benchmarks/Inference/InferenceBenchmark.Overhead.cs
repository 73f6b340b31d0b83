using System.Diagnostics;
using System.Net.Http.Json;
using Microsoft.Extensions.AI;
using RagCluster.Actors.Inference;
using RagCluster.Inference.Batching;
using RagCluster.Inference.Endpoints;
using RagCluster.Inference.Prompting;

namespace RagCluster.Nodes.Benchmarks.Inference;

// What a call costs more than without this program in between, at a thousand a second.
internal sealed partial class InferenceBenchmark
{
    private const double Rate = 1000;

    private static readonly Quantity s_embedMedian = Quantity.AtMost(1, "overheadEmbedP50", "ms", "overhead of an embedding call in the node, p50");
    private static readonly Quantity s_embedTail = Quantity.AtMost(5, "overheadEmbedP99", "ms", "the same, p99");
    private static readonly Quantity s_chatMedian = Quantity.AtMost(1, "overheadChatP50", "ms", "overhead of a streamed answer in the node, p50");
    private static readonly Quantity s_chatTail = Quantity.AtMost(5, "overheadChatP99", "ms", "the same, p99");
    private static readonly Quantity s_httpMedian = Quantity.AtMost(1, "overheadHttpP50", "ms", "overhead of /v1/embeddings over HTTP, client to node to server, p50");
    private static readonly Quantity s_httpTail = Quantity.AtMost(5, "overheadHttpP99", "ms", "the same, p99");
    private static readonly Quantity s_overheadFailed = Quantity.AtMost(0, "overheadFailed", "calls", "calls that failed meanwhile");

    private async Task OverheadAsync(Recorder target, CancellationToken cancellationToken)
    {
        await using var server = await StandInProcess.StartAsync(options.StandIn, """{"answerTokens":8,"dimensions":64}""", 0, cancellationToken);
        var factory = new EndpointFactory(TimeProvider.System);
        using var embedder = factory.CreateEmbedder(Endpoint(server.Url));
        using var chat = factory.CreateChatClient(Endpoint(server.Url));
        var running = Layer([server.Url], answers: 256, batches: 256, new BatchLimits { Capacity = int.MaxValue, MaxInFlight = 256 }, new InferencePolicy());
        try
        {
            var layer = running.Layer;
            var prompts = Enumerable.Range(0, 64).Select(i => Prompt(i, 400)).ToList();
            var failed = 0;

            async Task<double[]> MeasureAsync(Func<int, CancellationToken, Task<double>> call)
            {
                // The first second is for connections and compiled code.
                var calls = await OpenLoop.RunAsync(Rate, options.Length + TimeSpan.FromSeconds(1), isEven: true, call, cancellationToken);
                failed += calls.Count(c => c.Failed is not null);
                return OpenLoop.Times(calls.Where(c => c.AtMs > 1000));
            }

            void Add(Quantity middle, Quantity tail, double[] direct, double[] through)
            {
                target.Add(middle, Quantiles.OfSorted(through, 0.5) - Quantiles.OfSorted(direct, 0.5));
                target.Add(tail, Quantiles.OfSorted(through, 0.99) - Quantiles.OfSorted(direct, 0.99));
            }

            var directEmbed = await MeasureAsync(async (i, c) =>
            {
                await embedder.GenerateAsync([Text(i)], cancellationToken: c);
                return -1;
            });
            var throughEmbed = await MeasureAsync(async (i, c) =>
            {
                await layer.Embedder.EmbedAsync([Text(i)], EmbeddingPriority.Interactive, c);
                return -1;
            });
            Add(s_embedMedian, s_embedTail, directEmbed, throughEmbed);

            var directChat = await MeasureAsync(async (i, c) =>
            {
                await foreach (var _ in chat.GetStreamingResponseAsync(prompts[i % prompts.Count].ToMessages(), cancellationToken: c))
                {
                }

                return -1;
            });
            var throughChat = await MeasureAsync(async (i, c) =>
            {
                await AnswerAsync(layer.Generator, prompts[i % prompts.Count], $"t{i % 10}", c);
                return -1;
            });
            Add(s_chatMedian, s_chatTail, directChat, throughChat);
            await OverHttpAsync(server, MeasureAsync, Add, cancellationToken);
            target.Add(s_overheadFailed, failed);
        }
        finally
        {
            await EndAsync(running);
        }
    }

    private async Task OverHttpAsync(
        StandInProcess server,
        Func<Func<int, CancellationToken, Task<double>>, Task<double[]>> measure,
        Action<Quantity, Quantity, double[], double[]> add,
        CancellationToken cancellationToken)
    {
        await using var node = await NodeProcess.StartAsync(
            folder.New($"node-{Guid.NewGuid():N}"),
            samples: false,
            cancellationToken,
            "ragcluster.inference.embedding.provider=openai",
            $"ragcluster.inference.embedding.url={new Uri(server.Url, "/v1")}",
            $"ragcluster.inference.embedding.model={Model}",
            "ragcluster.inference.embedding.concurrency=256",
            "ragcluster.limits.requests-per-second=100000",
            "ragcluster.limits.burst=100000");
        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 256 });
        Func<int, CancellationToken, Task<double>> Call(Uri to) => async (i, c) =>
        {
            using var response = await http.PostAsJsonAsync(new Uri(to, "/v1/embeddings"), new { model = Model, input = Text(i) }, c);
            response.EnsureSuccessStatusCode();
            await response.Content.ReadAsByteArrayAsync(c);
            return -1;
        };
        add(s_httpMedian, s_httpTail, await measure(Call(server.Url)), await measure(Call(node.Url)));
    }

    private static string Text(int number) => $"{number} the grace period of the policy is thirty-one days after each premium that is due";
}
