using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Tests.Entities;
using RagCluster.TestKit;
using static RagCluster.Kernel.Tests.Cluster.ClusterWorld;

namespace RagCluster.Kernel.Tests.Cluster;

/// <summary>What operators do to nodes.</summary>
public sealed class OperationsTests
{
    [Fact]
    public void A_cordoned_node_keeps_nothing_stays_a_member_and_takes_its_share_again() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(3);
        await nodes[1].AskAsync("account-1", new Deposit(1));
        await OnAsync(nodes[1], () => nodes[1].Entities.CordonAsync(TimeSpan.FromSeconds(10)));
        nodes[1].Entities.IsCordoned.ShouldBeTrue();
        await Task.Delay(TimeSpan.FromSeconds(10), world.Runtime.Time);
        nodes[1].Entities.Describe().ShouldAllBe(shard => !shard.Open, "nothing is placed there any more");
        (await world.Store.ListMembersAsync()).ShouldAllBe(member => member.State == NodeState.Up);
        nodes[0].Entities.DescribeCluster()!.Members.Single(member => member.Node == nodes[1].Entities.Node).Hosts.ShouldBeEmpty("the others know that it keeps nothing");
        (await nodes[1].AskAsync("account-1", new Deposit(1))).Seq.ShouldBe(2, "it still finds the way");

        nodes[1].Entities.Uncordon().ShouldBeTrue();
        nodes[1].Entities.Uncordon().ShouldBeFalse();
        await world.BalancedAsync();
        (await world.Store.ListShardsAsync()).Count(shard => shard.Owner == nodes[1].Entities.Node).ShouldBe(4);

        // It can be cordoned again, and stopped in that state.
        await OnAsync(nodes[1], () => nodes[1].Entities.CordonAsync(TimeSpan.FromSeconds(10)));
        await nodes[1].StopAsync();
        (await nodes[0].AskAsync("account-1", new Deposit(1))).Seq.ShouldBe(3);
    });

    [Fact]
    public void The_only_node_that_keeps_a_type_is_not_cordoned() => Simulate(async world =>
    {
        var node = await world.StartAsync("keeper", role: null);
        var failure = await EntityTests.ThrowsAsync<InvalidOperationException>(() => OnAsync(node, () => node.Entities.CordonAsync(TimeSpan.FromSeconds(10))));
        failure.Message.ShouldContain("account");
        node.Entities.IsCordoned.ShouldBeFalse();
        (await node.AskAsync("alice", new Deposit(1))).Seq.ShouldBe(1);
    });

    [Fact]
    public void A_node_answers_what_another_asks_it_or_says_why_not() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(2);
        var target = nodes[1].Entities.Node;
        (await EntityTests.ThrowsAsync<NodeCallException>(() => CallAsync(nodes[0], target, [1]))).Message.ShouldContain("cannot be asked");

        var asked = 0;
        nodes[1].Entities.AnswerCalls = async (request, cancellationToken) =>
        {
            asked++;
            await Task.Delay(TimeSpan.FromMilliseconds(10), world.Runtime.Time, cancellationToken);
            return request.Length > 0 ? new byte[] { (byte)(request.Span[0] + 1) } : throw new InvalidDataException("It is empty.");
        };
        (await CallAsync(nodes[0], target, [41])).ShouldBe([42]);
        (await EntityTests.ThrowsAsync<NodeCallException>(() => CallAsync(nodes[0], target, []))).Message.ShouldBe("It is empty.");
        asked.ShouldBe(2);

        nodes[1].Entities.AnswerCalls = async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, world.Runtime.Time, cancellationToken);
            return default;
        };
        (await EntityTests.ThrowsAsync<NodeCallException>(() => CallAsync(nodes[0], target, [1], TimeSpan.FromSeconds(2)))).Message.ShouldContain("did not answer within 2 s");

        // Who asks a node that dies does not wait for the end of his patience.
        var start = world.Runtime.Time.GetTimestamp();
        var waiting = CallAsync(nodes[0], target, [1], TimeSpan.FromMinutes(5));
        await Task.Delay(TimeSpan.FromMilliseconds(100), world.Runtime.Time);
        world.Kill(nodes[1]);
        await EntityTests.ThrowsAsync<NodeCallException>(() => waiting);
        world.Runtime.Time.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(30));
        await EntityTests.ThrowsAsync<NodeCallException>(() => CallAsync(nodes[0], new NodeIncarnation("nobody", 1), [1]));
    });

    [Fact]
    public void So_many_calls_are_served_at_a_time_and_more_are_refused() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(2);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        nodes[1].Entities.AnswerCalls = async (_, _) =>
        {
            await go.Task;
            return new byte[] { 1 };
        };
        var calls = Enumerable.Range(0, 20).Select(_ => CallAsync(nodes[0], nodes[1].Entities.Node, [1])).ToList();
        await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
        calls.Count(call => call.IsFaulted).ShouldBe(4);
        go.SetResult();
        foreach (var call in calls.Where(call => !call.IsFaulted))
        {
            (await call).ShouldBe([1]);
        }
    });

    private static async Task<byte[]> CallAsync(ClusterAccountNode from, NodeIncarnation to, byte[] request, TimeSpan? timeout = null)
    {
        byte[] answer = [];
        await OnAsync(from, async () => answer = (await from.Entities.CallAsync(to, request, timeout ?? TimeSpan.FromSeconds(10))).ToArray());
        return answer;
    }

    /// <summary>Runs on the node's machine, and throws what that threw.</summary>
    private static async Task OnAsync(ClusterAccountNode node, Func<Task> work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = node.Machine.Run(async () =>
        {
            try
            {
                await work();
                done.TrySetResult();
            }
            catch (Exception e)
            {
                done.TrySetException(e);
            }
        });
        await done.Task;
    }
}
