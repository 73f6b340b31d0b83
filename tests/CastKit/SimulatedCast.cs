using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Actors;
using RagCluster.Actors.Documents;
using RagCluster.Kernel;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;
using RagCluster.TestKit;

namespace RagCluster.CastKit;

/// <summary>What the nodes of a simulated world share: they come and go, it stays.</summary>
public sealed class SimulatedWorld(SimulatedRuntime runtime, IShardStore store)
{
    public SimulatedRuntime Runtime => runtime;

    public IShardStore Store => store;

    public InMemoryBlobs Blobs { get; } = new(runtime.Time);

    public SimulatedInference Inference { get; } = new(runtime);

    public InProcessParser Parser { get; } = new(runtime.Time);
}

/// <summary>
/// A whole cast on a machine of a simulated world. To crash it, kill its machine, or leave it behind: then it goes on
/// until it meets the store, as a process would that was paused for too long.
/// </summary>
public sealed class SimulatedCast : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;

    private SimulatedCast(Cast cast, ShardedEntities entities, ActorSystem system, DirectoryInfo folder) =>
        (Cast, Entities, System, _folder) = (cast, entities, system, folder);

    public Cast Cast { get; }

    public ShardedEntities Entities { get; }

    public ActorSystem System { get; }

    /// <param name="machine">The world's runtime, or a machine of its.</param>
    /// <param name="join">Joins the store; null joins it as the only node.</param>
    /// <param name="change">What differs from the kit's options.</param>
    public static async Task<SimulatedCast> StartAsync(
        SimulatedWorld world,
        IRuntime machine,
        string name = "node",
        Func<ActorSystem, ValueTask<ShardedEntities>>? join = null,
        Func<CastOptions, CastOptions>? change = null,
        ILoggerFactory? loggers = null)
    {
        // In memory where the system has such a place: segment files are flushed, and a simulation needs no disk.
        var folder = Directory.Exists("/dev/shm")
            ? Directory.CreateDirectory(Path.Combine("/dev/shm", "ragcluster-" + Path.GetRandomFileName()))
            : Directory.CreateTempSubdirectory("ragcluster-simulated");
        var system = new ActorSystem(name, machine, null, loggers);
        var entities = await (join?.Invoke(system)
            ?? ShardedEntities.JoinAsync(system, world.Store, new ShardedEntitiesOptions { Node = name }, loggers));
        var stage = new Stage(
            system,
            entities,
            world.Store,
            world.Blobs,
            world.Parser,
            world.Inference.NewEmbedder(),
            world.Inference.NewChatClient(),
            loggers ?? NullLoggerFactory.Instance);
        var options = new CastOptions
        {
            IndexFolder = Path.Combine(folder.FullName, "index"),
            CatalogFile = null,
            Shared = true,
            PartitionEntities = new EntityOptions { SnapshotEvery = 20, PassivateAfter = Timeout.InfiniteTimeSpan, RecentEvents = 0 },
        };
        return new SimulatedCast(await Cast.StartAsync(change?.Invoke(options) ?? options, stage, CancellationToken.None), entities, system, folder);
    }

    /// <summary>Takes a text in; does not wait for more than its durability.</summary>
    public async Task<Committed<DocumentReply>> IngestAsync(TenantId tenant, string id, string text, params string[] readers) =>
        await Cast.Documents.IngestAsync(
            tenant,
            new DocumentOffer(DocumentId.Of(id), id + ".txt", "simulation", "text/plain", RoleSet.Of(readers), new Dictionary<string, string>()),
            new MemoryStream(Encoding.UTF8.GetBytes(text)));

    public async ValueTask DisposeAsync()
    {
        await Entities.StopAsync(TimeSpan.FromSeconds(10));
        await Cast.DisposeAsync();
        await System.TerminateAsync(TimeSpan.FromSeconds(2));
        _folder.Delete(recursive: true);
    }
}
