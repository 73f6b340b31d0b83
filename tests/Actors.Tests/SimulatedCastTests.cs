using RagCluster.Actors.Search;
using RagCluster.CastKit;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.TestKit;

namespace RagCluster.Actors.Tests;

/// <summary>
/// The cast in a world on one thread. Where one of these fails, some wait left the simulated runtime for the thread pool,
/// and no seed reproduces anything any more.
/// </summary>
public sealed class SimulatedCastTests
{
    private const string Terms = "The free look period is 10 days. You may return the policy within this time. The grace period for premiums is 31 days.";

    private static readonly TenantId Tenant = TenantId.Of("t");

    private static readonly Principal Ann = new(Tenant, UserId.Of("ann"), RoleSet.Of("customer", "admin"));

    [Fact]
    public void A_seed_gives_one_run_of_the_whole_cast()
    {
        var first = Play(7, _ => EndpointFault.None);
        first.Answer.ShouldBe("The free look period is 10 days [1].");
        first.Steps.ShouldBeGreaterThan(100);
        Play(7, _ => EndpointFault.None).ShouldBe(first);
        Play(8, _ => EndpointFault.None).Trace.ShouldNotBe(first.Trace, "another seed is another schedule");
    }

    [Fact]
    public void It_does_so_when_endpoints_fail_and_the_node_is_left_behind_for_another()
    {
        for (var seed = 0; seed < 10; seed++)
        {
            var first = Play(seed, Fault, crash: true);
            Play(seed, Fault, crash: true).ShouldBe(first, $"seed {seed}");
        }

        static EndpointFault Fault(SimulatedRuntime runtime) => runtime.Random.Next(3) == 0 ? (EndpointFault)runtime.Random.Next(1, 6) : EndpointFault.None;
    }

    [Fact]
    public void The_next_owner_takes_up_the_index_that_the_last_one_saved()
    {
        var runtime = new SimulatedRuntime(5);
        var store = new InMemoryShardStore(runtime.Time);
        var world = new SimulatedWorld(runtime, store);
        runtime.RunToEnd(async () =>
        {
            var first = await SimulatedCast.StartAsync(world, runtime, "first", change: Eager);
            await IndexAsync(first, "terms", Terms);
            await Task.Delay(TimeSpan.FromSeconds(1), runtime.Time);
            var shards = await store.PrepareShardsAsync("partition", Eager(new CastOptions { IndexFolder = "", CatalogFile = null }).PartitionEntities.Shards);
            var saved = new List<Snapshot>();
            foreach (var shard in shards)
            {
                if (await store.LoadSnapshotAsync(shard.ShardId, "t/0") is { } snapshot)
                {
                    saved.Add(snapshot);
                }
            }

            System.Text.Encoding.UTF8.GetString(saved.ShouldHaveSingleItem().Attachment.Span).ShouldContain("blobs");
            var second = await SimulatedCast.StartAsync(world, runtime, "second", change: Eager);
            (await second.Cast.Searcher.SearchAsync(Ann, "free look period", SearchFilter.None, SearchMode.Hybrid, 5, default)).Passages.ShouldNotBeEmpty();
            await IndexAsync(second, "more", "The waiting period is one year.");
            await first.DisposeAsync();
            await second.DisposeAsync();
        });
        runtime.ForeignSteps.ShouldBe(0);

        static CastOptions Eager(CastOptions options) => options with { PartitionEntities = options.PartitionEntities with { SnapshotEvery = 1 } };
    }

    [Fact]
    public void Another_spread_of_the_documents_is_refused_once_there_are_any()
    {
        var runtime = new SimulatedRuntime(5);
        var world = new SimulatedWorld(runtime, new InMemoryShardStore(runtime.Time));
        runtime.RunToEnd(async () =>
        {
            await (await SimulatedCast.StartAsync(world, runtime, change: o => o with { PartitionsPerTenant = 2, Shared = false })).DisposeAsync();
            var node = await SimulatedCast.StartAsync(world, runtime, change: o => o with { PartitionsPerTenant = 3, Shared = false });
            await IndexAsync(node, "terms", Terms);
            await node.DisposeAsync();
            foreach (var shared in new[] { false, true })
            {
                // Should.ThrowAsync would leave the simulation.
                StoreRefusedException? refusal = null;
                try
                {
                    await SimulatedCast.StartAsync(world, runtime, change: o => o with { PartitionsPerTenant = 4, Shared = shared });
                }
                catch (StoreRefusedException e)
                {
                    refusal = e;
                }

                refusal.ShouldNotBeNull().Message.ShouldContain("Set partitions.per-tenant = 3");
            }
        });
    }

    [Fact]
    public void An_owner_with_too_many_documents_makes_sources_elsewhere_wait()
    {
        var runtime = new SimulatedRuntime(5);
        var world = new SimulatedWorld(runtime, new InMemoryShardStore(runtime.Time));
        world.Parser.Delay = () => TimeSpan.FromSeconds(1);
        runtime.RunToEnd(async () =>
        {
            var node = await SimulatedCast.StartAsync(
                world, runtime, change: o => o with { Documents = o.Documents with { Concurrency = 1, MaxInFlight = 2 } });
            // All at once, so that nobody waits for admission, as on a node where nothing waits; the blobs spread them.
            world.Blobs.Delay = () => TimeSpan.FromMilliseconds(runtime.Random.Next(1000));
            var all = Enumerable.Range(0, 60).Select(n => node.IngestAsync(Tenant, $"d{n}", $"Document {n}.")).ToList();
            await Task.Delay(TimeSpan.FromSeconds(5), runtime.Time);
            all.Count(task => task.IsCompleted).ShouldBeInRange(5, 15, "the others wait at their source");
            for (var n = 0; n < all.Count; n++)
            {
                (await all[n]).Reply.ShouldBeOfType<DocumentAccepted>();
                await IndexedAsync(node, $"d{n}");
            }

            await node.DisposeAsync();
        });
    }

    private static async Task IndexAsync(SimulatedCast node, string id, string text)
    {
        (await node.IngestAsync(Tenant, id, text)).Reply.ShouldBeOfType<DocumentAccepted>();
        await IndexedAsync(node, id);
    }

    private static async Task IndexedAsync(SimulatedCast node, string id)
    {
        await foreach (var (_, e) in (await node.Cast.Documents.SubscribeAsync(Ann, DocumentId.Of(id), 0))!)
        {
            if (e is DocumentProgressed { Reached: Indexed })
            {
                break;
            }
        }
    }

    private static (ulong Trace, long Steps, TimeSpan Elapsed, string Answer) Play(int seed, Func<SimulatedRuntime, EndpointFault> fault, bool crash = false)
    {
        var runtime = new SimulatedRuntime(seed);
        var faults = new StoreFaults { Delay = () => TimeSpan.FromMicroseconds(runtime.Random.Next(5000)) };
        var world = new SimulatedWorld(runtime, new InMemoryShardStore(runtime.Time, faults));
        world.Blobs.Delay = world.Parser.Delay = world.Inference.Delay = () => TimeSpan.FromMicroseconds(runtime.Random.Next(20_000));
        world.Inference.EmbeddingFault = world.Inference.ChatFault = () => fault(runtime);
        var started = runtime.Time.GetTimestamp();
        var answer = runtime.Run(() => AnswerAsync(world, crash));
        runtime.ForeignSteps.ShouldBe(0, "a wait came back from a thread that is not the simulation's");
        return (runtime.TraceHash, runtime.Steps, runtime.Time.GetElapsedTime(started), answer);
    }

    /// <summary>A document and questions about it, until one is answered.</summary>
    private static async Task<string> AnswerAsync(SimulatedWorld world, bool crash)
    {
        var node = await SimulatedCast.StartAsync(world, world.Runtime);
        (await node.IngestAsync(Tenant, "terms", Terms)).Reply.ShouldBeOfType<DocumentAccepted>();
        SimulatedCast? left = null;
        if (crash)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(world.Runtime.Random.Next(60)), world.Runtime.Time);
            (left, node) = (node, await SimulatedCast.StartAsync(world, world.Runtime));
        }

        await IndexedAsync(node, "terms");

        var conversation = ConversationId.Of("c");
        for (var n = 1; ; n++)
        {
            var question = QuestionId.Of($"q{n}");
            (await node.Cast.Conversations.AskAsync(Ann, conversation, question, "How long is the free look period?")).Reply.ShouldBeOfType<Accepted>();
            if (crash && n == 1)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(world.Runtime.Random.Next(60)), world.Runtime.Time);
                await left!.DisposeAsync();
                (left, node) = (node, await SimulatedCast.StartAsync(world, world.Runtime));
            }

            var turn = (await node.Cast.Conversations.AnswerOfAsync(Ann, conversation, question))!.Value.Turn;
            if (turn is not { Status: TurnStatus.Completed, Citations.Count: > 0 })
            {
                continue;
            }

            turn.Citations[0].Quote.ShouldContain("10 days");
            await node.Cast.Catalog.CaughtUpAsync();
            (await node.Cast.Catalog.ListDocumentsAsync(Ann, new(null, 10, null, null))).Documents.ShouldHaveSingleItem().Status.ShouldBe(DocumentStatus.Indexed);
            (await node.Cast.Catalog.ListConversationsAsync(Ann, 10)).ShouldHaveSingleItem().Questions.ShouldBe(n);
            foreach (var running in new[] { left, node }.OfType<SimulatedCast>())
            {
                await running.DisposeAsync();
            }

            return turn.Answer;
        }
    }
}
