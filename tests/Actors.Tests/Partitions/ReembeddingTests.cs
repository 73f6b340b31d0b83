using System.Text.Json;
using RagCluster.Actors.Partitions;
using RagCluster.Actors.Search;
using RagCluster.CastKit;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.TestKit;

namespace RagCluster.Actors.Tests.Partitions;

/// <summary>
/// A node that starts with another embedding model than that of the vectors there are. If one of these fails, search
/// compares what cannot be compared, or loses documents where a model is changed.
/// </summary>
public sealed class ReembeddingTests
{
    private const int Documents = 12;

    private static readonly TenantId Tenant = TenantId.Of("t");

    private static readonly Principal Ann = new(Tenant, UserId.Of("ann"), RoleSet.Of("customer", "admin"));

    private static readonly string[] s_topics =
        ["wombats", "premiums", "surrender", "annuities", "beneficiaries", "smoking", "diving", "inheritance", "currencies", "complaints", "disability", "lapses"];

    [Fact]
    public void A_changed_model_embeds_everything_anew_once_also_where_the_node_dies_in_the_midst()
    {
        for (var seed = 0; seed < 6; seed++)
        {
            var first = Change(seed);
            first.Begun.ShouldBe(1);
            first.Embedded.ShouldBe(Documents + 1, "each document once, also those embedded before the crash");
            Change(seed).ShouldBe(first, $"seed {seed} is one run");
        }
    }

    [Fact]
    public void A_model_that_finds_less_is_not_switched_to_and_not_tried_again()
    {
        var runtime = new SimulatedRuntime(3);
        var world = new SimulatedWorld(runtime, new InMemoryShardStore(runtime.Time));
        runtime.RunToEnd(async () =>
        {
            await (await FilledAsync(world, 40)).DisposeAsync();
            world.Inference.Embeds = "constant";
            var node = await SimulatedCast.StartAsync(world, runtime);
            var described = await UntilAsync(node, d => d.Next is null && node.Cast.Reembedder.Board is [{ State: "kept" }]);
            described.Model!.Name.ShouldBe(SimulatedInference.EmbeddingModel);
            node.Cast.Reembedder.Board[0].Comparison!.New.ShouldBeLessThan(0.5);
            node.Cast.Reembedder.Board[0].Reason.ShouldNotBeNull().ShouldContain("Recall of 40 questions");
            await SearchAsync(node, "wombats", SearchMode.Hybrid);
            await node.DisposeAsync();

            // It is remembered: the next start does not try again, unless it is told to switch.
            var again = await SimulatedCast.StartAsync(world, runtime);
            await DescribeAsync(again);
            await Task.Delay(TimeSpan.FromSeconds(5), runtime.Time);
            again.Cast.Reembedder.Board.ShouldBeEmpty();
            await again.DisposeAsync();
            var forced = await SimulatedCast.StartAsync(world, runtime, change: o => o with { ModelChange = o.ModelChange with { SwitchAnyway = true } });
            await UntilAsync(forced, d => d.Next is null && d.Model!.Name == "constant");
            await forced.DisposeAsync();
        });
    }

    [Fact]
    public void A_model_that_is_changed_back_goes_on_with_the_index_that_is_there()
    {
        var runtime = new SimulatedRuntime(4);
        var world = new SimulatedWorld(runtime, new InMemoryShardStore(runtime.Time));
        runtime.RunToEnd(async () =>
        {
            await (await FilledAsync(world, Documents)).DisposeAsync();
            world.Inference.Embeds = "other";
            world.Inference.Delay = () => TimeSpan.FromMilliseconds(100);
            var node = await SimulatedCast.StartAsync(world, runtime);
            await UntilAsync(node, d => d.Reembedded >= 2);
            await node.DisposeAsync();
            world.Inference.Embeds = SimulatedInference.EmbeddingModel;
            var back = await SimulatedCast.StartAsync(world, runtime);
            var described = await UntilAsync(back, d => d.Next is null);
            described.Model!.Name.ShouldBe(SimulatedInference.EmbeddingModel);
            (await FoundAsync(back, TextOf(0), SearchMode.Vector)).ShouldContain("d0");
            await back.DisposeAsync();
        });
    }

    [Fact]
    public void The_users_own_questions_decide_where_there_are_some()
    {
        var runtime = new SimulatedRuntime(5);
        var world = new SimulatedWorld(runtime, new InMemoryShardStore(runtime.Time));
        runtime.RunToEnd(async () =>
        {
            await (await FilledAsync(world, Documents)).DisposeAsync();
            world.Inference.Embeds = "other";
            CheckQuestion[] questions = [new("wombats", ["d0"]), new("premiums", ["d1"]), new("nothing here", ["no such document"])];
            var node = await SimulatedCast.StartAsync(world, runtime, change: o => o with { ModelChange = o.ModelChange with { Questions = questions } });
            await UntilAsync(node, d => d.Model!.Name == "other");
            node.Cast.Reembedder.Board.Single().Comparison!.Queries.ShouldBe(2);
            await node.DisposeAsync();
        });
    }

    /// <summary>Twelve documents by one model; a start with another, killed in the midst; a third that ends it, while one more document comes.</summary>
    private static (ulong Trace, int Begun, int Embedded) Change(int seed)
    {
        var runtime = new SimulatedRuntime(seed);
        var store = new InMemoryShardStore(runtime.Time);
        var world = new SimulatedWorld(runtime, store);
        var events = runtime.Run(async () =>
        {
            var first = await FilledAsync(world, Documents);
            await first.DisposeAsync();
            world.Inference.Embeds = "other";
            world.Inference.Delay = () => TimeSpan.FromMilliseconds(50 + runtime.Random.Next(100));
            var second = await SimulatedCast.StartAsync(world, runtime, "second");
            var described = await UntilAsync(second, d => d.Reembedded >= 3);
            described.Model!.Name.ShouldBe(SimulatedInference.EmbeddingModel, "what is searched is the old index");
            described.Next!.Name.ShouldBe("other");

            // Meanwhile questions are answered by words: the model before cannot be asked any more.
            (await SearchAsync(second, "wombats", SearchMode.Hybrid)).ShouldBe("d0");

            // Left behind, as a process that dies: the next start fences it.
            var third = await SimulatedCast.StartAsync(world, runtime, "third");
            await IndexAsync(third, "late", "A late document about quolls and their premiums, which came in meanwhile.");
            described = await UntilAsync(third, d => d.Next is null && d.Model?.Name == "other");
            described.Documents.ShouldBe(Documents + 1);
            for (var i = 0; i < Documents; i++)
            {
                (await FoundAsync(third, TextOf(i), SearchMode.Vector)).ShouldContain($"d{i}");
            }

            (await SearchAsync(third, "quolls", SearchMode.Hybrid)).ShouldBe("late");
            await second.DisposeAsync();
            await third.DisposeAsync();
            return await EventsAsync(store);
        });
        runtime.ForeignSteps.ShouldBe(0);
        events.OfType<ReembeddingEnded>().ShouldHaveSingleItem().Switched.ShouldBeTrue();
        var anew = events.OfType<ChunksReembedded>().Select(e => e.Document.Value).Concat(events.OfType<ChunksIndexed>().Where(e => e.Model == "other").Select(e => e.Document.Value)).ToList();
        anew.ShouldBeUnique();
        return (runtime.TraceHash, events.OfType<ReembeddingBegun>().Count(), anew.Count);
    }

    private static string TextOf(int i) => $"Document number {i} speaks of {s_topics[i % s_topics.Length]} and of little else, at length {i}.";

    private static async Task<SimulatedCast> FilledAsync(SimulatedWorld world, int documents)
    {
        var node = await SimulatedCast.StartAsync(world, world.Runtime, "first");
        for (var i = 0; i < documents; i++)
        {
            await IndexAsync(node, $"d{i}", TextOf(i));
        }

        return node;
    }

    private static async Task IndexAsync(SimulatedCast node, string id, string text)
    {
        (await node.IngestAsync(Tenant, id, text)).Reply.ShouldBeOfType<DocumentAccepted>();
        await foreach (var (_, e) in (await node.Cast.Documents.SubscribeAsync(Ann, DocumentId.Of(id), 0))!)
        {
            if (e is DocumentProgressed { Reached: Indexed })
            {
                break;
            }
        }
    }

    private static async Task<string> SearchAsync(SimulatedCast node, string query, SearchMode mode) => (await FoundAsync(node, query, mode)).FirstOrDefault("nothing");

    private static async Task<IReadOnlyList<string>> FoundAsync(SimulatedCast node, string query, SearchMode mode) =>
        [.. (await node.Cast.Searcher.SearchAsync(Ann, query, SearchFilter.None, mode, 3, default)).Passages.Select(p => p.Passage.Document.Value)];

    private static async Task<PartitionDescribed> DescribeAsync(SimulatedCast node) =>
        (await node.Cast.Partitions.DescribeAsync(Tenant, TimeSpan.FromSeconds(30), CancellationToken.None)).ShouldHaveSingleItem().Described;

    private static async Task<PartitionDescribed> UntilAsync(SimulatedCast node, Func<PartitionDescribed, bool> holds)
    {
        for (var i = 0; i < 3_000; i++)
        {
            if (await DescribeAsync(node) is var described && holds(described))
            {
                return described;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), node.System.Runtime.Time);
        }

        throw new TimeoutException($"In a minute of the simulation's it did not become so: {await DescribeAsync(node)}, {string.Join(", ", node.Cast.Reembedder.Board)}");
    }

    private static async Task<List<PartitionEvent>> EventsAsync(InMemoryShardStore store)
    {
        var events = new List<PartitionEvent>();
        foreach (var shard in await store.PrepareShardsAsync("partition", 16))
        {
            long after = 0;
            while (await store.ReadShardAsync(shard.ShardId, after, PageLimit.Default) is { Count: > 0 } page)
            {
                foreach (var record in page)
                {
                    events.Add(JsonSerializer.Deserialize(record.Payload.Span, MessagesJson.Default.PartitionEvent)!);
                    after = record.ShardSeq;
                }
            }
        }

        return events;
    }
}
