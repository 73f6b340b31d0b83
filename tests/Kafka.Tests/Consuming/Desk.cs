using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.CheckerKit;
using RagCluster.Ingestion.Pipeline;
using RagCluster.Ingestion.Sources;
using RagCluster.Kafka.Consuming;
using RagCluster.Kafka.DeadLetters;
using RagCluster.Kafka.Mock;
using RagCluster.Kafka.Records;
using RagCluster.Messages;

namespace RagCluster.Kafka.Tests.Consuming;

/// <summary>
/// Members of one group over librdkafka's own brokers, with a sink that remembers what was durable when. What the group
/// has committed is looked at from outside all the time; at the end C5 is checked over all of it.
/// </summary>
internal sealed class Desk : IAsyncDisposable
{
    public const string Topic = "documents";
    public const string DeadLetters = "dead-letters";
    private const string Group = "g";

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly ConcurrentDictionary<(string Partition, long Offset), TimeSpan> _durable = new();
    private readonly ConcurrentQueue<CommitReading> _commits = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly List<SourcePipeline> _members = [];
    private readonly List<IDisposable> _held = [];
    private readonly Task _watching;
    private readonly int _partitions;

    public Desk(int partitions = 4, int brokers = 1)
    {
        _partitions = partitions;
        Brokers = new MockBrokers(brokers);
        Brokers.CreateTopic(Topic, partitions);
        Brokers.CreateTopic(DeadLetters, 1);
        Connection = new KafkaConnection { BootstrapServers = Brokers.BootstrapServers };
        _watching = Task.Factory.StartNew(Watch, TaskCreationOptions.LongRunning);
    }

    public MockBrokers Brokers { get; }

    public KafkaConnection Connection { get; }

    /// <summary>How long the sink takes for each document.</summary>
    public TimeSpan Work { get; set; }

    /// <summary>By URI, the values in the order in which they took effect; what was there already has none.</summary>
    public ConcurrentDictionary<string, ConcurrentQueue<string?>> Effects { get; } = new();

    private readonly ConcurrentDictionary<string, long> _newest = new();

    public static KafkaSourceOptions Options(int inFlight = 500) => new()
    {
        Topics = [Topic],
        Group = Group,
        Records = new RecordReaderOptions { Tenant = "t" },
        // The mock lets the first member of a group wait for 3 s, and throws it out where its session is shorter.
        SessionTimeout = TimeSpan.FromSeconds(4),
        CommitEvery = TimeSpan.FromMilliseconds(100),
        MaxInFlightPerPartition = inFlight,
        RevokePatience = TimeSpan.FromSeconds(2),
    };

    public KafkaSource Source(KafkaSourceOptions? options = null)
    {
        var letters = new DeadLetterTopic(Connection, DeadLetters, TimeProvider.System, NullLogger<DeadLetterTopic>.Instance);
        _held.Add(letters);
        return new KafkaSource(Connection, options ?? Options(), new Remembering(this, letters), TimeProvider.System, NullLogger<KafkaSource>.Instance);
    }

    public SourcePipeline Join(IDocumentSource? source = null)
    {
        var pipeline = new SourcePipeline(
            $"member-{_members.Count}", source ?? Source(), null, new Sink(this), new SourcePipelineOptions { Lanes = 16, RestartAfter = TimeSpan.FromMilliseconds(100) }, new PipelineSteps(4, 16, TimeProvider.System), TimeProvider.System, NullLogger.Instance);
        _members.Add(pipeline);
        pipeline.Start();
        return pipeline;
    }

    public void Send(int from, int count, Func<int, string>? key = null)
    {
        for (var n = from; n < from + count; n++)
        {
            Brokers.Produce(Topic, key?.Invoke(n) ?? $"doc-{n}", Encoding.UTF8.GetBytes($"{n}"));
        }

        Brokers.Flush();
    }

    public Task SettledAsync(int count) => TestKit.Retry.Until($"{count} records are durable", () => _durable.Count >= count, TimeSpan.FromSeconds(60));

    /// <summary>Until everything is committed that was sent.</summary>
    public Task CommittedAsync(long sum) => TestKit.Retry.Until(
        $"{sum} records are committed", () => _commits.GroupBy(c => c.Partition).Sum(p => p.Max(c => c.Offset)) >= sum, TimeSpan.FromSeconds(60));

    /// <summary>What C5 says of everything that happened.</summary>
    public IReadOnlyList<Violation> Check(int sent)
    {
        var run = new Run();
        run.Commits.AddRange(_commits);
        run.Queue.AddRange(_durable.Select(d => new QueuedRecord(d.Key.Partition, d.Key.Offset, d.Value, true)));
        var missing = sent - run.Queue.Count;
        if (missing != 0)
        {
            run.Queue.AddRange(Enumerable.Range(0, Math.Abs(missing)).Select(n => new QueuedRecord("?", n, null, false)));
        }

        // An offset that is committed past and of which the sink never heard is not durable.
        foreach (var partition in run.Commits.GroupBy(c => c.Partition))
        {
            for (var offset = 0L; offset < partition.Max(c => c.Offset); offset++)
            {
                if (!_durable.ContainsKey((partition.Key, offset)))
                {
                    run.Queue.Add(new QueuedRecord(partition.Key, offset, null, false));
                }
            }
        }

        return [.. new CheckerKit.Checkers.Offsets().Check(run)];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var member in _members)
        {
            await member.DisposeAsync();
        }

        await _stopping.CancelAsync();
        await _watching;
        _held.ForEach(h => h.Dispose());
        Brokers.Dispose();
    }

    private void Durable(string stream, long offset) => _durable.TryAdd((stream["kafka:".Length..], offset), _clock.Elapsed);

    private void Watch()
    {
        using var consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig { BootstrapServers = Brokers.BootstrapServers, GroupId = Group, EnableAutoCommit = false })
            .SetLogHandler((_, _) => { }).SetErrorHandler((_, _) => { }).Build();
        var partitions = Enumerable.Range(0, _partitions).Select(p => new TopicPartition(Topic, p)).ToArray();
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                foreach (var committed in consumer.Committed(partitions, TimeSpan.FromSeconds(2)).Where(c => c.Offset >= 0))
                {
                    _commits.Enqueue(new CommitReading($"{Topic}/{committed.Partition.Value}", _clock.Elapsed, committed.Offset));
                }
            }
            catch (KafkaException)
            {
                // A broker that is down on purpose.
                continue;
            }

            Thread.Sleep(20);
        }
    }

    /// <summary>What the entity of a document does: older positions take no effect.</summary>
    private sealed class Sink(Desk desk) : IDocumentSink
    {
        public async ValueTask<Settlement> TakeAsync(TenantId tenant, SourceItem item, CancellationToken cancellationToken)
        {
            if (desk.Work > TimeSpan.Zero)
            {
                await Task.Delay(desk.Work, cancellationToken);
            }

            string? value = null;
            if (item is SourceDocument document)
            {
                await using var stream = await document.OpenAsync(cancellationToken);
                using var reader = new StreamReader(stream);
                value = await reader.ReadToEndAsync(cancellationToken);
            }

            var key = $"{item.Uri}@{item.Position!.Stream}";
            lock (desk._newest)
            {
                if (desk._newest.GetValueOrDefault(key, -1) < item.Position.Offset)
                {
                    desk._newest[key] = item.Position.Offset;
                    desk.Effects.GetOrAdd(item.Uri, _ => new()).Enqueue(value);
                }
            }

            desk.Durable(item.Position.Stream, item.Position.Offset);
            return Settlement.Durable;
        }
    }

    private sealed class Remembering(Desk desk, IDeadLetterSink inner) : IDeadLetterSink
    {
        public void Add(DeadLetter letter, Action kept) => inner.Add(letter, () =>
        {
            desk.Durable($"kafka:{letter.Record.Topic}/{letter.Record.Partition}", letter.Record.Offset);
            kept();
        });
    }
}
