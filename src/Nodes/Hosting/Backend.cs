using System.Reflection;
using RagCluster.Actors;
using RagCluster.Actors.Features;
using RagCluster.Configuration.Options;
using RagCluster.Inference.Endpoints;
using RagCluster.Ingestion.Isolation;
using RagCluster.Kernel;
using RagCluster.Kernel.Discovery;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Nodes.Intake;
using RagCluster.Nodes.Management;

namespace RagCluster.Nodes.Hosting;

/// <summary>Everything behind the gateway: store, actors, cast. Started in the order of need, stopped in the opposite one.</summary>
internal sealed class Backend
{
    private readonly Stack<Func<ShutdownBudget, Task>> _stops;
    private readonly bool _isMember;

    private Backend(Stack<Func<ShutdownBudget, Task>> stops, bool isMember) => (_stops, _isMember) = (stops, isMember);

    public required Cast Cast { get; init; }

    public required ActorSystem System { get; init; }

    public required ShardedEntities Entities { get; init; }

    public required NodeStore Store { get; init; }

    public required FeatureFlags Flags { get; init; }

    public required NodeSources Sources { get; init; }

    public required bool IsFirstStart { get; init; }

    /// <param name="health">Is told what the start waits for.</param>
    /// <param name="node">Is told when the node has joined, and when it reads its sources.</param>
    /// <exception cref="MembershipLostException">The node joined and lost its place before it was ready.</exception>
    public static async Task<Backend> StartAsync(RagClusterOptions options, Health health, ManagedNode node, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var stops = new Stack<Func<ShutdownBudget, Task>>();
        Membership? member = null;
        try
        {
            var runtime = SystemRuntime.Instance;
            health.Waiting("The node waits for its store.");
            var store = await NodeStore.OpenAsync(options, runtime, loggers, cancellationToken);
            stops.Push(async _ => await store.DisposeAsync());

            var system = new ActorSystem(options.Node.Name, runtime, null, loggers);
            stops.Push(async budget => await system.TerminateAsync(budget.Share(0.5)));

            health.Waiting(options.Cluster.Enabled ? "The node is joining the cluster." : "The node is starting.");
            member = await Membership.JoinAsync(options, system, store.Journal, loggers, cancellationToken);
            node.Joined(member.Entities);
            if (member.Transport is { } transport)
            {
                stops.Push(async _ => await transport.DisposeAsync());
                if (OptionsMapping.Discovery(options.Cluster.Discovery, runtime.Time) is { } discovery)
                {
                    var watch = new DiscoveryWatch(
                        discovery, (IClusterStore)store.Journal, transport.IdentifyAsync, options.Cluster.Discovery.Interval, runtime, loggers.CreateLogger<DiscoveryWatch>());
                    stops.Push(async _ => await watch.DisposeAsync());
                }
            }

            // Also where the start ends in between: the others need not wait for the lease to end.
            stops.Push(budget => member.Entities.StopAsync(budget.Share(0.6)));
            var parser = new IsolatedParser(
                ParseWorkers() with { Workers = options.Ingestion.ParseWorkers },
                OptionsMapping.Parser(options),
                runtime.Time,
                loggers.CreateLogger<IsolatedParser>());
            stops.Push(async _ => await parser.DisposeAsync());

            var events = KafkaMapping.Events(options.Kafka, loggers);
            stops.Push(_ =>
            {
                events?.Dispose();
                return Task.CompletedTask;
            });
            var casting = OptionsMapping.Cast(options);
            var endpoints = new EndpointFactory(runtime.Time, loggers);
            var embeddings = InferenceMapping.Embeddings(options, endpoints);
            var generations = InferenceMapping.Generations(options, endpoints);
            var stage = new Stage(system, member.Entities, store.Journal, store.Blobs, parser, embeddings[0].Client, generations[0].Client, loggers)
            {
                EmbeddingEndpoints = embeddings,
                GenerationEndpoints = generations,
                Events = events,
                Reranker = InferenceMapping.Reranker(options, endpoints),
                FormerEmbeddings = casting.FormerEmbedding is { } former ? endpoints.CreateEmbedder(former) : null,
            };
            var cast = await Cast.StartAsync(casting, stage, cancellationToken);
            stops.Push(async _ => await cast.DisposeAsync());

            var flags = await FeatureFlags.StartAsync(casting, stage, cancellationToken);
            stops.Push(async _ => await flags.DisposeAsync());

            // Entities first: they still use everything below while they end their work.
            stops.Push(budget => member.Entities.StopAsync(budget.Share(0.6)));
            health.Waiting("The node waits until every shard has an owner.");
            await member.OpenedAsync(options, cancellationToken);

            // Last to start and first to stop: what they read goes through everything else.
            var sources = NodeSources.Start(options, cast, runtime.Time, loggers);
            stops.Push(budget => sources.StopAsync(budget.Share(0.3)));
            node.Reads(sources);
            return new Backend(stops, member.Transport is not null)
            {
                Cast = cast,
                System = system,
                Entities = member.Entities,
                Store = store,
                Flags = flags,
                Sources = sources,
                IsFirstStart = store.IsFirstStart,
            };
        }
        catch (Exception e)
        {
            // Whatever failed then failed because of that.
            var lost = member?.Entities.Lost is { IsCompleted: true } over ? await over : member?.Transport is not null ? PassingFailure(e) : null;
            await StopAsync(stops, new ShutdownBudget(options.Kernel.ShutdownTimeout, TimeProvider.System));
            if (lost is not null)
            {
                throw new MembershipLostException(lost, e);
            }

            throw;
        }
    }

    /// <summary>
    /// Why a member of a cluster could not start that may well start next time: its database went away in between. A start
    /// waits for a database, so its supervisor is to try again as it does with a node that was lost. Null for what stays wrong.
    /// </summary>
    internal static string? PassingFailure(Exception e) => e switch
    {
        StoreRefusedException => null,
        StoreException => e.Message,
        _ => e.InnerException is { } inner ? PassingFailure(inner) : null,
    };

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
        services.AddSingleton(Cast.Reembedder);
        services.AddSingleton(Cast.Options);
        services.AddSingleton(Cast.Options.Conversations);
    }

    /// <summary>Of a cluster, and still so.</summary>
    public bool IsMember => _isMember && !Entities.Lost.IsCompleted;

    /// <summary>
    /// Reads no source any more; as one of several nodes gives every shard to the others, and goes on finding the way for
    /// whoever still asks here.
    /// </summary>
    public async Task HandOverAsync(TimeSpan budget)
    {
        if (!Entities.Lost.IsCompleted)
        {
            await Sources.StopAsync(budget * 0.3);
        }

        if (IsMember)
        {
            await Entities.DrainAsync(budget * 0.7);
        }
    }

    public Task StopAsync(ShutdownBudget budget) => StopAsync(_stops, budget);

    private static async Task StopAsync(Stack<Func<ShutdownBudget, Task>> stops, ShutdownBudget budget)
    {
        var failures = new List<Exception>();
        while (stops.TryPop(out var stop))
        {
            try
            {
                await stop(budget);
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
