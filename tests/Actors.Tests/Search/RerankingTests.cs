using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Actors.Inference;
using RagCluster.Actors.Partitions;
using RagCluster.Actors.Search;
using RagCluster.Inference;
using RagCluster.Inference.Reranking;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors.Tests.Search;

/// <summary>A re-ranker changes the order and nothing else; one that fails or hangs must not cost the search.</summary>
public sealed class RerankingTests
{
    [Fact]
    public async Task The_best_are_put_into_the_models_order_and_the_rest_stays_behind_them()
    {
        var result = await SearchAsync(new Judge((_, texts) => [.. texts.Select(text => text.EndsWith('3') ? 9f : text.EndsWith('2') ? -1f : 0f)]), candidates: 3);
        result.Passages.Select(p => p.Passage.Text).ShouldBe(["text 3", "text 1", "text 2", "text 4"]);
        result.Passages.Select(p => p.Score).ShouldBeInOrder(SortDirection.Descending);
        result.RerankFailure.ShouldBeNull();
        result.Explanations!.Select(e => e.Rerank).ShouldBe([9, 0, -1, null]);
        result.Explanations![0].FusedRank.ShouldBe(3);
    }

    [Theory]
    [InlineData("throws", "the endpoint is down")]
    [InlineData("hangs", "did not answer within 0.05 s")]
    [InlineData("short", "1 scores for 4 passages")]
    [InlineData("nan", "0 scores for 4 passages")]
    public async Task Where_it_fails_the_fused_order_stands_and_the_result_says_so(string how, string expected)
    {
        var result = await SearchAsync(new Judge((_, texts) => how switch
        {
            "throws" => throw new InferenceException(InferenceErrorCode.Unreachable, "the endpoint is down"),
            "short" => [1f],
            "nan" => [.. texts.Select(_ => float.NaN)],
            _ => null,
        }));
        result.Passages.Select(p => p.Passage.Text).ShouldBe(["text 1", "text 2", "text 3", "text 4"]);
        result.RerankFailure.ShouldNotBeNull().ShouldContain(expected);
        result.Explanations!.ShouldAllBe(e => e.Rerank == null);
    }

    private static Task<SearchResult> SearchAsync(Judge model, int candidates = 10)
    {
        var options = new SearchOptions { RerankCandidates = candidates, RerankDeadline = TimeSpan.FromMilliseconds(50) };
        return new Searcher(new PartitionDirectory(new Partition(), 1), new Embedder(), options, NullLogger<Searcher>.Instance, model) { Time = TimeProvider.System }
            .SearchAsync(new SearchRequest(new Principal(TenantId.Of("t"), UserId.Of("ann"), RoleSet.Empty), "fees") { Explain = true }, TestContext.Current.CancellationToken);
    }

    /// <summary>Scores that are null never come.</summary>
    private sealed class Judge(Func<string, IReadOnlyList<string>, IReadOnlyList<float>?> score) : IReranker
    {
        public string Model => "m";

        public async ValueTask<IReadOnlyList<float>> ScoreAsync(string query, IReadOnlyList<string> texts, CancellationToken cancellationToken)
        {
            if (score(query, texts) is { } scores)
            {
                return scores;
            }

            await Task.Delay(Timeout.Infinite, cancellationToken);
            throw new InvalidOperationException("Nothing ends an infinite wait but its token.");
        }

        public void Dispose()
        {
        }
    }

    private sealed class Partition : IRegion<PartitionCommand, PartitionEvent, PartitionReply>
    {
        public async ValueTask<Committed<PartitionReply>> AskAsync(
            EntityId id, PartitionCommand command, CommandId? commandId, TimeSpan timeout, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            PartitionReply reply = command is CountTerms
                ? new TermStatistics(4, new Dictionary<string, long>(), new Dictionary<string, long>())
                : new PassagesFound([.. Enumerable.Range(1, 4).Select(i => new ScoredPassage(new Passage(DocumentId.Of($"d{i}"), 1, 0, 0, 6, $"text {i}"), 5 - i))], []);
            return new Committed<PartitionReply>(reply, 1);
        }

        public IAsyncEnumerable<Recorded<PartitionEvent>> SubscribeAsync(EntityId id, long after, CancellationToken cancellationToken = default) =>
            throw new InvalidOperationException("A search follows nothing.");
    }

    private sealed class Embedder : IEmbedder
    {
        public string Model => "none";

        public int Dimensions => 0;

        public ValueTask<IReadOnlyList<Embedding>> EmbedAsync(IReadOnlyList<string> texts, EmbeddingPriority priority, CancellationToken cancellationToken) =>
            ValueTask.FromResult<IReadOnlyList<Embedding>>([.. texts.Select(_ => Embedding.Of([1f, 0f]))]);
    }
}
