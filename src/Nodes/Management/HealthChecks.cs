using RagCluster.Actors.Inference;
using RagCluster.Kernel.Cluster;
using RagCluster.Nodes.Hosting;

namespace RagCluster.Nodes.Management;

/// <summary>What a node needs, and how each is found to be.</summary>
internal static class HealthChecks
{
    public static void Add(HealthMonitor monitor, ManagedNode node, DataDisk disk)
    {
        monitor.Add("disk", _ => ValueTask.FromResult(disk.IsFull
            ? new HealthState(HealthStatus.Degraded, "The disk of the data folder is full: what writes fails (507), what reads goes on.")
            : HealthState.Up));
        monitor.Add("store", async cancellationToken =>
        {
            if (node.Running is { } running)
            {
                await running.Store.ListNodesAsync(cancellationToken);
            }

            return HealthState.Up;
        });
        monitor.Add("ingestion", _ => ValueTask.FromResult(node.Running?.Cast.Gate is { IsOverfull: true } gate
            ? new HealthState(HealthStatus.Saturated, $"{gate.Waiting} documents wait for their turn on this node (ragcluster.documents.max-in-flight).")
            : HealthState.Up));
        monitor.Add("inference", async cancellationToken =>
        {
            try
            {
                return node.Running is { } running ? Of(await running.Cast.Inference.DescribeAsync(cancellationToken)) : HealthState.Up;
            }
            catch (OperationCanceledException)
            {
                return new HealthState(HealthStatus.Degraded, "The inference actors are busy: they did not tell how the endpoints are.");
            }
        });
        if (node.Options.Cluster.Enabled)
        {
            monitor.Add("cluster", _ => ValueTask.FromResult(node.Entities?.DescribeCluster() is { } status ? Of(status) : new HealthState(HealthStatus.Down, "The node has not joined yet.")));
            monitor.Add("shards", _ => ValueTask.FromResult(
                node.Entities?.Describe().Where(shard => shard.Owner is null).ToList() is { Count: > 0 } homeless
                    ? new HealthState(HealthStatus.Degraded, $"{homeless.Count} shards have no owner, such as {homeless[0].EntityType}/{homeless[0].Number}.")
                    : HealthState.Up));
        }
    }

    /// <summary>Another node has the same endpoints: without them this one is as good as any.</summary>
    private static HealthState Of(IReadOnlyList<EndpointStatus> endpoints)
    {
        foreach (var purpose in endpoints.GroupBy(endpoint => endpoint.Purpose))
        {
            if (purpose.All(endpoint => endpoint.State != "up"))
            {
                var reason = purpose.Select(endpoint => endpoint.Reason).OfType<string>().FirstOrDefault();
                return new HealthState(HealthStatus.Degraded, $"No {purpose.Key} endpoint is up. {reason ?? "They were drained."}");
            }
        }

        return HealthState.Up;
    }

    private static HealthState Of(ClusterStatus status)
    {
        if (status.Lost is { } lost)
        {
            return new HealthState(HealthStatus.Down, lost);
        }

        var silent = status.Members.Where(member => member.Suspect && member.State is Kernel.Journal.NodeState.Up or Kernel.Journal.NodeState.Joining).Select(member => member.Node.Node).ToList();
        return silent.Count == 0 ? HealthState.Up : new HealthState(HealthStatus.Degraded, $"No answer from {string.Join(", ", silent)}.");
    }
}
