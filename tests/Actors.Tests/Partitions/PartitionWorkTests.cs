using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Actors.Partitions;
using RagCluster.Kernel;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.TestKit;

namespace RagCluster.Actors.Tests.Partitions;

/// <summary>A partition that is written to for long frees itself of what was replaced, beside its turns.</summary>
public sealed class PartitionWorkTests : IDisposable
{
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("ragcluster-partitions");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task Chunks_that_were_replaced_leave_memory_while_the_partition_is_in_use()
    {
        const int Chunks = 600;
        var cancellation = TestContext.Current.CancellationToken;
        var runtime = SystemRuntime.Instance;
        var system = new ActorSystem("partitions", runtime);
        var entities = await ShardedEntities.JoinAsync(system, new InMemoryShardStore(TimeProvider.System));
        var region = await entities.StartAsync(
            new EntityDefinition<Partition, PartitionState, PartitionCommand, PartitionEvent, PartitionReply>
            {
                CommandJson = MessagesJson.Default.PartitionCommand,
                EventJson = MessagesJson.Default.PartitionEvent,
                ReplyJson = MessagesJson.Default.PartitionReply,
                StateJson = StatesJson.Default.PartitionState,
                Behavior = id => new PartitionBehavior(
                    new SegmentFiles(_root.FullName, null, runtime), new SegmentFiles(_root.FullName + ".next", null, runtime), null, runtime, NullLogger<PartitionBehavior>.Instance),
            },
            cancellation);

        async Task<PartitionReply> AskAsync(PartitionCommand command) =>
            (await region.AskAsync(new EntityId("t/0"), command, null, TimeSpan.FromSeconds(30), cancellation)).Reply;
        async Task<long> BytesAsync() => (await AskAsync(new DescribePartition())).ShouldBeOfType<PartitionDescribed>().IndexBytes;

        await AskAsync(Index("a", 1, Chunks));
        var before = await BytesAsync();
        (await AskAsync(Index("a", 2, 1))).ShouldBe(new PartitionDone(true));
        await Retry.Until("the first version's chunks are gone", async () => await BytesAsync() < before / 10);

        await AskAsync(Index("b", 1, 2));
        var global = (await AskAsync(new CountTerms("premium"))).ShouldBeOfType<TermStatistics>();
        var found = (await AskAsync(new FindPassages("premium", null, global, RoleSet.Empty, SearchFilter.None, 10))).ShouldBeOfType<PassagesFound>();
        found.Lexical.Select(hit => hit.Passage.Id.ToString()).ShouldBe(["a@2#0", "b@1#0", "b@1#1"], ignoreOrder: true);
        await entities.StopAsync(TimeSpan.FromSeconds(5));
        await system.TerminateAsync(TimeSpan.FromSeconds(2));
    }

    private static IndexChunks Index(string document, int version, int chunks) => new(
        DocumentId.Of(document), version, "Premiums", RoleSet.Empty, 1, new Dictionary<string, string>(), "e",
        [.. Enumerable.Range(0, chunks).Select(n => new Chunk(n, n * 100, (n * 100) + 50, null, [], $"The premium of year {n} is due in month {n % 12}.", Embedding.Of([1, n])))]);
}
