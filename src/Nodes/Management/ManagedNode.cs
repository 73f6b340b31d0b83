using RagCluster.Actors;
using RagCluster.Configuration;
using RagCluster.Configuration.Options;
using RagCluster.Kernel;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Nodes.Intake;
using RagCluster.Nodes.Management.Logs;

namespace RagCluster.Nodes.Management;

/// <summary>
/// The node that management manages. Management starts first, so that probes see what a start waits for: parts are null
/// until they are there.
/// </summary>
internal sealed class ManagedNode(RagClusterOptions options, IReadOnlyList<EffectiveSetting> settings, LogControl? logs)
{
    private volatile ShardedEntities? _entities;
    private volatile RunningParts? _running;
    private volatile NodeSources? _sources;

    public RagClusterOptions Options => options;

    /// <summary>Every setting with its origin; empty where the node was started by a program and not by a configuration.</summary>
    public IReadOnlyList<EffectiveSetting> Settings => settings;

    /// <summary>Null where the log belongs to a program that hosts the node.</summary>
    public LogControl? Logs => logs;

    /// <summary>Null before the node has joined.</summary>
    public ShardedEntities? Entities => _entities;

    /// <summary>Null before the node is ready.</summary>
    public RunningParts? Running => _running;

    /// <summary>Null before the node reads its sources.</summary>
    public NodeSources? Sources => _sources;

    public void Reads(NodeSources sources) => _sources = sources;

    public void Joined(ShardedEntities entities) => _entities = entities;

    public void Started(RunningParts parts) => _running = parts;

    /// <exception cref="EntityUnavailableException">The node is still starting.</exception>
    public RunningParts NeedRunning() => _running ?? throw new EntityUnavailableException("The node is still starting.");

    /// <exception cref="EntityUnavailableException">The node has not joined yet.</exception>
    public ShardedEntities NeedEntities() => _entities ?? throw new EntityUnavailableException("This node is not, or not yet, a member of a cluster.");
}

/// <summary>What the operators of a node have beyond its options.</summary>
/// <param name="Settings">Where each of the options comes from.</param>
/// <param name="Logs">What is logged; null where the log is not the node's own.</param>
internal sealed record NodeOperator(IReadOnlyList<EffectiveSetting> Settings, LogControl? Logs);

/// <param name="Stop">Ends the process in good order, as SIGTERM does. Does not wait.</param>
internal sealed record RunningParts(ActorSystem System, IShardStore Store, IBlobStore Blobs, Cast Cast, Actors.Features.FeatureFlags Flags, Action Stop);
