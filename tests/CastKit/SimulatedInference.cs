using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using RagCluster.Inference;
using RagCluster.Inference.Prompting;
using RagCluster.Kernel;

namespace RagCluster.CastKit;

/// <summary>How an endpoint misbehaves in its next call.</summary>
public enum EndpointFault
{
    None,

    /// <summary>Refuses at once, and may take the same later.</summary>
    Overloaded,

    Unreachable,

    /// <summary>Breaks off: for answers after some pieces.</summary>
    Cut,

    /// <summary>Does not answer until the client's own patience ends, as every client's does.</summary>
    Hangs,

    /// <summary>Answers something that is no answer.</summary>
    Garbage,
}

/// <summary>
/// Models that need no time of the processor's and take time of the simulator's. The same question about the same passages
/// has the same answer, with a marker that can be verified.
/// </summary>
public sealed class SimulatedInference(IRuntime runtime)
{
    public const int Dimensions = 16;

    public const string EmbeddingModel = "simulated-embedder";

    public const string ChatModel = "simulated-chat";

    /// <summary>How long a client waits for an endpoint that hangs.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long the next call, or the next piece of an answer, takes; null and zero take one step.</summary>
    public Func<TimeSpan>? Delay { get; set; }

    /// <summary>How much of an answer comes at a time.</summary>
    public int WordsPerPiece { get; init; } = 1;

    /// <summary>The model of the embedders that are made from now on; vectors of different ones have nothing to do with each other.</summary>
    public string Embeds { get; set; } = EmbeddingModel;

    public Func<EndpointFault>? EmbeddingFault { get; set; }

    public Func<EndpointFault>? ChatFault { get; set; }

    /// <summary>A client of its own for each node that asks: nodes dispose of theirs.</summary>
    public IEmbeddingGenerator<string, Embedding<float>> NewEmbedder() => new Embedder(this, Embeds);

    public IChatClient NewChatClient() => new Chat(this);

    private async Task PauseAsync(CancellationToken cancellationToken)
    {
        if (Delay?.Invoke() is { } delay && delay > TimeSpan.Zero)
        {
            await Task.Delay(delay, runtime.Time, cancellationToken);
        }
        else
        {
            await Task.Yield();
        }
    }

    private async Task FailAsync(EndpointFault fault, CancellationToken cancellationToken)
    {
        switch (fault)
        {
            case EndpointFault.Overloaded:
                throw new InferenceException(InferenceErrorCode.RateLimited, "The simulated endpoint is overloaded.");
            case EndpointFault.Unreachable:
                throw new InferenceException(InferenceErrorCode.Unreachable, "The simulated endpoint is not there.");
            case EndpointFault.Hangs:
                await Task.Delay(Patience, runtime.Time, cancellationToken);
                throw new InferenceException(InferenceErrorCode.Timeout, $"The simulated endpoint said nothing for {Patience.TotalSeconds:0} s.");
        }
    }

    private sealed class Embedder(SimulatedInference world, string model) : IEmbeddingGenerator<string, Embedding<float>>
    {
        private readonly EmbeddingGeneratorMetadata _metadata = new("simulated", null, model, Dimensions);

        public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            var fault = world.EmbeddingFault?.Invoke() ?? EndpointFault.None;
            await world.PauseAsync(cancellationToken);
            await world.FailAsync(fault, cancellationToken);
            var embeddings = values.Select(text => new Embedding<float>(VectorOf(text))).ToList();
            return fault switch
            {
                EndpointFault.Cut => throw new InferenceException(InferenceErrorCode.Unreachable, "The simulated endpoint closed the connection."),
                EndpointFault.Garbage => [.. embeddings.Skip(1)],
                _ => [.. embeddings],
            };
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata : null;

        public void Dispose()
        {
        }

        /// <summary>Counts words by hash, and divides by the length.</summary>
        private float[] VectorOf(string text)
        {
            var vector = new float[Dimensions];
            foreach (var word in text.Split([' ', '.', ',', '?', '\n'], StringSplitOptions.RemoveEmptyEntries))
            {
                vector[model == "constant" ? 0 : StableHash.Bucket((model == EmbeddingModel ? "" : model) + word.ToLowerInvariant(), Dimensions)]++;
            }

            var length = MathF.Sqrt(vector.Sum(v => v * v));
            return length == 0 ? vector : Array.ConvertAll(vector, v => v / length);
        }
    }

    private sealed class Chat(SimulatedInference world) : IChatClient
    {
        private static readonly ChatClientMetadata s_metadata = new("simulated", null, ChatModel);

        public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            var text = "";
            await foreach (var update in GetStreamingResponseAsync(messages, options, cancellationToken))
            {
                text += update.Text;
            }

            return new ChatResponse(new ChatMessage(ChatRole.Assistant, text));
        }

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            var pieces = Pieces(GroundedPrompt.In(messages)!, world.WordsPerPiece);
            var fault = world.ChatFault?.Invoke() ?? EndpointFault.None;
            var until = fault is EndpointFault.Cut or EndpointFault.Hangs ? world.Cut(pieces.Count) : pieces.Count;
            if (fault is EndpointFault.Overloaded or EndpointFault.Unreachable)
            {
                await world.FailAsync(fault, cancellationToken);
            }

            for (var i = 0; i < until; i++)
            {
                await world.PauseAsync(cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
                yield return new ChatResponseUpdate(ChatRole.Assistant, fault == EndpointFault.Garbage ? "[99] \0[[1]" : pieces[i]);
            }

            await world.PauseAsync(cancellationToken);
            await world.FailAsync(fault, cancellationToken);
            if (fault == EndpointFault.Cut)
            {
                throw new InferenceException(InferenceErrorCode.CutStream, "The simulated stream broke off.");
            }
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => serviceType == typeof(ChatClientMetadata) ? s_metadata : null;

        public void Dispose()
        {
        }

        /// <summary>Quotes the best passage's beginning, some words at a time.</summary>
        private static List<string> Pieces(GroundedPrompt prompt, int words)
        {
            if (prompt.Passages.Count == 0)
            {
                return [GroundedPrompt.Abstention];
            }

            var text = prompt.Passages[0].Text;
            var end = text.AsSpan().IndexOfAny('.', '\n');
            var sentence = end < 0 ? text : text[..end];
            return [.. sentence.Split(' ').Chunk(words).Select(piece => string.Join(' ', piece) + " "), string.Create(CultureInfo.InvariantCulture, $"[{1}].")];
        }
    }

    private int Cut(int pieces) => runtime.Random.Next(pieces);
}
