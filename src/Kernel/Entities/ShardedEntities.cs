using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Supervision;

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

/// <summary>What a region has in memory, for people.</summary>
public sealed record ShardStatus(string EntityType, int Number, long Epoch, bool Open, int LiveEntities);

/// <summary>The entities of this node: joins the store, starts a region per type, and hands everything off at the end.</summary>
public sealed class ShardedEntities
{
    private readonly ActorSystem _system;
    private readonly ShardedEntitiesOptions _options;
    private readonly ShardServices _services;
    private readonly Lock _gate = new();
    private readonly List<(Shard Shard, IActorRef<ShardMessage> Actor)> _shards = [];
    private Task? _stopped;

    private ShardedEntities(ActorSystem system, ShardedEntitiesOptions options, ShardServices services)
    {
        _system = system;
        _options = options;
        _services = services;
    }

    /// <summary>Says after each commit that a shard's log has grown.</summary>
    public CommitSignal Commits => _services.Commits;

    public NodeIncarnation Node => _services.Node;

    /// <summary>Begins a new incarnation of the node.</summary>
    /// <exception cref="StoreException">The store does not answer.</exception>
    public static async ValueTask<ShardedEntities> JoinAsync(
        ActorSystem system, IShardStore store, ShardedEntitiesOptions? options = null, ILoggerFactory? loggers = null, CancellationToken cancellationToken = default)
    {
        options ??= new ShardedEntitiesOptions();
        var node = await store.JoinAsync(options.Node, cancellationToken);
        return new ShardedEntities(system, options, new ShardServices(
            system.Runtime,
            store,
            new GroupCommitLane(store, system.Runtime, options.Commit),
            options.Commit,
            new CommitSignal(),
            node,
            new Permits(options.RecoveryPermits),
            (loggers ?? NullLoggerFactory.Instance).CreateLogger("RagCluster.Kernel.Entities")));
    }

    /// <summary>
    /// Claims the type's shards, starts the entities that have open work, and gives the way to all of them. Returns
    /// once the shards exist; commands wait, each for as long as it likes, until their shard is open.
    /// </summary>
    /// <exception cref="StoreRefusedException">The type has another number of shards in the store.</exception>
    public async ValueTask<IRegion<TCommand, TEvent, TReply>> StartAsync<TEntity, TState, TCommand, TEvent, TReply>(
        EntityDefinition<TEntity, TState, TCommand, TEvent, TReply> definition, CancellationToken cancellationToken = default)
        where TEntity : IEntity<TState, TCommand, TEvent, TReply>
    {
        var rows = await _services.Store.PrepareShardsAsync(TEntity.Type, definition.Options.Validated().Shards, cancellationToken);
        var shards = new List<Shard>();
        var actors = new List<IActorRef<ShardMessage>>();
        foreach (var row in rows)
        {
            var shard = new Shard(row.ShardId, row.EntityType, row.Number, Math.Max(1, definition.Options.MaxLive / rows.Count));
            var actor = _system.Spawn(
                $"{row.EntityType}-{row.Number}",
                () => new ShardActor(
                    shard,
                    _services,
                    (handle, writer) => new EntityActor<TEntity, TState, TCommand, TEvent, TReply>(definition, handle, writer, _services),
                    EntitySpawn(definition.Options)),
                new SpawnOptions { Supervision = SupervisionStrategy.Stop });
            shards.Add(shard);
            actors.Add(actor);
        }

        lock (_gate)
        {
            _shards.AddRange(shards.Zip(actors));
        }

        return new Region<TEntity, TState, TCommand, TEvent, TReply>(definition, shards, actors, _services);
    }

    /// <summary>Waits until every shard that was started is open; tells at once when one cannot be.</summary>
    public async Task OpenedAsync(CancellationToken cancellationToken = default)
    {
        foreach (var (shard, _) in Shards())
        {
            await shard.Opened.OrCancelled(cancellationToken);
        }
    }

    public IReadOnlyList<ShardStatus> Describe() =>
    [
        .. Shards().Select(entry => new ShardStatus(
            entry.Shard.EntityType,
            entry.Shard.Number,
            entry.Shard.Opened.IsCompletedSuccessfully ? entry.Shard.Opened.Result.Epoch : 0,
            entry.Shard.Opened.IsCompletedSuccessfully,
            entry.Shard.LiveEntities)),
    ];

    /// <summary>
    /// Takes no more commands, lets those under way end, stops every entity, flushes, and gives the shards up. What is
    /// not done within the budget is cut; nothing acknowledged is lost by that.
    /// </summary>
    public Task StopAsync(TimeSpan budget)
    {
        lock (_gate)
        {
            return _stopped ??= StopOnceAsync(budget);
        }
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
        foreach (var (shard, _) in shards)
        {
            shard.Refuse("The node is stopping; another one, or this one once it is back, takes the command.");
        }

        await ChangeStateAsync(NodeState.Draining);
        if (!await Waits.All(shards.Select(entry => entry.Shard.DrainedAsync())).EndsWithin(budget / 2, _services.Runtime.Time))
        {
            EntityLog.DrainIncomplete(_services.Log, "all", budget / 2, shards.Sum(entry => entry.Shard.CommandsUnderWay));
        }

        using var giveUp = new CancellationTokenSource(budget / 4, _services.Runtime.Time);
        using var registration = giveUp.Token.Register(() =>
        {
            foreach (var writer in shards.Where(entry => entry.Shard.Opened.IsCompletedSuccessfully).Select(entry => entry.Shard.Opened.Result))
            {
                writer.GiveUp();
            }
        });
        var left = budget - _services.Runtime.Time.GetElapsedTime(start);
        if (!await Waits.All(shards.Select(entry => _system.StopAsync(entry.Actor, StopReason.HandedOff))).EndsWithin(left, _services.Runtime.Time))
        {
            EntityLog.DrainIncomplete(_services.Log, "all", budget, shards.Sum(entry => entry.Shard.CommandsUnderWay));
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

    private (Shard Shard, IActorRef<ShardMessage> Actor)[] Shards()
    {
        lock (_gate)
        {
            return [.. _shards];
        }
    }
}
