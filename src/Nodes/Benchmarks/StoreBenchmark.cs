using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using RagCluster.Kernel;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;

namespace RagCluster.Nodes.Benchmarks;

using NotebookDefinition = EntityDefinition<Notebook, NotebookState, NotebookCommand, Note, NotebookReply>;

/// <summary>How large the store benchmark is.</summary>
internal sealed record StoreBenchmarkOptions
{
    /// <summary>Entities that write at once, each its next event when its last one is durable.</summary>
    public int Entities { get; init; } = 1_000;

    /// <summary>Events written, and then recovered, in one round.</summary>
    public int Events { get; init; } = 200_000;

    public int EventBytes { get; init; } = 200;

    /// <summary>How many logs they are spread over.</summary>
    public int Shards { get; init; } = 16;

    public int Rounds { get; init; } = 3;
}

/// <summary>
/// What an acknowledged event costs, through regions, entities, shards and group commit down to the disk, and how fast a
/// log is read back. Each round has a fresh store.
/// </summary>
internal sealed class StoreBenchmark(StoreBenchmarkOptions options, BenchmarkStore engine, Recorder recorder)
{
    private const int Alone = 200;

    private readonly Quantity _appended = IsServer(engine)
        ? Quantity.AtLeast(60e3, "appended", "events/s", "events made durable, the store alone")
        : new Quantity("appended", "events/s", "events made durable, the store alone");
    private static readonly Quantity AppendMedian = new("appendP50", "ms", "one append of a shard, the store alone, median");
    private readonly Quantity _appendTail = new("appendP99", "ms", "one append of a shard, the store alone, p99", IsServer(engine) ? new Target(40, AtLeast: false) : null);
    private static readonly Quantity Written = Quantity.AtLeast(20e3, "events", "events/s", "events made durable, all entities writing");
    private static readonly Quantity CommitMedian = new("commitP50", "ms", "one commit, median");
    private static readonly Quantity CommitTail = new("commitP99", "ms", "one commit, p99");
    private static readonly Quantity CommitSize = new("commitEvents", "events", "events in one commit of a shard, median");
    private static readonly Quantity ReplyMedian = new("replyP50", "ms", "durable reply, all entities writing, median");
    private static readonly Quantity ReplyTail = new("replyP99", "ms", "durable reply, all entities writing, p99");
    private static readonly Quantity AloneMedian = new("aloneP50", "ms", "durable reply, one entity writing, median");
    private static readonly Quantity AloneTail = new("aloneP99", "ms", "durable reply, one entity writing, p99");
    private readonly Quantity _scanned = Quantity.AtLeast(IsServer(engine) ? 500e3 : 300e3, "recoveryShard", "events/s", "recovery by reading shards' logs");
    private static readonly Quantity Recovered = new("recoveryEntity", "events/s", "recovery entity by entity, without snapshots");
    private static readonly Quantity Woken = new("recoverySnapshot", "entities/s", "recovery entity by entity, with snapshots");

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        recorder.Setting("entities", $"{options.Entities}");
        recorder.Setting("events", $"{options.Events}");
        recorder.Setting("event bytes", $"{options.EventBytes}");
        recorder.Setting("engine", $"{engine.Engine}");
        recorder.Setting("shards", $"{options.Shards}");
        recorder.Setting("lanes", $"{engine.Lanes}");
        recorder.Say("warming up");
        await RoundAsync("warm", Math.Max(1, Math.Min(20, PerEntity / 4)), new Recorder(TextWriter.Null), cancellationToken);
        for (var round = 1; round <= options.Rounds; round++)
        {
            recorder.Say($"round {round} of {options.Rounds}");
            await RoundAsync($"round-{round}", PerEntity, recorder, cancellationToken);
        }
    }

    private int PerEntity => Math.Max(1, options.Events / options.Entities);

    private async Task RoundAsync(string name, int each, Recorder target, CancellationToken cancellationToken)
    {
        await using (var store = await engine.OpenAsync(name, cancellationToken))
        {
            await AppendAsync(store, each, target, cancellationToken);
        }

        await using (var node = await StartAsync(name, snapshots: true, cancellationToken))
        {
            await WriteAsync(node, each, target, cancellationToken);
            var alone = new double[Math.Min(Alone, each * options.Entities)];
            await OneAsync(node, "alone", alone, cancellationToken);
            target.AddQuantiles(AloneMedian, AloneTail, 0.99, alone);
        }

        await using (var store = await engine.OpenAsync(name, cancellationToken))
        {
            var watch = Stopwatch.StartNew();
            var events = await ScanAsync(store, cancellationToken);
            target.Add(_scanned, events / watch.Elapsed.TotalSeconds);
        }

        target.Add(Recovered, each * await WakeAsync(name, each, snapshots: false, cancellationToken));
        target.Add(Woken, await WakeAsync(name, each, snapshots: true, cancellationToken));
        await engine.RemoveAsync(name, cancellationToken);
    }

    /// <summary>
    /// Without actors: as many shards in a closed loop, each appending an event of each of its entities at a time. What
    /// the kernel adds to this is the difference to what follows.
    /// </summary>
    private async Task AppendAsync(IShardStore store, int each, Recorder target, CancellationToken cancellationToken)
    {
        var node = await store.JoinAsync("bench", cancellationToken);
        var rows = await store.PrepareShardsAsync("append", options.Shards, cancellationToken);
        var epochs = new long[rows.Count];
        for (var i = 0; i < epochs.Length; i++)
        {
            epochs[i] = await store.ClaimAsync(rows[i].ShardId, rows[i].Epoch, node, cancellationToken) ?? throw new InvalidDataException("A shard of the benchmark has another owner.");
        }

        var lane = new GroupCommitLane(store, SystemRuntime.Instance, new GroupCommitOptions { Lanes = engine.Lanes });
        var entities = Math.Max(1, options.Entities / rows.Count);
        var payload = JsonSerializer.SerializeToUtf8Bytes(new Note(Note.TextOf(options.EventBytes)), NotebookJson.Default.Note);
        var at = TimeProvider.System.GetUtcNow();
        var latencies = new double[rows.Count][];
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(rows.Select((row, n) => Task.Run(
            async () =>
            {
                latencies[n] = new double[each];
                for (var i = 0; i < each; i++)
                {
                    var events = new NewEvent[entities];
                    for (var e = 0; e < entities; e++)
                    {
                        events[e] = new NewEvent(Id(e), i + 1, null, default, payload, at);
                    }

                    var start = Stopwatch.GetTimestamp();
                    var result = await lane.AppendAsync(new ShardBatch(row.ShardId, epochs[n], ((long)i * entities) + 1, events, []));
                    latencies[n][i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                    if (result != AppendResult.Committed)
                    {
                        throw new InvalidDataException($"The store answered {result} to an append.");
                    }
                }
            },
            cancellationToken)));
        target.Add(_appended, (double)rows.Count * entities * each / watch.Elapsed.TotalSeconds);
        target.AddQuantiles(AppendMedian, _appendTail, 0.99, [.. latencies.SelectMany(l => l)]);
    }

    private async Task WriteAsync(Node node, int each, Recorder target, CancellationToken cancellationToken)
    {
        using var commits = new CommitListener();
        var latencies = new double[options.Entities][];
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, options.Entities).Select(n => Task.Run(
            () => OneAsync(node, Id(n), latencies[n] = new double[each], cancellationToken),
            cancellationToken)));
        watch.Stop();
        target.Add(Written, options.Entities * each / watch.Elapsed.TotalSeconds);
        target.AddQuantiles(CommitMedian, CommitTail, 0.99, commits.Milliseconds());
        target.Add(CommitSize, Quantiles.OfSorted([.. commits.Events().Order()], 0.5));
        target.AddQuantiles(ReplyMedian, ReplyTail, 0.99, [.. latencies.SelectMany(l => l)]);
    }

    /// <summary>One entity writes as many events as there is room for their latencies, in ms.</summary>
    private async Task OneAsync(Node node, string id, double[] latencies, CancellationToken cancellationToken)
    {
        var entity = new EntityId(id);
        var take = new Take(Note.TextOf(options.EventBytes));
        for (var i = 0; i < latencies.Length; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await node.Region.AskAsync(entity, take, null, Patience, cancellationToken);
            latencies[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
    }

    /// <summary>Folds all shards' logs, a few shards at a time, as a node does that has just got them.</summary>
    private async Task<long> ScanAsync(IShardStore store, CancellationToken cancellationToken)
    {
        var total = 0L;
        await Parallel.ForEachAsync(
            await store.PrepareShardsAsync(Notebook.Type, options.Shards, cancellationToken),
            new ParallelOptions { MaxDegreeOfParallelism = engine.Readers, CancellationToken = cancellationToken },
            async (shard, token) =>
            {
                var states = new Dictionary<string, NotebookState>();
                var last = 0L;
                while (await store.ReadShardAsync(shard.ShardId, last, PageLimit.Default, token) is { Count: > 0 } page)
                {
                    foreach (var record in page)
                    {
                        var note = JsonSerializer.Deserialize(record.Payload.Span, NotebookJson.Default.Note)!;
                        var state = states.GetValueOrDefault(record.Entity) ?? Notebook.Initial(new EntityId(record.Entity));
                        states[record.Entity] = Notebook.Evolve(state, note);
                    }

                    last = page[^1].ShardSeq;
                }

                Interlocked.Add(ref total, states.Values.Sum(s => s.Notes));
            });
        return total;
    }

    /// <summary>Brings every entity back into a fresh node; entities per second.</summary>
    /// <exception cref="InvalidDataException">An entity came back with another state.</exception>
    private async Task<double> WakeAsync(string name, int each, bool snapshots, CancellationToken cancellationToken)
    {
        await using var node = await StartAsync(name, snapshots, cancellationToken);
        var watch = Stopwatch.StartNew();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, options.Entities),
            new ParallelOptions { MaxDegreeOfParallelism = 256, CancellationToken = cancellationToken },
            async (n, token) =>
            {
                var (reply, seq) = await node.Region.AskAsync(new EntityId(Id(n)), new CountNotes(), null, Patience, token);
                if (reply.Notes != each || seq != each)
                {
                    throw new InvalidDataException($"Notebook {n} came back with {reply.Notes} of its {each} notes, at {seq}.");
                }
            });
        return options.Entities / watch.Elapsed.TotalSeconds;
    }

    private static string Id(int n) => string.Create(CultureInfo.InvariantCulture, $"notebook-{n}");

    private static bool IsServer(BenchmarkStore engine) => engine is PostgresBenchmarkStore;

    private async Task<Node> StartAsync(string name, bool snapshots, CancellationToken cancellationToken) =>
        await Node.StartAsync(await engine.OpenAsync(name, cancellationToken), options.Shards, engine.Lanes, snapshots);

    /// <summary>Entities on a store, without the rest of a node.</summary>
    private sealed class Node : IAsyncDisposable
    {
        private readonly IShardStore _store;
        private readonly ActorSystem _system;
        private readonly ShardedEntities _entities;

        private Node(IShardStore store, ActorSystem system, ShardedEntities entities, IRegion<NotebookCommand, Note, NotebookReply> region) =>
            (_store, _system, _entities, Region) = (store, system, entities, region);

        public IRegion<NotebookCommand, Note, NotebookReply> Region { get; }

        public static async Task<Node> StartAsync(IShardStore store, int shards, int lanes, bool snapshots)
        {
            var system = new ActorSystem("bench", SystemRuntime.Instance);
            var entities = await ShardedEntities.JoinAsync(system, store, new ShardedEntitiesOptions { Commit = new GroupCommitOptions { Lanes = lanes } });
            var region = await entities.StartAsync(new NotebookDefinition
            {
                EventJson = NotebookJson.Default.Note,
                ReplyJson = NotebookJson.Default.NotebookReply,
                StateJson = snapshots ? NotebookJson.Default.NotebookState : null,
                Behavior = _ => new NotebookBehavior(),
                Options = new EntityOptions { Shards = shards },
            });
            await entities.OpenedAsync();
            return new Node(store, system, entities, region);
        }

        public async ValueTask DisposeAsync()
        {
            await _entities.StopAsync(Patience);
            await _system.TerminateAsync(Patience);
            await _store.DisposeAsync();
        }
    }
}
