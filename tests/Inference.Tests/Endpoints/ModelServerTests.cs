using Microsoft.Extensions.AI;
using RagCluster.Inference.Endpoints;
using RagCluster.InferenceStandIn;

namespace RagCluster.Inference.Tests.Endpoints;

/// <summary>Both protocols over real HTTP, against a server that speaks them and goes wrong as told.</summary>
public sealed class ModelServerTests : IAsyncLifetime
{
    private readonly EndpointFactory _factory = new(TimeProvider.System);
    private StandInServer _server = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _server = await StandInServer.StartAsync(new Behaviour { Models = ["m", "other:latest"], AnswerTokens = 12 });

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData(EndpointOptions.Ollama)]
    [InlineData(EndpointOptions.OpenAi)]
    public async Task Lists_embeds_answers_and_counts(string kind)
    {
        using var server = _factory.CreateServer(Options(kind));
        var models = (await server.ListAsync(Cancellation)).ShouldNotBeNull();
        models.Select(m => m.Name).ShouldBe(["m", "other:latest"]);
        server.Offers(models, "m").ShouldBeTrue();
        server.Offers(models, "other").ShouldBe(kind == EndpointOptions.Ollama, "only there a name without a tag means the latest");
        (await server.QueueLengthAsync(Cancellation)).ShouldBe(kind == EndpointOptions.OpenAi ? 0 : null);

        using var embedder = _factory.CreateEmbedder(Options(kind));
        var vectors = await embedder.GenerateAsync(["grace period", "grace period", "something else"], cancellationToken: Cancellation);
        vectors[0].Vector.ToArray().ShouldBe(vectors[1].Vector.ToArray());
        vectors[0].Vector.ToArray().ShouldNotBe(vectors[2].Vector.ToArray());

        using var chat = _factory.CreateChatClient(Options(kind));
        var whole = await chat.GetResponseAsync([new ChatMessage(ChatRole.User, "How long?")], cancellationToken: Cancellation);
        whole.Usage!.OutputTokenCount.ShouldBe(12);
        whole.Usage.InputTokenCount.ShouldNotBeNull().ShouldBeGreaterThan(0);
        whole.Text.ShouldEndWith("[1].");

        var half = string.Concat(whole.Text.Split(' ')[..5].Select(w => w + " "));
        var rest = await chat.GetResponseAsync([new ChatMessage(ChatRole.User, "How long?"), new ChatMessage(ChatRole.Assistant, half)], cancellationToken: Cancellation);
        (half + rest.Text).ShouldBe(whole.Text, "an answer that was cut off is continued");
    }

    [Fact]
    public void What_a_behaviour_leaves_out_keeps_its_default()
    {
        var read = Behaviour.Read("{\"times\":{\"stepMs\":5},\"fault\":\"Cut\"}");
        read.Models.ShouldBe(new Behaviour().Models);
        (read.Dimensions, read.FaultShare, read.Fault, read.Times.StepMs, read.Times.MaxAnswers).ShouldBe((64, 1, Fault.Cut, 5, 64));
    }

    [Fact]
    public async Task Ollama_fetches_a_model_and_tells_how_far_it_is()
    {
        using var server = _factory.CreateServer(Options(EndpointOptions.Ollama));
        var progress = new List<PullProgress>();
        await foreach (var step in server.PullAsync("new", Cancellation))
        {
            progress.Add(step);
        }

        progress[^1].Status.ShouldBe("success");
        progress.ShouldContain(p => p.Completed == 250 && p.Total == 1000);
        server.Offers((await server.ListAsync(Cancellation))!, "new").ShouldBeTrue();
    }

    [Fact]
    public async Task A_reranker_scores_every_text_in_its_place()
    {
        using var reranker = _factory.CreateReranker(Options(EndpointOptions.OpenAi));
        var scores = await reranker.ScoreAsync("grace period", ["nothing", "the grace period is", "a period"], Cancellation);
        scores.ShouldBe([0f, 1f, 0.5f]);
        _server.Behaviour = _server.Behaviour with { Fault = Fault.Garbage };
        (await Should.ThrowAsync<InferenceException>(async () => await reranker.ScoreAsync("q", ["t"], Cancellation))).Code.ShouldBe(InferenceErrorCode.BadResponse);
    }

    [Theory]
    [InlineData("{\"results\":[{\"index\":0,\"relevance_score\":1}]}", "1 of 2")]
    [InlineData("[{\"index\":0,\"score\":1},{\"index\":2,\"score\":1}]", "indexes")]
    [InlineData("[{\"index\":0,\"score\":1},{\"index\":1}]", "no score")]
    [InlineData("{\"data\":[]}", "no results")]
    public async Task Scores_that_are_not_those_of_the_texts_are_refused(string body, string why)
    {
        await using var faulty = new FaultyServer(async (_, connection) =>
        {
            await connection.HeadAsync();
            await connection.WriteAsync(body);
        });
        using var reranker = _factory.CreateReranker(new EndpointOptions { Kind = EndpointOptions.OpenAi, Url = faulty.Url, Model = "m" });
        (await Should.ThrowAsync<InferenceException>(async () => await reranker.ScoreAsync("q", ["a", "b"], Cancellation))).Message.ShouldContain(why);
    }

    [Theory]
    [InlineData(Fault.Status500, InferenceErrorCode.EndpointFailed)]
    [InlineData(Fault.Status429, InferenceErrorCode.RateLimited)]
    [InlineData(Fault.Status401, InferenceErrorCode.Unauthorized)]
    [InlineData(Fault.ModelMissing, InferenceErrorCode.ModelMissing)]
    [InlineData(Fault.Cut, InferenceErrorCode.CutStream)]
    [InlineData(Fault.Short, InferenceErrorCode.CutStream)]
    [InlineData(Fault.Empty, InferenceErrorCode.CutStream)]
    [InlineData(Fault.Garbage, InferenceErrorCode.BadResponse)]
    [InlineData(Fault.InvalidUtf8, InferenceErrorCode.BadResponse)]
    [InlineData(Fault.Endless, InferenceErrorCode.BadResponse)]
    [InlineData(Fault.Hang, InferenceErrorCode.Timeout)]
    [InlineData(Fault.HangInside, InferenceErrorCode.Timeout)]
    public async Task Every_fault_of_a_chat_endpoint_has_its_reason(Fault fault, InferenceErrorCode code)
    {
        foreach (var kind in new[] { EndpointOptions.Ollama, EndpointOptions.OpenAi })
        {
            _server.Behaviour = _server.Behaviour with { Fault = fault };
            using var chat = _factory.CreateChatClient(Options(kind) with { Timeout = TimeSpan.FromMilliseconds(fault is Fault.Hang or Fault.HangInside ? 300 : 20_000), MaxResponseBytes = 1 << 20 });
            var failure = await Should.ThrowAsync<InferenceException>(() => chat.GetResponseAsync([new ChatMessage(ChatRole.User, "How long?")], cancellationToken: Cancellation));
            failure.Code.ShouldBe(code, failure.Message);
            failure.Message.ShouldContain(_server.Url);
        }
    }

    [Theory]
    [InlineData("http://127.0.0.1:1", "cannot be reached")]
    [InlineData("http://no-such-host.invalid", "cannot be found")]
    public async Task A_wrong_address_says_so(string url, string why)
    {
        foreach (var kind in new[] { EndpointOptions.Ollama, EndpointOptions.OpenAi })
        {
            using var server = _factory.CreateServer(Options(kind) with { Url = url });
            var failure = await Should.ThrowAsync<InferenceException>(() => server.ListAsync(Cancellation));
            failure.Code.ShouldBe(InferenceErrorCode.Unreachable);
            failure.Message.ShouldContain(why);
        }
    }

    [Fact]
    public async Task A_server_that_is_spoken_to_with_the_wrong_scheme_cannot_be_trusted()
    {
        using var server = _factory.CreateServer(Options(EndpointOptions.OpenAi) with { Url = _server.Url.Replace("http:", "https:", StringComparison.Ordinal) });
        var failure = await Should.ThrowAsync<InferenceException>(() => server.ListAsync(Cancellation));
        failure.Code.ShouldBe(InferenceErrorCode.Unreachable);
        failure.Message.ShouldContain("certificate");
    }

    [Theory]
    [InlineData("vllm:num_requests_waiting{model_name=\"m\"} 3.0\nvllm:num_requests_waiting{model_name=\"n\"} 4\n", 7)]
    [InlineData("vllm:num_requests_waiting 2\n", 2)]
    [InlineData("vllm:num_requests_waiting_total{a=\"b\"} 9\nother 1\n", null)]
    [InlineData("vllm:num_requests_waiting{} NaN\n", null)]
    public void The_queue_is_read_from_the_metrics(string text, int? waiting) => OpenAiServer.Waiting(text).ShouldBe(waiting);

    private EndpointOptions Options(string kind) => new() { Kind = kind, Url = kind == EndpointOptions.Ollama ? _server.Url : _server.Url + "/v1", Model = "m", KeepAlive = kind == EndpointOptions.Ollama ? "10m" : "" };
}
