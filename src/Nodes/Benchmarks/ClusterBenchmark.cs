using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel;
using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.Kernel.Transport;

namespace RagCluster.Nodes.Benchmarks;

using NotebookDefinition = EntityDefinition<Notebook, NotebookState, NotebookCommand, Note, NotebookReply>;
using NotebookRegion = IRegion<NotebookCommand, Note, NotebookReply>;

/// <summary>How large the cluster benchmark is.</summary>
internal sealed record ClusterBenchmarkOptions
{
    /// <summary>Asks one after another in a round; twenty times as many with many in flight.</summary>
    public int Asks { get; init; } = 10_000;

    /// <summary>Events that are streamed in a round.</summary>
    public int Events { get; init; } = 200_000;

    public int Rounds { get; init; } = 3;
}

/// <summary>
/// What it costs that an entity lives on another node: two nodes in one process, over TCP on loopback, on a store in memory,
/// so that routing and transport are measured and no database. And how long an entity is away when its node dies or leaves.
/// </summary>
internal sealed class ClusterBenchmark(ClusterBenchmarkOptions options, Recorder recorder)
{
    private const int Shards = 16;
    private const int InFlight = 100;
    private const int Clients = 32;

    private static readonly Quantity AskMedian = Quantity.AtMost(120, "askP50", "us", "ask an entity on another node, one after another, median");
    private static readonly Quantity AskTail = new("askP99", "us", "the same, p99");
    private static readonly Quantity AskMany = Quantity.AtLeast(60e3, "asks", "asks/s", "ask entities on another node, 100 in flight");
    private static readonly Quantity LocalMany = new("asksHere", "asks/s", "ask entities on the same node through the cluster's region, 100 in flight");
    private static readonly Quantity Commands = new("commands", "commands/s", "commands that journal one event each, on another node, 100 in flight");
    private static readonly Quantity Streamed = Quantity.AtLeast(250e3, "streamed", "events/s", "events to a subscriber on another node");
    private static readonly Quantity LeaveStall = Quantity.AtMost(300, "leaveStallP99", "ms", "longest wait of a client while the owner leaves in good order, p99 of the clients");
    private static readonly Quantity LeaveFailures = Quantity.AtMost(0, "leaveFailures", "commands", "commands that failed while the owner left");
    private static readonly Quantity KilledAway = Quantity.AtMost(3000, "killedAway", "ms", "from the death of the owner until its entity answers again");

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        recorder.Setting("asks", $"{options.Asks}");
        recorder.Setting("events", $"{options.Events}");
        recorder.Setting("in flight", $"{InFlight}");
        for (var round = 0; round <= options.Rounds; round++)
        {
            recorder.Say(round == 0 ? "warming up" : $"round {round} of {options.Rounds}");
            await RoundAsync(round == 0 ? new Recorder(TextWriter.Null) : recorder, cancellationToken);
        }
    }

    private async Task RoundAsync(Recorder target, CancellationToken cancellationToken)
    {
        await using var world = new World();
        var asker = await world.StartAsync("asker");
        var owner = await world.StartAsync("owner");
        await world.BalancedAsync(cancellationToken);
        var there = World.IdsOn(owner, InFlight);
        var here = World.IdsOn(asker, InFlight);
        await SequentialAsync(asker, there[0], options.Asks / 10, cancellationToken);
        await ManyAsync(asker, there, new CountNotes(), options.Asks, cancellationToken);

        var latencies = await SequentialAsync(asker, there[0], options.Asks, cancellationToken);
        target.AddQuantiles(AskMedian, AskTail, 0.99, latencies);
        target.Add(AskMany, await ManyAsync(asker, there, new CountNotes(), options.Asks * 20, cancellationToken));
        target.Add(LocalMany, await ManyAsync(asker, here, new CountNotes(), options.Asks * 20, cancellationToken));
        target.Add(Commands, await ManyAsync(asker, there, new Take("note"), options.Asks * 5, cancellationToken));
        target.Add(Streamed, await StreamAsync(asker, owner, cancellationToken));

        var (stall, failures) = await LeaveAsync(asker, owner, there, cancellationToken);
        target.Add(LeaveStall, stall);
        target.Add(LeaveFailures, failures);

        var victim = await world.StartAsync("victim");
        await world.BalancedAsync(cancellationToken);
        target.Add(KilledAway, await KillAsync(world, asker, victim, cancellationToken));
    }

    /// <summary>In us.</summary>
    private static async Task<double[]> SequentialAsync(Node asker, string id, int asks, CancellationToken cancellationToken)
    {
        var latencies = new double[Math.Max(1, asks)];
        var entity = new EntityId(id);
        for (var n = 0; n < latencies.Length; n++)
        {
            var start = Stopwatch.GetTimestamp();
            await asker.Region.AskAsync(entity, new CountNotes(), null, Patience, cancellationToken);
            latencies[n] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        return latencies;
    }

    private static async Task<double> ManyAsync(Node asker, string[] ids, NotebookCommand command, int asks, CancellationToken cancellationToken)
    {
        var each = Math.Max(1, asks / ids.Length);
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(ids.Select(id => Task.Run(
            async () =>
            {
                for (var n = 0; n < each; n++)
                {
                    await asker.Region.AskAsync(new EntityId(id), command, null, Patience, cancellationToken);
                }
            },
            cancellationToken)));
        return each * ids.Length / watch.Elapsed.TotalSeconds;
    }

    private async Task<double> StreamAsync(Node asker, Node owner, CancellationToken cancellationToken)
    {
        var id = World.IdsOn(owner, InFlight + 1)[^1];
        var each = Math.Max(1, options.Events / InFlight);
        await Task.WhenAll(Enumerable.Range(0, InFlight).Select(_ => Task.Run(
            async () =>
            {
                for (var n = 0; n < each; n++)
                {
                    await owner.Region.AskAsync(new EntityId(id), new Take("note"), null, Patience, cancellationToken);
                }
            },
            cancellationToken)));
        var watch = Stopwatch.StartNew();
        var (count, total) = (0, each * InFlight);
        await foreach (var note in asker.Region.SubscribeAsync(new EntityId(id), 0, cancellationToken))
        {
            if (++count != note.Seq)
            {
                throw new InvalidDataException($"Event {note.Seq} came as number {count}.");
            }

            if (count == total)
            {
                break;
            }
        }

        return total / watch.Elapsed.TotalSeconds;
    }

    /// <summary>The p99 of the clients' longest waits in ms, and how many commands failed.</summary>
    private static async Task<(double Stall, int Failures)> LeaveAsync(Node asker, Node owner, string[] ids, CancellationToken cancellationToken)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var (longest, failures) = (new double[Clients], 0);
        var clients = Enumerable.Range(0, Clients).Select(client => Task.Run(
            async () =>
            {
                for (var n = 0; !over.IsCancellationRequested; n++)
                {
                    var start = Stopwatch.GetTimestamp();
                    try
                    {
                        await asker.Region.AskAsync(
                            new EntityId(ids[client]), new Take("note"), new CommandId(string.Create(CultureInfo.InvariantCulture, $"leave-{client}-{n}")), Patience, cancellationToken);
                    }
                    catch (Exception e) when (e is EntityUnavailableException or EntityFailedException or TimeoutException)
                    {
                        Interlocked.Increment(ref failures);
                    }

                    longest[client] = Math.Max(longest[client], Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                    await Task.Delay(1, cancellationToken);
                }
            },
            cancellationToken)).ToArray();
        await Task.Delay(300, cancellationToken);
        await owner.Entities.StopAsync(Patience);
        await Task.Delay(300, cancellationToken);
        await over.CancelAsync();
        await Task.WhenAll(clients);
        Array.Sort(longest);
        return (Quantiles.OfSorted(longest, 0.99), failures);
    }

    private static async Task<double> KillAsync(World world, Node asker, Node victim, CancellationToken cancellationToken)
    {
        var id = new EntityId(World.IdsOn(victim, 1)[0]);
        await asker.Region.AskAsync(id, new Take("note"), new CommandId("before"), Patience, cancellationToken);
        var watch = Stopwatch.StartNew();
        await world.KillAsync(victim);
        await asker.Region.AskAsync(id, new Take("note"), new CommandId("after"), Patience, cancellationToken);
        return watch.Elapsed.TotalMilliseconds;
    }

    private sealed record Node(string Name, TcpTransport Transport, ShardedEntities Entities, NotebookRegion Region);

    private sealed class World : IAsyncDisposable
    {
        private readonly InMemoryShardStore _store = new(TimeProvider.System);
        private readonly AsyncLocal<string?> _running = new();
        private readonly List<Node> _nodes = [];
        private volatile string? _killed;

        public World()
        {
            // A dead process does not renew its lease: what the killed node still does here finds no store.
            _store.Faults.Other = () => _killed is { } killed && _running.Value == killed;
            _store.Faults.Append = () => _killed is { } killed && _running.Value == killed ? AppendFault.Fail : AppendFault.None;
        }

        public Task<Node> StartAsync(string name) => Task.Run(async () =>
        {
            _running.Value = name;
            var transport = new TcpTransport(
                new TcpTransportOptions { Cluster = "bench", Address = "127.0.0.1:0", Secret = "not a secret, a benchmark" }, SystemRuntime.Instance, NullLogger<TcpTransport>.Instance);
            var entities = await ShardedEntities.JoinAsync(
                new ActorSystem(name, SystemRuntime.Instance), _store, transport, new ClusterOptions(), new ShardedEntitiesOptions { Node = name });
            var region = await entities.StartAsync(new NotebookDefinition
            {
                CommandJson = NotebookJson.Default.NotebookCommand,
                EventJson = NotebookJson.Default.Note,
                ReplyJson = NotebookJson.Default.NotebookReply,
                Behavior = _ => new NotebookBehavior(),
                Options = new EntityOptions { Shards = Shards },
            });
            var node = new Node(name, transport, entities, region);
            _nodes.Add(node);
            return node;
        });

        public async Task BalancedAsync(CancellationToken cancellationToken)
        {
            while (true)
            {
                var members = (await _store.ListMembersAsync(cancellationToken)).Where(member => member.State == NodeState.Up).ToList();
                if (_nodes.All(node => node.Entities.Describe().All(shard => shard.Owner is not null))
                    && _nodes.Where(node => members.Any(member => member.Node == node.Entities.Node)).Select(node => node.Entities.Describe().Count(shard => shard.Open)) is var open
                    && open.Sum() == Shards && open.Max() - open.Min() <= 1)
                {
                    return;
                }

                await Task.Delay(20, cancellationToken);
            }
        }

        public static string[] IdsOn(Node node, int count) =>
        [
            .. Enumerable.Range(0, int.MaxValue).Select(n => string.Create(CultureInfo.InvariantCulture, $"notebook-{n}"))
                .Where(id => node.Entities.Describe()[StableHash.Bucket(id, Shards)].Open).Take(count),
        ];

        public async Task KillAsync(Node node)
        {
            _killed = node.Name;
            await node.Transport.DisposeAsync();
        }

        public async ValueTask DisposeAsync()
        {
            _killed = null;
            foreach (var node in _nodes)
            {
                await node.Entities.StopAsync(TimeSpan.FromSeconds(5));
                await node.Transport.DisposeAsync();
            }
        }
    }
}
