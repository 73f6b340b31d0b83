using System.Net;
using RagCluster.Actors.Search;
using RagCluster.Ingestion.Parsing;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors.Tests;

/// <summary>The promises on one node, with every actor real and the world around them scripted.</summary>
public sealed class CastTests
{
    private const string Terms = "The free look period is 10 days. You may return the policy within this time. The grace period for premiums is 31 days.";

    [Fact]
    public async Task A_document_is_found_and_cited_with_its_exact_span()
    {
        await using var stand = await Stand.StartAsync(NewStore());
        await stand.IndexAsync("terms", Terms);
        await stand.AskAsync("c", "q", "How long is the free look period?");

        var answer = await stand.AnswerAsync("c", "q");
        answer.Status.ShouldBe(TurnStatus.Completed);
        answer.Citations.ShouldNotBeEmpty();
        foreach (var citation in answer.Citations)
        {
            var text = await stand.Cast.Documents.ReadTextAsync(Stand.Ann, citation.Document, citation.Version, TestContext.Current.CancellationToken);
            text!.Text[citation.Start..citation.End].ShouldBe(citation.Quote);
        }

        answer.Citations[0].Quote.ShouldContain("10 days");
    }

    [Fact]
    public async Task A_question_whose_owner_dies_in_mid_answer_is_answered_once_by_the_next()
    {
        var store = NewStore();
        using var dying = new ScriptedModel("The free look period is ") { Hangs = true };
        var first = await Stand.StartAsync(store, dying);
        await first.IndexAsync("terms", Terms);
        await first.AskAsync("c", "q", "How long is the free look period?");
        await first.EventsAsync("c", e => e is AnswerDelta);

        using var model = new ScriptedModel("The free look period is ", "10 days. [1]");
        await using var second = await Stand.StartAsync(store, model);
        var events = await second.EventsAsync("c", e => e is AnswerCompleted);

        events.Select(e => e.Seq).ShouldBe(Enumerable.Range(1, events.Count).Select(i => (long)i));
        events.Count(e => e.Event is AnswerRestarted).ShouldBe(1, "the text shown before the crash is void, and the reader is told");
        var deltas = events.SkipWhile(e => e.Event is not AnswerRestarted).Select(e => e.Event).OfType<AnswerDelta>();
        var completed = events[^1].Event.ShouldBeOfType<AnswerCompleted>();
        string.Concat(deltas.Select(d => d.Text)).Trim().ShouldBe(completed.Text);
        completed.Citations.ShouldHaveSingleItem().Quote.ShouldContain("10 days");

        // The first node still runs; what it writes now must not arrive.
        (await second.AnswerAsync("c", "q")).Answer.ShouldBe(completed.Text);
        await first.DisposeAsync();
        (await second.EventsAsync("c", e => e is AnswerCompleted)).Select(Written).ShouldBe(events.Select(Written), "a fenced owner writes nothing");
    }

    [Fact]
    public async Task Cancelling_ends_the_question_and_the_models_work()
    {
        using var model = new ScriptedModel("It ") { Hangs = true };
        await using var stand = await Stand.StartAsync(NewStore(), model);
        await stand.IndexAsync("terms", Terms);
        await stand.AskAsync("c", "q", "How long is the free look period?");
        await stand.EventsAsync("c", e => e is AnswerDelta);

        (await stand.Cast.Conversations.CancelAsync(Stand.Ann, ConversationId.Of("c"), QuestionId.Of("q"), TestContext.Current.CancellationToken)).Reply.ShouldBeOfType<Accepted>();
        (await stand.AnswerAsync("c", "q")).Status.ShouldBe(TurnStatus.Cancelled);
        await model.Aborted.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_model_that_fails_fails_the_question_with_a_reason_and_the_next_is_answered()
    {
        using var model = new ScriptedModel("The grace period is 31 days. [1]") { Status = HttpStatusCode.Unauthorized };
        await using var stand = await Stand.StartAsync(NewStore(), model);
        await stand.IndexAsync("terms", Terms);
        await stand.AskAsync("c", "q1", "How long is the grace period?");
        var failed = (await stand.EventsAsync("c", e => e is AnswerFailed))[^1].Event.ShouldBeOfType<AnswerFailed>();
        failed.Code.ShouldBe("inference-unauthorized");
        failed.Detail.ShouldNotBeNullOrWhiteSpace();

        model.Status = HttpStatusCode.OK;
        await stand.AskAsync("c", "q2", "How long is the grace period?");
        (await stand.AnswerAsync("c", "q2")).Status.ShouldBe(TurnStatus.Completed);
    }

    [Fact]
    public async Task A_document_whose_owner_dies_in_mid_work_is_indexed_once_by_the_next()
    {
        var store = NewStore();
        var stuck = new StuckParser();
        var first = await Stand.StartAsync(store, parser: stuck);
        await first.ReceiveAsync("terms", Terms);
        await stuck.Reached.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        await using var second = await Stand.StartAsync(store);
        var view = await second.StatusAsync("terms", DocumentStatus.Indexed);
        view.Version.ShouldBe(1);
        var found = await SearchAsync(second, Stand.Ann, "free look period");
        found.Count.ShouldBe(view.Chunks, "no chunk is there twice");
        await first.DisposeAsync();
    }

    [Fact]
    public async Task A_document_waits_for_an_embedding_endpoint_that_comes_back()
    {
        using var endpoint = new EmbeddingServer { IsDown = true };
        await using var stand = await Stand.StartAsync(NewStore(), embeddings: endpoint);
        await stand.ReceiveAsync("terms", Terms);
        var failed = await stand.StatusAsync("terms", DocumentStatus.Failed);
        failed.FailureCode.ShouldBe(FailureCodes.EmbeddingUnavailable);
        failed.RetryAt.ShouldNotBeNull();

        endpoint.IsDown = false;
        (await stand.StatusAsync("terms", DocumentStatus.Indexed)).Chunks.ShouldBe(1);
    }

    [Fact]
    public async Task From_the_moment_that_a_change_of_readers_or_a_removal_returns_every_search_obeys()
    {
        await using var stand = await Stand.StartAsync(NewStore());
        var customer = Stand.Ann with { Roles = RoleSet.Of("customer") };
        var document = DocumentId.Of("terms");
        await stand.IndexAsync("terms", Terms);
        (await SearchAsync(stand, customer, "free look")).ShouldNotBeEmpty();

        for (var round = 0; round < 10; round++)
        {
            await stand.Cast.Documents.ChangeAccessAsync(Stand.Ann, document, RoleSet.Of("underwriter"), TestContext.Current.CancellationToken);
            (await SearchAsync(stand, customer, "free look")).ShouldBeEmpty();
            (await stand.Cast.Documents.ReadTextAsync(customer, document, null, TestContext.Current.CancellationToken)).ShouldBeNull();
            await stand.Cast.Documents.ChangeAccessAsync(Stand.Ann, document, RoleSet.Of("customer"), TestContext.Current.CancellationToken);
            (await SearchAsync(stand, customer, "free look")).ShouldNotBeEmpty();
        }

        await stand.Cast.Documents.RemoveAsync(Stand.Ann, document, TestContext.Current.CancellationToken);
        (await SearchAsync(stand, customer, "free look")).ShouldBeEmpty();
        (await stand.Cast.Documents.ReadAsync(Stand.Ann, document, TestContext.Current.CancellationToken)).ShouldBeNull();
    }

    [Fact]
    public async Task A_new_version_with_fewer_readers_shows_nobody_the_old_one_meanwhile()
    {
        await using var stand = await Stand.StartAsync(NewStore());
        var customer = Stand.Ann with { Roles = RoleSet.Of("customer") };
        await stand.IndexAsync("terms", Terms);
        await stand.ReceiveAsync("terms", Terms + " Changed.", "underwriter");
        (await stand.StatusAsync("terms", DocumentStatus.Indexed)).Version.ShouldBe(2);

        (await SearchAsync(stand, customer, "free look")).ShouldBeEmpty();
        (await SearchAsync(stand, customer with { Roles = RoleSet.Of("underwriter") }, "free look")).ShouldAllBe(p => p.Passage.Version == 2);
    }

    [Fact]
    public async Task Tenants_never_mix()
    {
        await using var stand = await Stand.StartAsync(NewStore());
        await stand.IndexAsync("terms", Terms);
        var stranger = Stand.Ann with { Tenant = TenantId.Of("other") };

        (await SearchAsync(stand, stranger, "free look")).ShouldBeEmpty();
        (await stand.Cast.Documents.ReadAsync(stranger, DocumentId.Of("terms"), TestContext.Current.CancellationToken)).ShouldBeNull();
        (await stand.Cast.Documents.ReadTextAsync(stranger, DocumentId.Of("terms"), 1, TestContext.Current.CancellationToken)).ShouldBeNull();
    }

    private static InMemoryShardStore NewStore() => new(TimeProvider.System);

    private static async Task<IReadOnlyList<ScoredPassage>> SearchAsync(Stand stand, Principal principal, string query) =>
        (await stand.Cast.Searcher.SearchAsync(principal, query, SearchFilter.None, SearchMode.Hybrid, 50, TestContext.Current.CancellationToken)).Passages;

    /// <summary>Never ends parsing: its node dies before.</summary>
    private sealed class StuckParser : IDocumentParser
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Reached => _reached.Task;

        public Task<ParseResult> ParseAsync(ReadOnlyMemory<byte> content, string name, string? mediaType, CancellationToken cancellation)
        {
            _reached.TrySetResult();
            return new TaskCompletionSource<ParseResult>().Task.WaitAsync(cancellation);
        }
    }

    private sealed class EmbeddingServer : HttpMessageHandler
    {
        public bool IsDown { get; set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (IsDown)
            {
                return new HttpResponseMessage(HttpStatusCode.ServiceUnavailable) { Content = new StringContent("down") };
            }

            using var body = System.Text.Json.JsonDocument.Parse(await request.Content!.ReadAsStringAsync(cancellationToken));
            var count = body.RootElement.GetProperty("input").GetArrayLength();
            var data = string.Join(",", Enumerable.Range(0, count).Select(i => $$"""{"object":"embedding","index":{{i}},"embedding":[1,0,0,0]}"""));
            return new HttpResponseMessage(HttpStatusCode.OK)
            {
                Content = new StringContent($$"""{"object":"list","data":[{{data}}],"model":"e"}""", System.Text.Encoding.UTF8, "application/json"),
            };
        }
    }

    /// <summary>As in the journal: two reads of one event hold lists of their own, unless both come from memory.</summary>
    private static string Written(Recorded<ConversationEvent> recorded) =>
        $"{recorded.Seq} {System.Text.Json.JsonSerializer.Serialize(recorded.Event, MessagesJson.Default.ConversationEvent)}";
}
