using System.Diagnostics.Metrics;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Cluster;

/// <summary>The levels of the cluster as the nodes of this process see it, read when somebody asks. It keeps no node alive.</summary>
internal static class ClusterGauges
{
    private static readonly Meter Meter = new("RagCluster.Kernel");
    private static readonly string[] ShardStates = ["open", "opening", "closing", "elsewhere", "nowhere"];
    private static readonly Lock Gate = new();
    private static readonly List<WeakReference<ClusterNode>> Nodes = [];

    static ClusterGauges()
    {
        Meter.CreateObservableGauge("ragcluster.cluster.members", () => Observe(Members), "{member}", "Members, by state.");
        Meter.CreateObservableGauge("ragcluster.cluster.suspects", () => Observe(node => [Of(node, node.Describe().Members.Count(member => member.Suspect))]), "{member}", "Members that do not answer this node.");
        Meter.CreateObservableGauge("ragcluster.cluster.shards", () => Observe(Shards), "{shard}", "Shards as this node knows them: open here, opening or closing here, elsewhere, nowhere.");
        Meter.CreateObservableGauge("ragcluster.cluster.waiting", () => Observe(node => [Of(node, node.Map.Slots.Sum(slot => slot.Changed.Waiting))]), "{command}", "Commands and subscriptions that wait for their shard.");
        Meter.CreateObservableGauge("ragcluster.cluster.asks.pending", () => Observe(node => [Of(node, node.Asks.Count)]), "{command}", "Commands on other nodes whose reply is awaited.");
        Meter.CreateObservableGauge("ragcluster.cluster.streams", () => Observe(node => [Of(node, node.Streams.Count)]), "{stream}", "Subscriptions of this node on others.");
        Meter.CreateObservableGauge(
            "ragcluster.cluster.lease.left",
            () => ObserveAll(node => new Measurement<double>(node.Membership.Lease.Left.TotalSeconds, Name(node))),
            "s",
            "How long this node may go on without renewing its lease.");
    }

    public static void Add(ClusterNode node)
    {
        lock (Gate)
        {
            Nodes.RemoveAll(known => !known.TryGetTarget(out _));
            Nodes.Add(new WeakReference<ClusterNode>(node));
        }
    }

    public static void Remove(ClusterNode node)
    {
        lock (Gate)
        {
            Nodes.RemoveAll(known => !known.TryGetTarget(out var target) || target == node);
        }
    }

    private static IEnumerable<Measurement<long>> Members(ClusterNode node) =>
        from state in new[] { NodeState.Joining, NodeState.Up, NodeState.Draining }
        select new Measurement<long>(
            node.Membership.View.Members.Count(member => member.State == state),
            Name(node),
            new KeyValuePair<string, object?>("state", state switch { NodeState.Joining => "joining", NodeState.Up => "up", _ => "draining" }));

    private static IEnumerable<Measurement<long>> Shards(ClusterNode node) =>
        from state in ShardStates
        select new Measurement<long>(node.Map.Slots.Count(slot => StateOf(slot) == state), Name(node), new KeyValuePair<string, object?>("state", state));

    private static string StateOf(ShardSlot slot) => slot switch
    {
        { Local: { IsRefusing: true } } => "closing",
        { Local: { Epoch: null } } => "opening",
        { Local: not null } => "open",
        { Route.Owner: not null } => "elsewhere",
        _ => "nowhere",
    };

    private static Measurement<long> Of(ClusterNode node, long value) => new(value, Name(node));

    private static KeyValuePair<string, object?> Name(ClusterNode node) => new("node", node.Membership.Self.Node);

    private static IEnumerable<Measurement<long>> Observe(Func<ClusterNode, IEnumerable<Measurement<long>>> what) => Known().SelectMany(what);

    private static IEnumerable<Measurement<double>> ObserveAll(Func<ClusterNode, Measurement<double>> what) => Known().Select(what);

    private static List<ClusterNode> Known()
    {
        var nodes = new List<ClusterNode>();
        lock (Gate)
        {
            foreach (var known in Nodes)
            {
                if (known.TryGetTarget(out var node))
                {
                    nodes.Add(node);
                }
            }
        }

        return nodes;
    }
}
