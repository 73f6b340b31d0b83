using System.Runtime.InteropServices;
using RagCluster.CheckerKit;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Actors.Conversations;
using RagCluster.Actors.Documents;
using RagCluster.Actors.Search;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Partitions;
using RagCluster.Simulation.Faults;
using RagCluster.Simulation.Workload;

namespace RagCluster.Simulation.World;

/// <summary>What became of one seed.</summary>
internal sealed record Result(
    Plan Plan, IReadOnlyList<Violation> Violations, ulong TraceHash, long Steps, TimeSpan Simulated, IReadOnlyDictionary<Fault, int> Faults, Timeline Timeline)
{
    public int Operations { get; init; }

    public int Acknowledged { get; init; }

    public int Searches { get; init; }

    public long Events { get; init; }

    public int Takeovers { get; init; }

    public long Statements { get; init; }

    public long Messages { get; init; }
}

/// <summary>Runs one seed: trouble, healing, rest, and then the reckoning.</summary>
internal sealed class Trial
{
    /// <summary>So long everything has to come to rest once nothing goes wrong any more.</summary>
    private static readonly TimeSpan RestWithin = TimeSpan.FromMinutes(4);

    private readonly Cluster _cluster;
    private readonly Nemesis _nemesis;
    private readonly Gateway _gateway;
    private readonly Library _library;
    private readonly List<ConversationClient> _conversations = [];
    private readonly List<DocumentClient> _documents = [];
    private readonly List<SearchClient> _searchers = [];
    private readonly List<Follower> _readers = [];
    private readonly List<(string Who, Task Task)> _clients = [];
    private readonly SortedDictionary<int, List<LogRecord>> _read = [];
    private readonly Dictionary<(int Shard, long Seq), (ReadOnlyMemory<byte> Payload, object Event)> _events = [];
    private bool _over;
    private bool _streamsOver;

    private Trial(Cluster cluster)
    {
        _cluster = cluster;
        _nemesis = new Nemesis(cluster);
        _gateway = new Gateway(cluster);
        _library = new Library(cluster);
    }

    private Run Record => _cluster.Record;

    public static Result Execute(int seed, bool timeline = false) => Execute(Plan.Draw(seed), timeline);

    public static Result Execute(Plan plan, bool timeline)
    {
        var told = new Timeline(timeline);
        using var cluster = new Cluster(plan, told);
        told.AddText(TimeSpan.Zero, "run", plan.ToString());
        var simulation = new Trial(cluster);
        Exception? failure = null;
        try
        {
            cluster.World.RunToEnd(simulation.RunAsync, plan.Troubled + (RestWithin * 3));
        }
        catch (Exception e) when (e is TimeoutException or InvalidOperationException)
        {
            failure = e;
        }

        List<Violation> violations = [.. AllCheckers.Check(cluster.Record)];
        if (failure is not null)
        {
            violations.Add(new Violation("C12", "", $"The run does not end: {failure.Message}"));
        }

        if (cluster.World.ForeignSteps > 0)
        {
            violations.Add(new Violation("I12", "", $"{cluster.World.ForeignSteps} steps came from other threads: the seed does not reproduce this run."));
        }

        return new Result(plan, violations, cluster.World.TraceHash, cluster.World.Steps, cluster.Now, simulation._nemesis.Made, told)
        {
            Operations = cluster.Record.Operations.Count,
            Acknowledged = cluster.Record.Operations.Count(operation => operation.Outcome == Outcome.Acknowledged),
            Searches = cluster.Record.Searches.Count,
            Events = cluster.Record.Log.Count,
            Statements = cluster.Database.Calls,
            Messages = cluster.Network.MessagesDelivered,
            Takeovers = cluster.Database.Owners.Count(change => change.Owner is not null),
        };
    }

    private async Task RunAsync()
    {
        Populate();
        if (_cluster.Plan.FormerJournal)
        {
            await new FormerRelease(_cluster, _library).WriteAsync(_conversations.Where((_, i) => i % _cluster.Plan.Conversations == 0));
        }

        _ = _cluster.Membership.BeginAsync();
        _nemesis.Start();
        await _cluster.Delay(_cluster.Plan.Troubled);
        await _nemesis.HealAsync();
        var end = _cluster.Now + RestWithin;
        _over = true;
        await RestAsync(end);
        _streamsOver = true;
        _readers.ForEach(reader => reader.Leave());
        await EndedAsync(end + TimeSpan.FromSeconds(30), _clients.Where(client => client.Who.StartsWith("reader", StringComparison.Ordinal)));
        await ReckonAsync();
    }

    private void Populate()
    {
        var writes = new Writes(_cluster, _gateway);
        for (var t = 0; t < _cluster.Plan.Tenants; t++)
        {
            var tenant = TenantId.Of($"t{t}");
            for (var c = 0; c < _cluster.Plan.Conversations; c++)
            {
                var client = new ConversationClient(_cluster, _gateway, writes, _library, _library.Somebody(tenant, $"person-{t}-{c}"), $"talk-{c}");
                _conversations.Add(client);
                _clients.Add((client.Name, client.RunAsync(() => _over)));
                var reader = new Follower(_cluster, client, $"reader-{t}-{c}");
                _readers.Add(reader);
                _clients.Add(($"reader-{t}-{c}", reader.RunAsync(() => _streamsOver)));
            }

            for (var d = 0; d < _cluster.Plan.Documents; d++)
            {
                var client = new DocumentClient(_cluster, _gateway, writes, _library, tenant, d);
                _documents.Add(client);
                _clients.Add((client.Name, client.RunAsync(() => _over)));
            }

            for (var s = 0; s < _cluster.Plan.Searchers; s++)
            {
                var client = new SearchClient(_cluster, _gateway, _library, tenant, s);
                _searchers.Add(client);
                _clients.Add((client.Name, client.RunAsync(() => _over)));
            }
        }

        _cluster.GoesOn = machine =>
        {
            _clients.AddRange(_conversations.Select(client => ($"onlooker of {client.Name}", (Task)client.ReadAsync(machine))));
            _clients.AddRange(_searchers.Select(client => ($"onlooker of {client.Name}", client.SearchAsync(machine))));
        };
    }

    /// <summary>Waits until nothing is open; what is still open at the end is what C12 speaks of.</summary>
    private async Task RestAsync(TimeSpan end)
    {
        await EndedAsync(end, _clients.Where(client => !client.Who.StartsWith("reader", StringComparison.Ordinal)));

        // First without touching anything: whoever looks at an entity wakes it, and hides that nobody else did.
        string asleep;
        while ((asleep = await OpenWorkAsync()).Length > 0 && _cluster.Now < end)
        {
            await _cluster.Delay(TimeSpan.FromSeconds(1));
        }

        Unfinished(asleep);
        foreach (var client in _conversations)
        {
            string open;
            while ((open = await OpenAsync(client)).Length > 0 && _cluster.Now < end)
            {
                await _cluster.Delay(TimeSpan.FromSeconds(1));
            }

            Unfinished(open);
        }

        foreach (var client in _documents)
        {
            string open;
            while ((open = await client.UnrestAsync()).Length > 0 && _cluster.Now < end)
            {
                await _cluster.Delay(TimeSpan.FromSeconds(1));
            }

            Unfinished(open);
        }

        await ReadLogAsync();
        foreach (var reader in _readers)
        {
            var last = Record.Log.Where(record => record.Type == "conversation" && record.Entity == reader.Conversation).Select(record => record.Seq).LastOrDefault();
            while (_cluster.Now < end && reader.Seen < last)
            {
                await _cluster.Delay(TimeSpan.FromSeconds(1));
            }

            Unfinished(reader.Seen < last ? $"A stream of {reader.Conversation} is at {reader.Seen}; the journal ends at {last}." : "");
        }
    }

    /// <summary>What the journal says is not done; empty for nothing.</summary>
    private async Task<string> OpenWorkAsync()
    {
        await ReadLogAsync();
        foreach (var entity in Record.Log.GroupBy(record => (record.Type, record.Entity)))
        {
            var open = entity.Key.Type switch
            {
                "conversation" => Conversation.HasOpenWork(entity.Aggregate(Conversation.Initial(default), (state, record) => Conversation.Evolve(state, (ConversationEvent)record.Event))),
                "document" => Document.HasOpenWork(entity.Aggregate(Document.Initial(default), (state, record) => Document.Evolve(state, (DocumentEvent)record.Event))),
                _ => false,
            };
            if (open)
            {
                return $"The journal of {entity.Key.Type} {entity.Key.Entity} promises work that nobody does; its last event is {entity.Last().Event.GetType().Name}.";
            }
        }

        return "";
    }

    private async Task<string> OpenAsync(ConversationClient client) => await client.ReadAsync() switch
    {
        null when Record.Operations.All(operation => operation.Entity.Id != client.Entity || operation.Outcome != Outcome.Acknowledged) => "",
        null => $"Conversation {client.Entity} cannot be read.",
        { Turns: var turns } when turns.FirstOrDefault(turn => turn.Status == TurnStatus.Open) is { } turn => $"Question {turn.Question} of {client.Entity} has not ended.",
        _ => "",
    };

    private async Task EndedAsync(TimeSpan end, IEnumerable<(string Who, Task Task)> clients)
    {
        foreach (var (who, task) in clients)
        {
            var left = end - _cluster.Now;
            Unfinished(await task.EndsWithin(left > TimeSpan.Zero ? left : TimeSpan.Zero, _cluster.World.Time) ? "" : $"{who} still waits for an answer.");
        }
    }

    private void Unfinished(string what)
    {
        if (what.Length > 0)
        {
            Record.Unfinished.Add(what);
        }
    }

    private async Task ReckonAsync()
    {
        foreach (var client in _documents.Select((client, i) => (client, Tenant: TenantId.Of($"t{i / _cluster.Plan.Documents}"), Document: i % _cluster.Plan.Documents)))
        {
            await ReadIndexAsync(client.Tenant, client.Document);
        }

        _read.Clear();
        await ReadLogAsync();
        await ReadSnapshotsAsync();
        Record.Owners.AddRange(_cluster.Database.Owners);
        Record.Measures.Add(new Measure("requests under way after the end", _gateway.UnderWay, 0));
        Record.Measures.Add(new Measure("statements under way after the end", _cluster.Database.CallsUnderWay, 64));
    }

    private async Task ReadIndexAsync(TenantId tenant, int document)
    {
        var everybody = Library.Everything(tenant, "auditor");
        var filter = new SearchFilter([DocumentId.Of($"doc-{document}")], new Dictionary<string, string>());
        for (var tries = 0; tries < 10; tries++)
        {
            var answer = await _gateway.CallAsync(
                "auditor", tenant.Value, $"read the index of doc-{document}", (cast, token) => cast.Searcher.SearchAsync(everybody, Library.Token(tenant, document), filter, SearchMode.Lexical, 500, token));
            if (answer.Value is { IsPartial: false } found)
            {
                Record.Index.Add(new IndexReading(tenant.Value, $"doc-{document}", [.. found.Passages.Select(passage => passage.Passage)]));
                return;
            }

            await _cluster.Delay(TimeSpan.FromSeconds(1));
        }

        Unfinished($"The index of {tenant}/doc-{document} cannot be searched.");
    }

    /// <summary>Reads what is new: logs only grow. What was read before is read again at the reckoning.</summary>
    private async Task ReadLogAsync()
    {
        foreach (var shard in await _cluster.Database.Store.ListShardsAsync())
        {
            if (!_read.TryGetValue(shard.ShardId, out var read))
            {
                _read.Add(shard.ShardId, read = []);
            }

            while (await _cluster.Database.Store.ReadShardAsync(shard.ShardId, read.Count, PageLimit.Default) is { Count: > 0 } page)
            {
                foreach (var record in page)
                {
                    var commit = _cluster.Database.CommitOf(shard.ShardId, record.ShardSeq);
                    read.Add(new LogRecord(
                        shard.ShardId, record.ShardSeq, shard.EntityType, record.Entity, record.Seq, record.Epoch, record.CommandId, EventOf(shard, record), commit?.At, commit?.Writer));
                }
            }
        }

        Record.Log.Clear();
        Record.Log.AddRange(_read.Values.SelectMany(records => records));
    }

    /// <summary>Bytes that stand where they stood are not decoded again.</summary>
    private object EventOf(ShardRow shard, JournalRecord record)
    {
        ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(_events, (shard.ShardId, record.ShardSeq), out _);
        if (!known.Payload.Equals(record.Payload))
        {
            known = (record.Payload, JournalEvents.Decode(shard.EntityType, record.Payload.Span));
        }

        return known.Event;
    }

    private async Task ReadSnapshotsAsync()
    {
        foreach (var (shard, type, entity) in Record.Log.Select(record => (record.Shard, record.Type, record.Entity)).Distinct().ToList())
        {
            if (await _cluster.Database.Store.LoadSnapshotAsync(shard, entity) is { } snapshot)
            {
                Record.Snapshots.Add(new StoredSnapshot(type, snapshot));
            }
        }
    }
}
