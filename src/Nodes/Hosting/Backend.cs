using System.Reflection;
using RagCluster.Actors;
using RagCluster.Configuration.Options;
using RagCluster.Inference.Endpoints;
using RagCluster.Ingestion.Isolation;
using RagCluster.Kernel;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.Sqlite;

namespace RagCluster.Nodes.Hosting;

/// <summary>Everything behind the gateway: store, actors, cast. Started in the order of need, stopped in the opposite one.</summary>
internal sealed class Backend : IAsyncDisposable
{
    private readonly Stack<Func<ValueTask>> _stops;

    private Backend(Stack<Func<ValueTask>> stops) => _stops = stops;

    public required Cast Cast { get; init; }

    public required ActorSystem System { get; init; }

    public required ShardedEntities Entities { get; init; }

    public required bool IsFirstStart { get; init; }

    public static async Task<Backend> StartAsync(RagClusterOptions options, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var stops = new Stack<Func<ValueTask>>();
        try
        {
            var runtime = SystemRuntime.Instance;
            var sqlite = new SqliteStoreOptions
            {
                Folder = options.DataFolder,
                BusyTimeout = options.Store.Sqlite.BusyTimeout,
                CheckpointBytes = options.Store.Sqlite.WalCheckpoint.Bytes,
            };
            var isFirstStart = !File.Exists(sqlite.File);
            var store = SqliteShardStore.Open(sqlite, runtime, loggers.CreateLogger<SqliteShardStore>());
            stops.Push(store.DisposeAsync);

            var system = new ActorSystem(options.Node.Name, runtime, null, loggers);
            stops.Push(async () => await system.TerminateAsync(options.Kernel.ShutdownTimeout / 4));

            var entities = await ShardedEntities.JoinAsync(
                system,
                store,
                new ShardedEntitiesOptions
                {
                    Node = options.Node.Name,
                    RecoveryPermits = options.Store.RecoveryPermits,
                    Commit = new Kernel.Journal.GroupCommitOptions
                    {
                        MaxEventsPerShard = options.Store.GroupCommit.MaxBatch,
                        MaxBytesPerShard = (int)options.Store.GroupCommit.MaxBytes.Bytes,
                    },
                    MinRestartBackoff = options.Kernel.RestartBackoff.Min,
                    MaxRestartBackoff = options.Kernel.RestartBackoff.Max,
                },
                loggers,
                cancellationToken);

            var blobs = new BlobStore(store, Path.Combine(options.DataFolder, "blobs"), runtime);
            var parser = new IsolatedParser(
                ParseWorkers() with { Workers = options.Ingestion.ParseWorkers },
                OptionsMapping.Parser(options),
                runtime.Time,
                loggers.CreateLogger<IsolatedParser>());
            stops.Push(parser.DisposeAsync);

            var casting = OptionsMapping.Cast(options);
            var endpoints = new EndpointFactory(runtime.Time, loggers);
            var stage = new Stage(
                system, entities, store, blobs, parser, endpoints.CreateEmbedder(casting.Embedding), endpoints.CreateChatClient(casting.Generation), loggers);
            var cast = await Cast.StartAsync(casting, stage, cancellationToken);
            stops.Push(cast.DisposeAsync);

            // Entities first: they still use everything below while they end their work.
            stops.Push(async () => await entities.StopAsync(options.Kernel.ShutdownTimeout / 2));
            await entities.OpenedAsync(cancellationToken);
            return new Backend(stops) { Cast = cast, System = system, Entities = entities, IsFirstStart = isFirstStart };
        }
        catch
        {
            await StopAsync(stops);
            throw;
        }
    }

    /// <summary>This program again; where another one hosts the node, ragcluster beside it.</summary>
    private static IsolationOptions ParseWorkers() => Assembly.GetEntryAssembly() == typeof(Backend).Assembly
        ? IsolationOptions.ThisProgram()
        : new IsolationOptions { Executable = Path.Combine(AppContext.BaseDirectory, "ragcluster"), Arguments = ["parse-worker"] };

    /// <summary>Makes what the gateway needs available to its endpoints.</summary>
    public void AddTo(IServiceCollection services)
    {
        services.AddSingleton(System);
        services.AddSingleton(Entities);
        services.AddSingleton(Cast.Embedder);
        services.AddSingleton(Cast.Generator);
        services.AddSingleton(Cast.Searcher);
        services.AddSingleton(Cast.Answering);
        services.AddSingleton(Cast.Conversations);
        services.AddSingleton(Cast.Documents);
        services.AddSingleton(Cast.Catalog);
        services.AddSingleton(Cast.Gate);
        services.AddSingleton(Cast.Options);
        services.AddSingleton(Cast.Options.Conversations);
    }

    public ValueTask DisposeAsync() => StopAsync(_stops);

    private static async ValueTask StopAsync(Stack<Func<ValueTask>> stops)
    {
        var failures = new List<Exception>();
        while (stops.TryPop(out var stop))
        {
            try
            {
                await stop();
            }
            catch (Exception e)
            {
                // The rest must be stopped all the same.
                failures.Add(e);
            }
        }

        if (failures.Count > 0)
        {
            throw new AggregateException("The node did not stop in order.", failures);
        }
    }
}
