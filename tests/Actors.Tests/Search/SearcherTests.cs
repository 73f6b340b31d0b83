using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Actors.Inference;
using RagCluster.Actors.Partitions;
using RagCluster.Actors.Search;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors.Tests.Search;

/// <summary>Scatter and gather, with partitions that are elsewhere, late, broken or gone.</summary>
public sealed class SearcherTests
{
    private static readonly Principal Ann = new(TenantId.Of("t"), UserId.Of("ann"), RoleSet.Empty);

    public static TheoryData<string> Failures => ["late", "gone", "recovering", "broken"];

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_partition_that_does_not_answer_is_left_out_and_the_result_says_so(string failure)
    {
        var result = await SearchAsync(new Partitions { [1] = (Count: Error(failure), Find: null), });
        (result.Partitions, result.Answered, result.IsPartial).ShouldBe((3, 2, true));
        result.Passages.Select(p => p.Passage.Document.Value).ShouldBe(["d0", "d2"], ignoreOrder: true);

        result = await SearchAsync(new Partitions { [2] = (Count: null, Find: Error(failure)), });
        (result.Answered, result.IsPartial).ShouldBe((2, true));
        result.Passages.Select(p => p.Passage.Document.Value).ShouldBe(["d0", "d1"], ignoreOrder: true);
    }

    [Fact]
    public async Task When_all_answer_the_result_is_whole() => (await SearchAsync([])).IsPartial.ShouldBeFalse();

    [Fact]
    public async Task When_none_answers_it_is_an_error_and_not_an_empty_result() =>
        await Should.ThrowAsync<EntityUnavailableException>(() => SearchAsync(new Partitions
        {
            [0] = (Error("gone"), null), [1] = (Error("late"), null), [2] = (Error("broken"), null),
        }));

    private static Exception Error(string failure) => failure switch
    {
        "late" => new TimeoutException("late"),
        "gone" => new EntityUnavailableException("gone"),
        "recovering" => new EntityFailedException("recovering"),
        _ => new CommandFailedException("broken"),
    };

    private static Task<SearchResult> SearchAsync(Partitions partitions) =>
        new Searcher(new PartitionDirectory(partitions, 3), new NoEmbedder(), new SearchOptions(), NullLogger<Searcher>.Instance)
            .SearchAsync(Ann, "fees", SearchFilter.None, SearchMode.Lexical, 10, TestContext.Current.CancellationToken);

    /// <summary>Three partitions with a document each; those named fail in one of the two rounds.</summary>
    private sealed class Partitions : Dictionary<int, (Exception? Count, Exception? Find)>, IRegion<PartitionCommand, PartitionEvent, PartitionReply>
    {
        public async ValueTask<Committed<PartitionReply>> AskAsync(
            EntityId id, PartitionCommand command, CommandId? commandId, TimeSpan timeout, CancellationToken cancellationToken = default)
        {
            await Task.Yield();
            var number = int.Parse(id.Value.Split('/')[1], System.Globalization.CultureInfo.InvariantCulture);
            var (count, find) = this.GetValueOrDefault(number);
            if ((command is CountTerms ? count : find) is { } error)
            {
                throw error;
            }

            PartitionReply reply = command is CountTerms
                ? new TermStatistics(1, new Dictionary<string, long>(), new Dictionary<string, long>())
                : new PassagesFound([new ScoredPassage(new Passage(DocumentId.Of($"d{number}"), 1, 0, 0, 4, "fees"), 1)], []);
            return new Committed<PartitionReply>(reply, 1);
        }

        public IAsyncEnumerable<Recorded<PartitionEvent>> SubscribeAsync(EntityId id, long after, CancellationToken cancellationToken = default) =>
            throw new InvalidOperationException("A search follows nothing.");
    }

    private sealed class NoEmbedder : IEmbedder
    {
        public string Model => "none";

        public int Dimensions => 0;

        public ValueTask<IReadOnlyList<Embedding>> EmbedAsync(IReadOnlyList<string> texts, EmbeddingPriority priority, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("A search by words embeds nothing.");
    }
}
