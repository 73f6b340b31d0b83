using RagCluster.Actors.Search;
using RagCluster.CastKit;
using RagCluster.Kernel;
using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.TestKit;

namespace RagCluster.Actors.Tests;

/// <summary>The promises with the cast on several nodes, in virtual time.</summary>
public sealed class ClusterCastTests
{
    private const string Terms = "The free look period is 10 days. You may return the policy within this time. The grace period for premiums is 31 days.";

    private static readonly TenantId Tenant = TenantId.Of("t");

    private static readonly Principal Ann = new(Tenant, UserId.Of("ann"), RoleSet.Of("customer", "admin"));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_question_whose_owner_is_killed_in_mid_answer_is_answered_by_the_next_for_a_reader_elsewhere(int seed) => Simulate(seed, async world =>
    {
        var nodes = await world.StartAsync(3);
        await CastWorld.IndexAsync(nodes[0], "terms", Terms);

        // Slow enough to die in the middle of it.
        world.Shared.Inference.Delay = () => TimeSpan.FromMilliseconds(300);
        var (conversation, question) = (ConversationId.Of("c"), QuestionId.Of("q"));
        (await nodes[1].Cast.Conversations.AskAsync(Ann, conversation, question, "How long is the free look period?")).Reply.ShouldBeOfType<Accepted>();
        var owner = await world.OwnerOfAsync("conversation", "t/c");
        var reader = nodes.First(node => node.Entities.Node != owner);
        var seen = new List<Recorded<ConversationEvent>>();
        await foreach (var recorded in (await reader.Cast.Conversations.SubscribeAsync(Ann, conversation, 0))!)
        {
            seen.Add(recorded);
            if (recorded.Event is AnswerDelta && seen.Count(e => e.Event is AnswerDelta) == 2)
            {
                world.Kill(nodes.Single(node => node.Entities.Node == owner));
            }

            if (recorded.Event is AnswerCompleted or AnswerFailed)
            {
                break;
            }
        }

        seen.Select(e => e.Seq).ShouldBe(Enumerable.Range(1, seen.Count).Select(n => (long)n), "no gap and no repetition across owners");
        seen.Count(e => e.Event is AnswerRestarted).ShouldBe(1, "what was shown is void, and the reader is told");
        var completed = seen[^1].Event.ShouldBeOfType<AnswerCompleted>();
        completed.Citations.ShouldNotBeEmpty();
        string.Concat(seen.SkipWhile(e => e.Event is not AnswerRestarted).Select(e => e.Event).OfType<AnswerDelta>().Select(d => d.Text)).Trim().ShouldBe(completed.Text);
        (await world.OwnerOfAsync("conversation", "t/c")).ShouldNotBe(owner);
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_document_whose_owner_is_killed_in_mid_work_is_indexed_by_the_next_and_found_from_everywhere(int seed) => Simulate(seed, async world =>
    {
        var nodes = await world.StartAsync(3);
        world.Shared.Parser.Delay = () => TimeSpan.FromSeconds(2);
        (await nodes[0].IngestAsync(Tenant, "terms", Terms)).Reply.ShouldBeOfType<DocumentAccepted>();
        var owner = await world.OwnerOfAsync("document", "t/terms");
        await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
        world.Kill(nodes.Single(node => node.Entities.Node == owner));
        foreach (var node in nodes.Where(node => node.Entities.Node != owner))
        {
            await CastWorld.IndexedAsync(node, "terms");
            var found = await node.Cast.Searcher.SearchAsync(Ann, "free look period", SearchFilter.None, SearchMode.Hybrid, 50, default);
            found.IsPartial.ShouldBeFalse();
            found.Passages.Count.ShouldBe(1, "no chunk is there twice");
            await node.Cast.Catalog.CaughtUpAsync();
            (await node.Cast.Catalog.ListDocumentsAsync(Ann, new(null, 10, null, null))).Documents.ShouldHaveSingleItem().Status.ShouldBe(DocumentStatus.Indexed);
        }
    });

    [Fact]
    public void While_a_partition_has_no_owner_a_search_gives_what_there_is_and_says_so() => Simulate(1, async world =>
    {
        var nodes = await world.StartAsync(3, o => o with { PartitionsPerTenant = 8, Search = o.Search with { Deadline = TimeSpan.FromMilliseconds(500) } });
        for (var n = 0; n < 24; n++)
        {
            await CastWorld.IndexAsync(nodes[n % 3], $"d{n}", $"Fees of plan {n} are low.");
        }

        var whole = await nodes[0].Cast.Searcher.SearchAsync(Ann, "fees", SearchFilter.None, SearchMode.Lexical, 50, default);
        (whole.IsPartial, whole.Passages.Count).ShouldBe((false, 24));
        var victim = nodes.First(node => node != nodes[0] && CastWorld.PartitionsOn(node) > 0);
        world.Kill(victim);
        var partial = await nodes[0].Cast.Searcher.SearchAsync(Ann, "fees", SearchFilter.None, SearchMode.Lexical, 50, default);
        partial.IsPartial.ShouldBeTrue();
        partial.Passages.Count.ShouldBeInRange(1, 23);
        await world.UntilAsync("all partitions answer again", async () =>
            !(await nodes[0].Cast.Searcher.SearchAsync(Ann, "fees", SearchFilter.None, SearchMode.Lexical, 50, default)).IsPartial);
        (await nodes[0].Cast.Searcher.SearchAsync(Ann, "fees", SearchFilter.None, SearchMode.Lexical, 50, default)).Passages.Count.ShouldBe(24);
    });

    [Fact]
    public void A_question_that_is_asked_while_the_whole_index_has_no_owner_waits_and_is_answered() => Simulate(3, async world =>
    {
        var nodes = await world.StartAsync(3);
        await CastWorld.IndexAsync(nodes[0], "terms", Terms);
        var owner = await world.OwnerOfAsync("partition", "t/0");
        var (conversation, question) = (ConversationId.Of("c"), QuestionId.Of("q"));
        var asked = nodes.First(node => node.Entities.Node != owner);
        (await asked.Cast.Conversations.AskAsync(Ann, conversation, QuestionId.Of("first"), "How long is the grace period?")).Reply.ShouldBeOfType<Accepted>();
        (await asked.Cast.Conversations.AnswerOfAsync(Ann, conversation, QuestionId.Of("first")))!.Value.Turn.Status.ShouldBe(TurnStatus.Completed);
        world.Kill(nodes.Single(node => node.Entities.Node == owner));
        (await asked.Cast.Conversations.AskAsync(Ann, conversation, question, "How long is the free look period?")).Reply.ShouldNotBeNull();
        var turn = (await asked.Cast.Conversations.AnswerOfAsync(Ann, conversation, question))!.Value.Turn;
        (turn.Status, turn.Partial).ShouldBe((TurnStatus.Completed, false), turn.Failure);
        turn.Citations.ShouldNotBeEmpty();
    });

    private static void Simulate(int seed, Func<CastWorld, Task> test)
    {
        var world = new CastWorld(seed);
        world.Runtime.RunToEnd(() => test(world));
        world.Runtime.ForeignSteps.ShouldBe(0, "nothing has left the simulation");
    }

    /// <summary>Nodes with the whole cast on one store and one network.</summary>
    private sealed class CastWorld
    {
        private readonly InMemoryShardStore _store;
        private readonly SimulatedNetwork _network;
        private readonly List<(SimulatedCast Cast, SimulatedNode Machine, string Address)> _nodes = [];

        public CastWorld(int seed)
        {
            Runtime = new SimulatedRuntime(seed);
            _store = new InMemoryShardStore(Runtime.Time, new StoreFaults { Delay = () => TimeSpan.FromMicroseconds(200 + Runtime.Random.Next(2000)) });
            _network = new SimulatedNetwork(Runtime);
            Shared = new SimulatedWorld(Runtime, _store);
        }

        public SimulatedRuntime Runtime { get; }

        public SimulatedWorld Shared { get; }

        public async Task<List<SimulatedCast>> StartAsync(int nodes, Func<CastOptions, CastOptions>? change = null)
        {
            for (var n = 0; n < nodes; n++)
            {
                await StartAsync($"node-{n}", change);
            }

            await UntilAsync("the shards are spread", async () =>
            {
                var shards = await _store.ListShardsAsync();
                return shards.All(shard => shard.Owner is not null) && shards.Select(shard => shard.Owner).Distinct().Count() == nodes;
            });
            await Task.Delay(TimeSpan.FromSeconds(5), Runtime.Time);
            return [.. _nodes.Select(node => node.Cast)];
        }

        public static async Task IndexAsync(SimulatedCast node, string id, string text)
        {
            (await node.IngestAsync(Tenant, id, text)).Reply.ShouldBeOfType<DocumentAccepted>();
            await IndexedAsync(node, id);
        }

        public static async Task IndexedAsync(SimulatedCast node, string id)
        {
            await foreach (var (_, e) in (await node.Cast.Documents.SubscribeAsync(Ann, DocumentId.Of(id), 0))!)
            {
                if (e is DocumentProgressed { Reached: Indexed })
                {
                    break;
                }
            }
        }

        public async Task<NodeIncarnation?> OwnerOfAsync(string type, string id)
        {
            var shards = (await _store.ListShardsAsync()).Where(shard => shard.EntityType == type).OrderBy(shard => shard.Number).ToList();
            return shards[StableHash.Bucket(id, shards.Count)].Owner;
        }

        public static int PartitionsOn(SimulatedCast node) =>
            node.Cast.Partitions.All(Tenant).Count(id => node.Entities.Describe().Any(shard => shard is { EntityType: "partition", Open: true } && StableHash.Bucket(id.Value, 16) == shard.Number));

        public void Kill(SimulatedCast node)
        {
            var entry = _nodes.Single(n => n.Cast == node);
            entry.Machine.Kill();
            _network.Kill(entry.Address, silently: false);
        }

        public async Task UntilAsync(string condition, Func<Task<bool>> holds)
        {
            for (var n = 0; n < 3000; n++)
            {
                if (await holds())
                {
                    return;
                }

                await Task.Delay(TimeSpan.FromMilliseconds(20), Runtime.Time);
            }

            throw new TimeoutException($"Not within a minute: {condition}.");
        }

        private async Task StartAsync(string name, Func<CastOptions, CastOptions>? change)
        {
            var machine = Runtime.NewNode(name);
            var address = $"{name}:1";
            var started = new TaskCompletionSource<SimulatedCast>(TaskCreationOptions.RunContinuationsAsynchronously);
            await machine.Run(async () =>
            {
                try
                {
                    started.SetResult(await SimulatedCast.StartAsync(
                        Shared,
                        machine,
                        name,
                        system => ShardedEntities.JoinAsync(
                            system, _store, _network.CreateEndpoint(address, machine), new ClusterOptions(), new ShardedEntitiesOptions { Node = name }),
                        change));
                }
                catch (Exception e)
                {
                    started.SetException(e);
                }
            });
            _nodes.Add((await started.Task, machine, address));
        }
    }
}
