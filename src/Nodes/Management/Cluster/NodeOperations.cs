using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Nodes.Management.Forwarding;

namespace RagCluster.Nodes.Management.Cluster;

/// <summary>
/// What is done to a member as a whole. A node does these to itself; for another it asks that one, and answers as that one
/// does.
/// </summary>
internal sealed partial class NodeOperations(ManagedNode node, Health health, NodeForwarding forwarding, ILogger<NodeOperations> log)
{
    private static readonly TimeSpan s_drainBudget = TimeSpan.FromSeconds(30);

    /// <summary>Declares a member dead that certainly does not run any more, so that nobody waits for the end of its lease.</summary>
    public async Task<IResult> DownAsync(string address, CancellationToken cancellationToken)
    {
        var (view, member, problem) = Find(address);
        if (member is null)
        {
            return problem!;
        }

        if (node.Entities!.DescribeCluster() is null)
        {
            return ManagementProblems.Alone();
        }

        return await node.Entities.DownAsync(member.Node, cancellationToken)
            ? ClusterEndpoints.Message($"Downing {view!.AddressOf(member)}")
            : ClusterEndpoints.NoMember(address);
    }

    /// <summary>Has the member hand everything over and end its process, as SIGTERM does.</summary>
    public Task<IResult> LeaveAsync(string address, CancellationToken cancellationToken) => AtAsync(address, "Leave", (view, member) =>
    {
        node.NeedRunning().Stop();
        return Task.FromResult(ClusterEndpoints.Message($"Leaving {view.AddressOf(member)}"));
    }, cancellationToken);

    /// <summary>Has the member give its shards away; it stays a member and is not ready, until <see cref="UndrainAsync"/>.</summary>
    public Task<IResult> DrainAsync(string address, CancellationToken cancellationToken) => AtAsync(address, "Drain", async (view, member) =>
    {
        var entities = node.NeedEntities();
        if (entities.DescribeCluster() is null)
        {
            return ManagementProblems.Alone();
        }

        var draining = entities.CordonAsync(s_drainBudget);
        health.Cordon();
        LogCordoned(log);
        await draining;
        var left = entities.Describe().Count(shard => shard.Open);
        return ClusterEndpoints.Message(left == 0
            ? $"Drained {view.AddressOf(member)}: it keeps no shard. It stays a member until it is told to leave; Undrain lets it take shards again."
            : $"{view.AddressOf(member)} has {left} shards left after {s_drainBudget.TotalSeconds:0} s.");
    }, cancellationToken);

    public Task<IResult> UndrainAsync(string address, CancellationToken cancellationToken) => AtAsync(address, "Undrain", (view, member) =>
    {
        var entities = node.NeedEntities();
        if (entities.DescribeCluster() is null)
        {
            return Task.FromResult(ManagementProblems.Alone());
        }

        if (!entities.Uncordon())
        {
            return Task.FromResult(ManagementProblems.Conflict($"{view.AddressOf(member)} is not drained."));
        }

        health.Uncordon();
        LogUncordoned(log);
        return Task.FromResult(ClusterEndpoints.Message($"{view.AddressOf(member)} takes shards again."));
    }, cancellationToken);

    /// <summary>Has every member stop, this one last. Each hands over or gives up what it has, as at a stop of its own.</summary>
    public async Task<IResult> StopAllAsync(CancellationToken cancellationToken)
    {
        if (MembersView.Of(node) is not { } view)
        {
            return ManagementProblems.NotYet();
        }

        var silent = new List<string>();
        foreach (var member in view.Members.Where(member => member.Node != view.Self.Node && member.State == NodeState.Up))
        {
            try
            {
                await forwarding.SendAsync(member.Node, "PUT", $"/cluster/members/{member.Node.Node}", "operation=Leave", cancellationToken);
            }
            catch (NodeCallException)
            {
                silent.Add(view.AddressOf(member));
            }
        }

        node.NeedRunning().Stop();
        return ClusterEndpoints.Message(silent.Count == 0
            ? "Preparing for full cluster shutdown"
            : $"Preparing for full cluster shutdown; these did not answer: {string.Join(", ", silent)}");
    }

    private (MembersView? View, MemberStatus? Member, IResult? Problem) Find(string address) =>
        MembersView.Of(node) is not { } view ? (null, null, ManagementProblems.NotYet())
        : view.Find(address) is { } member ? (view, member, null)
        : (view, null, ClusterEndpoints.NoMember(address));

    private async Task<IResult> AtAsync(string address, string operation, Func<MembersView, MemberStatus, Task<IResult>> here, CancellationToken cancellationToken)
    {
        var (view, member, problem) = Find(address);
        return member is null ? problem!
            : member.Node == view!.Self.Node ? await here(view, member)
            : await forwarding.SendAsync(member.Node, "PUT", $"/cluster/members/{member.Node.Node}", "operation=" + operation, cancellationToken);
    }

    [LoggerMessage(7203, LogLevel.Information, "The node is drained on demand: it hands its shards over and takes none.")]
    private static partial void LogCordoned(ILogger log);

    [LoggerMessage(7204, LogLevel.Information, "The node takes shards again.")]
    private static partial void LogUncordoned(ILogger log);
}
