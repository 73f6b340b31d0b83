using System.Runtime.InteropServices;
using System.Text.Json;
using RagCluster.Actors.Conversations;
using RagCluster.Actors.Inference;
using RagCluster.Inference;
using RagCluster.Inference.Prompting;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Text;
using RagCluster.Nodes.Gateway.Identity;

namespace RagCluster.Nodes.Gateway.OpenAi;

/// <summary>
/// /v1: OpenAI's API over this node, so that an existing client works by changing its base URL. A chat completion is
/// answered from the documents that the caller may read; the citations travel beside the choices. It is not kept as a
/// conversation: such clients send the history themselves.
/// </summary>
internal static class OpenAiEndpoints
{
    private const string ModelId = "ragcluster";

    private const int MaxInputs = 256;

    private const int MaxInputChars = 100_000;

    public static void MapOpenAi(this IEndpointRouteBuilder routes)
    {
        var v1 = routes.MapGroup("/v1").WithTags("openai");
        v1.MapGet("/models", Models).WithSummary("The models that the two endpoints below take.").Produces<ModelList>();
        v1.MapPost("/chat/completions", ChatAsync).WithSummary("Answers the last user message from the documents; streams if asked to.").Produces<ChatResponse>();
        v1.MapPost("/embeddings", EmbedAsync).WithSummary("Embeds texts with the node's embedding model.").Produces<EmbeddingsResponse>();
    }

    private static IResult Models(IEmbedder embedder, TimeProvider time)
    {
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        return TypedResults.Json(
            new ModelList("list", [new(ModelId, "model", now, "ragcluster"), new(embedder.Model, "model", now, "ragcluster")]), OpenAiJson.Default.ModelList);
    }

    private static async Task ChatAsync(
        HttpContext context, ChatRequest request, IAnswering answering, IGenerator generator, ConversationOptions options, Func<string> newId, TimeProvider time)
    {
        var turns = new List<(string Role, string Text)>();
        foreach (var message in request.Messages ?? [])
        {
            if (message is not null && TextOf(message.Content) is { Length: > 0 } text)
            {
                turns.Add((message.Role ?? "user", text));
            }
        }

        var last = turns.FindLastIndex(t => t.Role == "user");
        if (last < 0)
        {
            await Refuse("messages must have a user message with text.").ExecuteAsync(context);
            return;
        }

        var question = turns[last].Text;
        if (question.Length > options.MaxQuestionChars)
        {
            await Refuse($"The question has {question.Length} characters; at most {options.MaxQuestionChars} are taken.").ExecuteAsync(context);
            return;
        }

        // Before a stream has begun: afterwards there is no status to say it with.
        if (await generator.RefusalAsync(context.Principal().Tenant, context.RequestAborted) is { } refusal)
        {
            throw refusal;
        }

        var id = "chatcmpl-" + newId();
        var created = time.GetUtcNow().ToUnixTimeSeconds();
        var state = new QuestionState { Id = QuestionId.Of(id), Text = question, Asker = context.Principal(), AskedAt = time.GetUtcNow() };
        var history = History(turns[..last], options.HistoryTurns);
        using var limit = new CancellationTokenSource(options.AnswerTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, context.RequestAborted);
        if (request.Stream == true)
        {
            await StreamAsync(context, request, answering, state, history, id, created, either.Token);
            return;
        }

        var sink = new CollectingSink();
        await answering.AnswerAsync(state, history, sink, either.Token);
        await TypedResults.Json(
            new ChatResponse(
                id,
                "chat.completion",
                created,
                request.Model ?? ModelId,
                [new ChatChoice(0, new ChatMessageBody("assistant", sink.Text), null, "stop")],
                Count(question, sink.Text),
                sink.Citations) { Unsupported = sink.Unsupported },
            OpenAiJson.Default.ChatResponse).ExecuteAsync(context);
    }

    private static async Task StreamAsync(
        HttpContext context,
        ChatRequest request,
        IAnswering answering,
        QuestionState question,
        IReadOnlyList<PastTurn> history,
        string id,
        long created,
        CancellationToken cancellationToken)
    {
        var response = context.Response;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-store";

        ChatResponse Chunk(ChatMessageBody? delta, string? finish, IReadOnlyList<Citation>? citations = null) =>
            new(id, "chat.completion.chunk", created, request.Model ?? ModelId, [new ChatChoice(0, null, delta ?? new ChatMessageBody(null, null), finish)], null, citations);

        async ValueTask WriteAsync(ChatResponse chunk)
        {
            await response.WriteAsync($"data: {JsonSerializer.Serialize(chunk, OpenAiJson.Default.ChatResponse)}\n\n", cancellationToken);
            await response.Body.FlushAsync(cancellationToken);
        }

        await WriteAsync(Chunk(new ChatMessageBody("assistant", ""), null));
        var sink = new CollectingSink(text => WriteAsync(Chunk(new ChatMessageBody(null, text), null)));
        try
        {
            await answering.AnswerAsync(question, history, sink, cancellationToken);
        }
        catch (Exception e) when (e is InferenceException or EntityUnavailableException or TimeoutException)
        {
            // The status is sent already; this is where clients of OpenAI's streams look for what went wrong.
            var error = new OpenAiError(new OpenAiErrorBody(e.Message, "server_error", null));
            await response.WriteAsync($"data: {JsonSerializer.Serialize(error, OpenAiJson.Default.OpenAiError)}\n\n", cancellationToken);
            return;
        }

        await WriteAsync(Chunk(null, "stop", sink.Citations) with { Unsupported = sink.Unsupported });
        if (request.StreamOptions?.IncludeUsage == true)
        {
            await WriteAsync(new ChatResponse(id, "chat.completion.chunk", created, request.Model ?? ModelId, [], Count(question.Text, sink.Text), null));
        }

        await response.WriteAsync("data: [DONE]\n\n", cancellationToken);
    }

    private static async Task<IResult> EmbedAsync(HttpContext context, EmbeddingsRequest request, IEmbedder embedder, CancellationToken cancellationToken)
    {
        var inputs = request.Input.ValueKind switch
        {
            JsonValueKind.String => [request.Input.GetString()!],
            JsonValueKind.Array when request.Input.EnumerateArray().All(e => e.ValueKind == JsonValueKind.String) =>
                request.Input.EnumerateArray().Select(e => e.GetString()!).ToArray(),
            _ => null,
        };
        if (inputs is not { Length: > 0 and <= MaxInputs } || inputs.Sum(i => (long)i.Length) > MaxInputChars)
        {
            return Refuse($"input must be a string or an array of 1 to {MaxInputs} strings, together at most {MaxInputChars} characters.");
        }

        if (request.EncodingFormat is not (null or "float" or "base64"))
        {
            return Refuse($"encoding_format is float or base64; it was \"{request.EncodingFormat}\".");
        }

        var vectors = await embedder.EmbedAsync(inputs, EmbeddingPriority.Interactive, context.Principal().Tenant, cancellationToken);
        var base64 = request.EncodingFormat == "base64";
        var data = vectors.Select((v, i) => new EmbeddingBody("embedding", i, base64
            ? JsonSerializer.SerializeToElement(Convert.ToBase64String(MemoryMarshal.AsBytes<float>(v.ToSingle())), OpenAiJson.Default.String)
            : JsonSerializer.SerializeToElement(v.ToSingle(), OpenAiJson.Default.SingleArray)));
        var tokens = inputs.Sum(i => TokenCounter.Count(i));
        return TypedResults.Json(new EmbeddingsResponse("list", [.. data], embedder.Model, new Usage(tokens, 0, tokens)), OpenAiJson.Default.EmbeddingsResponse);
    }

    private static string? TextOf(JsonElement content) => content.ValueKind switch
    {
        JsonValueKind.String => content.GetString(),
        JsonValueKind.Array => string.Join(
            "\n",
            content.EnumerateArray()
                .Where(p => p.ValueKind == JsonValueKind.Object && p.TryGetProperty("text", out var t) && t.ValueKind == JsonValueKind.String)
                .Select(p => p.GetProperty("text").GetString())),
        _ => null,
    };

    private static List<PastTurn> History(IReadOnlyList<(string Role, string Text)> turns, int most)
    {
        var history = new List<PastTurn>();
        for (var i = 0; i + 1 < turns.Count; i++)
        {
            if (turns[i].Role == "user" && turns[i + 1].Role == "assistant")
            {
                history.Add(new PastTurn(turns[i].Text, turns[i + 1].Text));
            }
        }

        return [.. history.TakeLast(most)];
    }

    private static Usage Count(string question, string answer)
    {
        var (prompt, completion) = (TokenCounter.Count(question), TokenCounter.Count(answer));
        return new Usage(prompt, completion, prompt + completion);
    }

    /// <summary>An error in the shape that OpenAI's clients read.</summary>
    internal static IResult Error(int status, string code, string message)
    {
        var type = status switch
        {
            StatusCodes.Status401Unauthorized => "authentication_error",
            StatusCodes.Status403Forbidden => "permission_error",
            StatusCodes.Status429TooManyRequests => "rate_limit_error",
            >= 500 => "server_error",
            _ => "invalid_request_error",
        };
        return TypedResults.Json(new OpenAiError(new OpenAiErrorBody(message, type, code)), OpenAiJson.Default.OpenAiError, statusCode: status);
    }

    private static IResult Refuse(string message) => Problems.Invalid(message);

    /// <summary>Keeps the answer in memory, and passes its pieces on as they come.</summary>
    private sealed class CollectingSink(Func<string, ValueTask>? onDelta = null) : IAnswerSink
    {
        public string Text { get; private set; } = "";

        public IReadOnlyList<Citation> Citations { get; private set; } = [];

        public IReadOnlyList<UnsupportedSpan>? Unsupported { get; private set; }

        private bool _hasPassedOn;

        /// <exception cref="InferenceException">The answer would begin again, and what was passed on cannot be taken back.</exception>
        public ValueTask<bool> BeginAsync(string query, CancellationToken cancellationToken) => _hasPassedOn
            ? throw new InferenceException(InferenceErrorCode.CutStream, "The inference endpoint broke its answer off. Ask again.")
            : ValueTask.FromResult(true);

        public ValueTask<bool> SourcesAsync(IReadOnlyList<ScoredPassage> sources, bool partial, CancellationToken cancellationToken) => ValueTask.FromResult(true);

        public async ValueTask<bool> DeltaAsync(string text, CancellationToken cancellationToken)
        {
            if (onDelta is not null)
            {
                _hasPassedOn = true;
                await onDelta(text);
            }

            return true;
        }

        public ValueTask<bool> CompleteAsync(
            string text, IReadOnlyList<Citation> citations, IReadOnlyList<TextSpan> unsupported, bool abstained, string model, CancellationToken cancellationToken)
        {
            (Text, Citations) = (text, citations);
            Unsupported = unsupported.Count == 0 ? null : [.. unsupported.Select(s => new UnsupportedSpan(s.Start, s.End))];
            return ValueTask.FromResult(true);
        }
    }
}
