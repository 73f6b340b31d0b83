using RagCluster.Actors.Inference;
using RagCluster.Inference;
using RagCluster.Inference.Batching;
using RagCluster.Inference.Fairness;
using RagCluster.Inference.Prompting;
using RagCluster.Inference.Routing;
using RagCluster.InferenceStandIn;
using RagCluster.Messages;
using RagCluster.Messages.Partitions;
using RagCluster.TestKit;

namespace RagCluster.Actors.Tests.Inference;

/// <summary>The inference actors over real HTTP: what happens to those who wait when endpoints go wrong.</summary>
public sealed class InferenceLayerTests
{
    private static readonly GroundedPrompt s_prompt = new("How long is the grace period?", []);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_endpoint_that_is_gone_costs_nobody_an_answer_and_is_used_again_when_it_is_back()
    {
        await using var stand = await InferenceStand.StartAsync(2);
        await stand.StopAsync(0);
        for (var i = 0; i < 10; i++)
        {
            (await stand.AnswerAsync()).ShouldEndWith("[1].");
            (await stand.Layer.Embedder.EmbedAsync([$"text {i}"], EmbeddingPriority.Interactive, Cancellation)).Count.ShouldBe(1);
        }

        var down = (await stand.Layer.DescribeAsync(Cancellation)).Where(e => e.State == "down").ToList();
        down.ShouldNotBeEmpty();
        down.ShouldAllBe(e => e.Reason!.Contains("cannot be reached"));

        await stand.RestartAsync(0);
        await Retry.Until("the endpoint gets work again", async () =>
        {
            await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => stand.AnswerAsync()));
            return stand.Servers[0].Counts.AnswerTokens > 0;
        });
        await Retry.Until("both purposes are up", async () => (await stand.Layer.DescribeAsync(Cancellation)).All(e => e.State == "up"));
    }

    [Theory]
    [InlineData(Fault.Status500)]
    [InlineData(Fault.Status429)]
    [InlineData(Fault.Status401)]
    [InlineData(Fault.ModelMissing)]
    [InlineData(Fault.Empty)]
    [InlineData(Fault.Garbage)]
    public async Task What_fails_at_one_endpoint_is_done_by_the_other(Fault fault)
    {
        await using var stand = await InferenceStand.StartAsync(2);
        stand.Servers[0].Behaviour = stand.Servers[0].Behaviour with { Fault = fault };
        for (var i = 0; i < 6; i++)
        {
            (await stand.AnswerAsync()).ShouldEndWith("[1].");
            (await stand.Layer.Embedder.EmbedAsync(["text"], EmbeddingPriority.Ingestion, Cancellation)).Count.ShouldBe(1);
        }
    }

    [Fact]
    public async Task A_cut_answer_is_continued_where_endpoints_can_and_is_otherwise_never_taken_for_whole()
    {
        await using (var stand = await InferenceStand.StartAsync(2, continues: true))
        {
            var whole = await stand.AnswerAsync();
            stand.ForAll(b => b with { Fault = Fault.Cut, FaultShare = 0.5 });
            for (var i = 0; i < 6; i++)
            {
                (await stand.AnswerAsync()).ShouldBe(whole);
            }
        }

        await using (var stand = await InferenceStand.StartAsync(2))
        {
            stand.ForAll(b => b with { Fault = Fault.Cut });
            (await Should.ThrowAsync<InferenceException>(() => stand.AnswerAsync())).Code.ShouldBe(InferenceErrorCode.CutStream);
        }
    }

    [Fact]
    public async Task Who_goes_away_stops_the_servers_work()
    {
        await using var stand = await InferenceStand.StartAsync(1);
        stand.ForAll(b => b with { AnswerTokens = 100_000, Times = new ServiceTimes { StepMs = 5, EmbedFixedMs = 60_000 } });
        using (var going = new CancellationTokenSource())
        {
            var answer = stand.AnswerAsync(cancellation: going.Token);
            var texts = stand.Layer.Embedder.EmbedAsync(["text"], EmbeddingPriority.Interactive, going.Token).AsTask();
            await Retry.Until("both are under way", () => Task.FromResult(stand.Servers[0].Counts is { Running: 1, Requests: 2 }));
            await going.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(() => answer);
            await Should.ThrowAsync<OperationCanceledException>(() => texts);
        }

        await Retry.Until("the server has stopped both", () => Task.FromResult(stand.Servers[0].Counts is { Running: 0, Aborted: 2 }));
        await Retry.Until("both places are free", async () => (await stand.Layer.DescribeAsync(Cancellation)).All(e => e is { InFlight: 0, OutstandingTokens: 0, State: "up" }));
    }

    [Fact]
    public async Task A_text_that_is_refused_costs_its_neighbours_nothing()
    {
        await using var stand = await InferenceStand.StartAsync(1, delay: TimeSpan.FromMilliseconds(50));
        stand.ForAll(b => b with { RefusedWord = "poison" });
        var good = Enumerable.Range(0, 7).Select(i => stand.Layer.Embedder.EmbedAsync([$"text {i}"], EmbeddingPriority.Ingestion, Cancellation).AsTask()).ToList();
        var bad = stand.Layer.Embedder.EmbedAsync(["poison"], EmbeddingPriority.Ingestion, Cancellation).AsTask();
        (await Task.WhenAll(good)).Length.ShouldBe(7);
        (await Should.ThrowAsync<InferenceException>(() => bad)).Code.ShouldBe(InferenceErrorCode.Rejected);
        (await stand.Layer.DescribeAsync(Cancellation)).ShouldAllBe(e => e.State == "up");
    }

    [Fact]
    public async Task An_endpoint_whose_vectors_have_other_dimensions_is_not_believed()
    {
        await using var stand = await InferenceStand.StartAsync(2);
        var first = (await stand.Layer.Embedder.EmbedAsync(["text"], EmbeddingPriority.Interactive, Cancellation))[0];
        stand.Servers[stand.Servers[0].Counts.Texts > 0 ? 1 : 0].Behaviour = new Behaviour { Dimensions = 17 };
        for (var i = 0; i < 10; i++)
        {
            (await stand.Layer.Embedder.EmbedAsync(["text"], EmbeddingPriority.Interactive, Cancellation))[0].ShouldBe(first);
        }
    }

    [Fact]
    public async Task A_drained_endpoint_gets_nothing_and_a_fallback_model_answers_only_while_the_first_is_away()
    {
        await using var stand = await InferenceStand.StartAsync(2, models: ["large", "small"]);
        (await stand.CallAsync()).Model.ShouldBe("large");
        (await stand.Layer.SetDrainedAsync("g0", true, Cancellation)).ShouldBeTrue();
        (await stand.CallAsync()).Model.ShouldBe("small");
        (await stand.Layer.DescribeAsync(Cancellation)).Single(e => e.Name == "g0").State.ShouldBe("drained");
        (await stand.Layer.SetDrainedAsync("g0", false, Cancellation)).ShouldBeTrue();
        (await stand.CallAsync()).Model.ShouldBe("large");
        (await stand.Layer.SetDrainedAsync("nobody", true, Cancellation)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_slow_embedding_call_is_overtaken_by_a_second_endpoint()
    {
        await using var stand = await InferenceStand.StartAsync(2);
        for (var i = 0; i < 2 * HedgePolicy.LeastCalls; i++)
        {
            await stand.Layer.Embedder.EmbedAsync(["text"], EmbeddingPriority.Interactive, Cancellation);
        }

        stand.Servers[0].Behaviour = stand.Servers[0].Behaviour with { Times = new ServiceTimes { EmbedFixedMs = 100_000 } };
        await stand.Layer.Embedder.EmbedAsync(["text"], EmbeddingPriority.Interactive, Cancellation);
        await stand.Layer.Embedder.EmbedAsync(["text"], EmbeddingPriority.Interactive, Cancellation);
        await Retry.Until("the slow calls were broken off", () => Task.FromResult(stand.Servers[0].Counts.Waiting == 0));
    }

    [Fact]
    public async Task A_tenant_that_comes_beside_a_flood_is_next_and_a_flood_that_cannot_be_served_is_told_so()
    {
        await using var stand = await InferenceStand.StartAsync(1, maxQueued: 40);
        stand.ForAll(b => b with { AnswerTokens = 20, Times = new ServiceTimes { StepMs = 10 } });
        var flood = Enumerable.Range(0, 60).Select(_ => stand.AnswerAsync("flood")).ToList();
        await Retry.Until("the flood has filled the queue", async () => (await stand.Layer.DescribeAsync(Cancellation)).Any(e => e.Queued >= 30));
        (await stand.AnswerAsync("quiet")).ShouldEndWith("[1].");
        flood.Count(f => !f.IsCompleted).ShouldBeGreaterThan(20, "the quiet tenant did not wait for the flood");
        var refused = flood.Where(f => f.IsFaulted).Select(f => f.Exception!.InnerException).ToList();
        refused.ShouldNotBeEmpty();
        refused.ShouldAllBe(e => e is InferenceException && ((InferenceException)e).Code == InferenceErrorCode.RateLimited && ((InferenceException)e).RetryAfter > TimeSpan.Zero);
        await Task.WhenAll(flood.Select(async f => await f.ContinueWith(_ => { }, TaskScheduler.Default)));
        stand.Servers[0].Counts.MostRunning.ShouldBeLessThanOrEqualTo(8, "never past the capacity");
    }

    [Fact]
    public async Task A_spent_budget_refuses_before_the_endpoint_is_asked()
    {
        await using var stand = await InferenceStand.StartAsync(1, fairness: new FairnessOptions { Tenants = new Dictionary<string, TenantTerms> { ["poor"] = new(1, 60) } });
        await stand.AnswerAsync("poor");
        await Retry.Until("the budget is spent", async () => await stand.Layer.Generator.RefusalAsync(TenantId.Of("poor"), Cancellation) is not null);
        var asked = stand.Servers[0].Counts.Requests;
        var refusal = await Should.ThrowAsync<InferenceException>(() => stand.AnswerAsync("poor"));
        refusal.Code.ShouldBe(InferenceErrorCode.RateLimited);
        refusal.RetryAfter.ShouldNotBeNull();
        stand.Servers[0].Counts.Requests.ShouldBe(asked);
        (await stand.AnswerAsync("rich")).ShouldEndWith("[1].");
    }
}
