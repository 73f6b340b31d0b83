using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Inspection;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Supervision;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Entities;

/// <summary>How a node keeps its entities.</summary>
public sealed record ShardedEntitiesOptions
{
    /// <summary>The node's name in the membership table.</summary>
    public string Node { get; init; } = "embedded";

    /// <summary>How many entities recover at once, so that a start does not overrun the store.</summary>
    public int RecoveryPermits { get; init; } = 32;

    public GroupCommitOptions Commit { get; init; } = new();

    /// <summary>The pause before a failed entity is recovered; it doubles with each failure up to <see cref="MaxRestartBackoff"/>.</summary>
    public TimeSpan MinRestartBackoff { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan MaxRestartBackoff { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>A shard as this node knows it, for people.</summary>
/// <param name="Open">It is open on this node.</param>
/// <param name="LiveEntities">In memory on this node.</param>
/// <param name="Owner">Who has it; null while nobody is known to.</param>
public sealed record ShardStatus(string EntityType, int Number, long Epoch, bool Open, int LiveEntities, NodeIncarnation? Owner = null);

/// <summary>
/// The entities of this node: joins the store, starts a region per type, and hands everything off at the end. Alone on its
/// store, or as one of several nodes that share it.
/// </summary>
public sealed partial class ShardedEntities
{
    private readonly ActorSystem _system;
    private readonly ShardedEntitiesOptions _options;
    private readonly ShardServices _services;
    private readonly Lock _gate = new();
    private readonly List<Shard> _shards = [];
    private readonly List<IEntityInspector> _inspectors = [];
    private readonly ClusterNode? _cluster;
    private Task? _stopped;

    private ShardedEntities(ActorSystem system, ShardedEntitiesOptions options, ShardServices services, CommitSignal commits, ClusterNode? cluster = null)
    {
        _system = system;
        _options = options;
        _services = services;
        _cluster = cluster;
        Commits = commits;
    }

    /// <summary>Says after each commit, of whichever node, that a shard's log has grown.</summary>
    public CommitSignal Commits { get; }

    public NodeIncarnation Node => _services.Node;

    /// <summary>Begins a new incarnation of the node.</summary>
    /// <exception cref="StoreException">The store does not answer.</exception>
    public static async ValueTask<ShardedEntities> JoinAsync(
        ActorSystem system, IShardStore store, ShardedEntitiesOptions? options = null, ILoggerFactory? loggers = null, CancellationToken cancellationToken = default)
    {
        options ??= new ShardedEntitiesOptions();
        var node = await store.JoinAsync(options.Node, cancellationToken);
        var services = Services(system, store, options, node, loggers);
        return new ShardedEntities(system, options, services, services.Commits);
    }

    /// <summary>
    /// Claims the type's shards, starts the entities that have open work, and gives the way to all of them. Returns
    /// once the shards exist; commands wait, each for as long as it likes, until their shard is open. As one of several
    /// nodes it takes the shards that fall to it, if it has the type's role.
    /// </summary>
    /// <exception cref="StoreRefusedException">The type has another number of shards in the store.</exception>
    /// <exception cref="ArgumentException">In a cluster: the definition does not say how commands look between nodes.</exception>
    public async ValueTask<IRegion<TCommand, TEvent, TReply>> StartAsync<TEntity, TState, TCommand, TEvent, TReply>(
        EntityDefinition<TEntity, TState, TCommand, TEvent, TReply> definition, CancellationToken cancellationToken = default)
        where TEntity : IEntity<TState, TCommand, TEvent, TReply>
    {
        if (_cluster is not null && definition.CommandJson is null)
        {
            throw new ArgumentException($"The definition of \"{TEntity.Type}\" does not say how commands look between nodes: set CommandJson.", nameof(definition));
        }

        var rows = await _services.Store.PrepareShardsAsync(TEntity.Type, definition.Options.Validated().Shards, cancellationToken);
        lock (_gate)
        {
            _inspectors.Add(new EntityInspector<TEntity, TState, TCommand, TEvent, TReply>(definition, rows, _services.Store));
        }

        if (_cluster is not null)
        {
            return StartInCluster(definition, rows, _cluster);
        }

        Shard[] shards = [.. rows.Select(row => Begin(definition, row.ShardId, row.Number, rows.Count, $"{row.EntityType}-{row.Number}", seenEpoch: null))];
        lock (_gate)
        {
            _shards.AddRange(shards);
        }

        return new Region<TEntity, TState, TCommand, TEvent, TReply>(definition, shards, _services);
    }

    /// <summary>
    /// Waits until every shard that was started is open, on whichever node; tells at once when one cannot be.
    /// </summary>
    public async Task OpenedAsync(CancellationToken cancellationToken = default)
    {
        if (_cluster is not null)
        {
            await OpenedInClusterAsync(_cluster, cancellationToken);
            return;
        }

        foreach (var shard in Shards())
        {
            await shard.Opened.OrCancelled(cancellationToken);
        }
    }

    /// <summary>Every shard of the types that were started.</summary>
    public IReadOnlyList<ShardStatus> Describe() => _cluster is not null
        ? DescribeShards(_cluster)
        : [.. Shards().Select(shard => new ShardStatus(shard.EntityType, shard.Number, shard.Epoch ?? 0, shard.Epoch is not null, shard.LiveEntities, _services.Node))];

    /// <summary>
    /// Takes no more commands, lets those under way end, stops every entity, flushes, and gives the shards up; in a
    /// cluster to other nodes, who go on. What is not done within the budget is cut; nothing acknowledged is lost by that.
    /// </summary>
    public Task StopAsync(TimeSpan budget)
    {
        lock (_gate)
        {
            return _stopped ??= _cluster is null ? StopOnceAsync(budget) : LeaveAsync(_cluster, budget);
        }
    }

    private static ShardServices Services(ActorSystem system, IShardStore store, ShardedEntitiesOptions options, NodeIncarnation node, ILoggerFactory? loggers) => new(
        system.Runtime,
        store,
        new GroupCommitLane(store, system.Runtime, options.Commit),
        options.Commit,
        new CommitSignal(),
        node,
        new Permits(options.RecoveryPermits),
        (loggers ?? NullLoggerFactory.Instance).CreateLogger("RagCluster.Kernel.Entities"));

    private Shard Begin<TEntity, TState, TCommand, TEvent, TReply>(
        EntityDefinition<TEntity, TState, TCommand, TEvent, TReply> definition, int shardId, int number, int shards, string name, long? seenEpoch)
        where TEntity : IEntity<TState, TCommand, TEvent, TReply>
    {
        var shard = new Shard(shardId, TEntity.Type, number, Math.Max(1, definition.Options.MaxLive / shards));
        shard.Actor = _system.Spawn(
            name,
            () => new ShardActor(
                shard,
                _services,
                (handle, writer) => new EntityActor<TEntity, TState, TCommand, TEvent, TReply>(definition, handle, writer, _services),
                EntitySpawn(definition.Options),
                seenEpoch),
            new SpawnOptions { Supervision = SupervisionStrategy.Stop });
        return shard;
    }

    private static SpawnOptions EntitySpawn(ShardedEntitiesOptions options, EntityOptions entity) => new()
    {
        MailboxCapacity = entity.MailboxCapacity,
        Supervision = new SupervisionStrategy { MaxRestarts = null, MinBackoff = options.MinRestartBackoff, MaxBackoff = options.MaxRestartBackoff },
    };

    private SpawnOptions EntitySpawn(EntityOptions entity) => EntitySpawn(_options, entity);

    private async Task StopOnceAsync(TimeSpan budget)
    {
        var shards = Shards();
        var start = _services.Runtime.Time.GetTimestamp();
        foreach (var shard in shards)
        {
            shard.Refuse("The node is stopping; another one, or this one once it is back, takes the command.");
        }

        await ChangeStateAsync(NodeState.Draining);
        if (!await Waits.All(shards.Select(shard => shard.DrainedAsync())).EndsWithin(budget / 2, _services.Runtime.Time))
        {
            EntityLog.DrainIncomplete(_services.Log, "all", budget / 2, shards.Sum(shard => shard.CommandsUnderWay));
        }

        using var giveUp = new CancellationTokenSource(budget / 4, _services.Runtime.Time);
        using var registration = giveUp.Token.Register(() =>
        {
            foreach (var writer in shards.Where(shard => shard.Opened.IsCompletedSuccessfully).Select(shard => shard.Opened.Result))
            {
                writer.GiveUp();
            }
        });
        var left = budget - _services.Runtime.Time.GetElapsedTime(start);
        if (!await Waits.All(shards.Select(shard => _system.StopAsync(shard.Actor, StopReason.HandedOff))).EndsWithin(left, _services.Runtime.Time))
        {
            EntityLog.DrainIncomplete(_services.Log, "all", budget, shards.Sum(shard => shard.CommandsUnderWay));
        }

        await ChangeStateAsync(NodeState.Left);
    }

    private async Task ChangeStateAsync(NodeState state)
    {
        try
        {
            await _services.Store.ChangeStateAsync(_services.Node, state);
        }
        catch (StoreException e)
        {
            EntityLog.NodeStateNotSaved(_services.Log, e, state);
        }
    }

    private Shard[] Shards()
    {
        lock (_gate)
        {
            return [.. _shards];
        }
    }
}
