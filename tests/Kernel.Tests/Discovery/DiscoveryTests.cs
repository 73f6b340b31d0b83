using RagCluster.Kernel.Discovery;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Discovery;

public sealed class DiscoveryTests
{
    [Fact]
    public async Task A_list_gives_each_address_once_and_refuses_what_is_none()
    {
        (await new ListDiscovery(["b:2", "a:1", "b:2"]).FindAsync()).ShouldBe([new Candidate("a:1"), new Candidate("b:2")]);
        Should.Throw<FormatException>(() => new ListDiscovery(["a:1", "b"])).Message.ShouldContain("\"b\"");
    }

    [Fact]
    public void The_store_gives_the_members_that_live()
    {
        var runtime = new SimulatedRuntime(1);
        var store = new InMemoryShardStore(runtime.Time);
        runtime.RunToEnd(async () =>
        {
            var a = await store.JoinAsync(new NodeJoin("a", "a:1", [], TimeSpan.FromSeconds(5)));
            var b = await store.JoinAsync(new NodeJoin("b", "b:1", [], TimeSpan.FromMinutes(5)));
            var c = await store.JoinAsync(new NodeJoin("c", "c:1", [], TimeSpan.FromMinutes(5)));
            await store.ChangeStateAsync(b, NodeState.Up);
            await store.ChangeStateAsync(c, NodeState.Up);
            await store.ChangeStateAsync(c, NodeState.Left);
            var discovery = new StoreDiscovery(store);
            (await discovery.FindAsync()).ShouldBe([new Candidate("a:1", a), new Candidate("b:1", b)]);
            await Task.Delay(TimeSpan.FromSeconds(10), runtime.Time);
            (await discovery.FindAsync()).ShouldBe([new Candidate("b:1", b)]);
        });
    }
}
