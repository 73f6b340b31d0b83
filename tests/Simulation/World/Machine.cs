using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Actors;
using RagCluster.Actors.Documents;
using RagCluster.Actors.Conversations;
using RagCluster.CastKit;
using RagCluster.Ingestion.Chunking;
using RagCluster.Kernel;
using RagCluster.Kernel.Entities;
using RagCluster.TestKit;

namespace RagCluster.Simulation.World;

/// <summary>One life of a node on a machine: the production kernel and cast, on a runtime that can be stopped under them.</summary>
internal sealed class NodeLife(SimulatedNode runtime, int number, bool isLater)
{
    private readonly List<Action<Exception>> _callers = [];

    public SimulatedNode Runtime => runtime;

    public int Number => number;

    /// <summary>Of a release that is to come.</summary>
    public bool IsLater => isLater;

    public ActorSystem? System { get; set; }

    public ShardedEntities? Entities { get; set; }

    public SimulatedTransport? Transport { get; set; }

    public Cast? Cast { get; set; }

    public bool IsReady { get; set; }

    public bool IsDraining { get; set; }

    public int CallersWaiting => _callers.Count;

    public void Await(Action<Exception> caller) => _callers.Add(caller);

    public void Forget(Action<Exception> caller) => _callers.Remove(caller);

    /// <summary>Everybody who was connected sees the connection break.</summary>
    public void BreakConnections()
    {
        foreach (var caller in _callers.ToArray())
        {
            caller(new IOException("The connection to the node broke."));
        }

        _callers.Clear();
    }
}

/// <summary>A place where nodes run, one after the other.</summary>
internal sealed class Machine(Cluster cluster, string name)
{
    private int _lives;

    public string Name => name;

    public string Address => name + ":1";

    public NodeLife? Life { get; private set; }

    public bool IsUp => Life is { IsReady: true };

    public bool IsPaused => Life is { Runtime.IsPaused: true };

    /// <summary>Starts a process. Completes when it is ready, or has ended before.</summary>
    public Task StartAsync()
    {
        if (Life is not null)
        {
            return Task.CompletedTask;
        }

        var life = Life = new NodeLife(cluster.World.NewNode($"{name}#{++_lives}"), _lives, cluster.Plan.Upgrades && cluster.Random.Next(2) == 0);
        life.Runtime.ClockError = cluster.ClockErrorOf(name);
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        life.Await(_ => ready.TrySetResult());
        cluster.Tell(name, $"starts its life {_lives}{(life.IsLater ? ", of a later release" : "")}");
        _ = life.Runtime.Run(async () =>
        {
            try
            {
                await BeginAsync(life);
                life.IsReady = true;
                cluster.Tell(name, $"is ready");
            }
            catch (Exception e)
            {
                cluster.Tell(name, $"could not start: {e.Message}");
                _ = cluster.World.Run(() => EndAsync(life, e.Message));
            }
            finally
            {
                ready.TrySetResult();
            }
        });
        return ready.Task;
    }

    /// <summary>The process is gone at once. Its peers may hear of it or not.</summary>
    public void Kill(bool silently = false)
    {
        if (Life is { } life)
        {
            Life = null;
            life.Runtime.Kill();
            cluster.Network.Kill(Address, silently);
            life.BreakConnections();
            life.Entities = null;
        }
    }

    public void Pause()
    {
        Life?.Runtime.Pause();
        cluster.Network.Pause(Address);
    }

    public void Suspend()
    {
        Life?.Runtime.Suspend();
        cluster.Network.Pause(Address);
    }

    public void Resume()
    {
        cluster.Network.Resume(Address);
        Life?.Runtime.Resume();
    }

    /// <summary>As SIGTERM does: hands everything off, then ends.</summary>
    public async Task StopAsync(TimeSpan budget)
    {
        if (Life is not { IsReady: true, IsDraining: false } life)
        {
            return;
        }

        life.IsDraining = true;
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        life.Await(_ => stopped.TrySetResult());
        _ = life.Runtime.Run(async () =>
        {
            try
            {
                await cluster.Membership.StopAsync(life, budget);
                await life.Cast!.DisposeAsync();
            }
            catch (Exception e)
            {
                cluster.Tell(name, $"stopped badly: {e.Message}");
            }
            finally
            {
                stopped.TrySetResult();
            }
        });
        await stopped.Task;
        if (Life == life)
        {
            cluster.Tell(name, $"has stopped");
            Kill();
        }
    }

    private async Task BeginAsync(NodeLife life)
    {
        ILoggerFactory loggers = cluster.Timeline.IsKept ? new TimelineLoggers(cluster, name) : NullLoggerFactory.Instance;
        life.System = new ActorSystem(life.Runtime.Name, life.Runtime, null, loggers);
        var store = cluster.Database.Connect(life.Runtime, name, life.IsLater);
        life.Entities = await cluster.Membership.JoinAsync(this, life, store, loggers);
        var inference = cluster.InferenceOf(life.Runtime);
        var stage = new Stage(
            life.System, life.Entities, store, cluster.Blobs, new InProcessParser(life.Runtime.Time), inference.NewEmbedder(), inference.NewChatClient(), loggers);
        if (!cluster.Plan.Catalog)
        {
            stage = stage with { OpenCatalog = NoCatalog.OpenAsync };
        }

        life.Cast = await Cast.StartAsync(OptionsOf(life), stage, CancellationToken.None);
        await cluster.Membership.ReadyAsync(this, life);
    }

    private async Task EndAsync(NodeLife life, string reason)
    {
        if (Life == life)
        {
            Kill();
            cluster.Tell(name, $"has ended: {reason}");
            await Task.Delay(TimeSpan.FromSeconds(1), cluster.World.Time);
            if (cluster.Membership.MayRestart(this))
            {
                await StartAsync();
            }
        }
    }

    /// <summary>The process ends by itself, as it does when it has lost its lease, and a supervisor starts the next.</summary>
    public void Exit(NodeLife life, string reason) => _ = cluster.World.Run(() => EndAsync(life, reason));

    private CastOptions OptionsOf(NodeLife life)
    {
        var plan = cluster.Plan;
        var entities = new EntityOptions
        {
            Shards = plan.Shards, SnapshotEvery = plan.SnapshotEvery, PassivateAfter = plan.PassivateAfter, RecentEvents = plan.RecentEvents, SubscriberBuffer = 8,
        };
        return new CastOptions
        {
            IndexFolder = cluster.FolderOf(name, life),
            CatalogFile = null,
            Conversations = new ConversationOptions { AnswerTimeout = TimeSpan.FromSeconds(25), AskTimeout = TimeSpan.FromSeconds(6) },
            ConversationEntities = entities,
            Documents = new DocumentOptions
            {
                MinRetryBackoff = TimeSpan.FromMilliseconds(300), MaxRetryBackoff = TimeSpan.FromSeconds(3), MaxAttempts = 40, AskTimeout = TimeSpan.FromSeconds(6), EmbedBatch = 2, MaxInFlight = 16,
            },
            DocumentEntities = entities,
            PartitionEntities = entities with { PassivateAfter = Timeout.InfiniteTimeSpan, RecentEvents = 0, SnapshotEvery = plan.IndexFiles ? plan.SnapshotEvery : 0 },
            PartitionsPerTenant = plan.PartitionsPerTenant,
            Chunker = new ChunkerOptions { TargetTokens = 24, MaxTokens = 32, OverlapTokens = 0 },
            GenerationSlots = 2,
        };
    }
}
