using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using RagCluster.Ingestion.Sources;
using RagCluster.Kafka.DeadLetters;
using RagCluster.Kafka.Records;

namespace RagCluster.Kafka.Consuming;

/// <summary>
/// The documents of Kafka topics, as one member of a consumer group.
/// <list type="number">
/// <item>A thread of its own polls. It takes each record into its partition's lane, reads it, and queues what it is.</item>
/// <item>A lane that has too much in flight is paused at the broker, and resumed when half of it is settled; so is every
/// lane where the bytes of all are too many. Polling goes on all the while, so that a slow sink costs no membership.</item>
/// <item>What is settled as durable moves its lane's watermark; what is refused does so once the dead-letter topic has
/// it. Only watermarks are committed (I6).</item>
/// <item>A partition that goes to another member waits a little for what is in work, and its watermark is committed
/// last. What was not settled by then comes again there, and takes no effect a second time (<see cref="SourceItem.Position"/>).</item>
/// </list>
/// </summary>
public sealed partial class KafkaSource(
    KafkaConnection connection, KafkaSourceOptions options, IDeadLetterSink deadLetters, TimeProvider time, ILogger<KafkaSource> logger) : IDocumentSource
{
    private static readonly TimeSpan PollFor = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan UpkeepEvery = TimeSpan.FromMilliseconds(100);

    private readonly RecordReader _reader = new(options.Records);
    private readonly ConcurrentDictionary<SourceItem, InFlightRecord> _inFlight = new(ReferenceEqualityComparer.Instance);
    private readonly ConcurrentDictionary<TopicPartition, PartitionLane> _lanes = new();
    private long _bytes;
    private volatile string? _trouble;

    /// <summary>What does not work at the moment, for a person; null where everything does.</summary>
    public string? Trouble => _trouble;

    /// <summary>What is going on in each partition that this member has.</summary>
    public IReadOnlyList<PartitionStatus> Describe() =>
        [.. _lanes.Values.OrderBy(l => l.Topic, StringComparer.Ordinal).ThenBy(l => l.Partition).Select(l => new PartitionStatus(l.Topic, l.Partition, l.InFlight, l.IsPaused))];

    /// <summary>Bytes of records that are taken and not settled.</summary>
    public long BytesInFlight => Interlocked.Read(ref _bytes);

    /// <exception cref="KafkaUnavailableException">The client does not take its settings, or has failed for good.</exception>
    public async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var consumer = KafkaConnection.Build(() => Builder().Build());

        // Not bounded here: what may be taken is, by the lanes and by bytes, and the polling thread must never wait.
        var queue = Channel.CreateUnbounded<(SourceItem Item, InFlightRecord Record)>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var polling = Task.Factory.StartNew(() => Poll(consumer, queue.Writer, stopping.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            await foreach (var (item, record) in queue.Reader.ReadAllAsync(cancellation))
            {
                _inFlight[item] = record;
                if (record.Lane.TryYield())
                {
                    yield return item;
                }
                else
                {
                    Forget(item);
                }
            }
        }
        finally
        {
            await stopping.CancelAsync();
            await polling;
            while (queue.Reader.TryRead(out var left))
            {
                Interlocked.Add(ref _bytes, -left.Record.Record.Bytes);
            }
        }
    }

    public void Settled(SourceItem item, Settlement settlement)
    {
        if (!_inFlight.TryGetValue(item, out var record))
        {
            return;
        }

        if (settlement.IsDurable)
        {
            Release(item, record);
            return;
        }

        // The lane is held back until the dead letter is safe; the others go on.
        deadLetters.Add(new DeadLetter(record.Record, settlement.Code!, settlement.Detail ?? "", time.GetUtcNow()), () => Release(item, record));
    }

    private void Release(SourceItem item, InFlightRecord record)
    {
        Forget(item);
        record.Lane.Settle(record.Record.Offset);
    }

    private void Forget(SourceItem item)
    {
        if (_inFlight.TryRemove(item, out var record))
        {
            Interlocked.Add(ref _bytes, -record.Record.Bytes);
        }
    }

    private ConsumerBuilder<byte[]?, byte[]?> Builder()
    {
        var config = connection.ApplyTo(new ConsumerConfig
        {
            GroupId = options.Group,
            PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky,
            AutoOffsetReset = options.StartAt == StartAt.Earliest ? AutoOffsetReset.Earliest : AutoOffsetReset.Latest,
            // Watermarks are stored by hand; what is stored is committed in the background and when the member leaves.
            EnableAutoCommit = true,
            EnableAutoOffsetStore = false,
            AutoCommitIntervalMs = (int)options.CommitEvery.TotalMilliseconds,
            SessionTimeoutMs = (int)options.SessionTimeout.TotalMilliseconds,
            HeartbeatIntervalMs = (int)Math.Clamp(options.SessionTimeout.TotalMilliseconds / 5, 100, 3000),
            MaxPollIntervalMs = (int)Math.Max(300_000, options.SessionTimeout.TotalMilliseconds),
            // What the library fetches ahead for each partition; its own default of 64 MiB is too much for many partitions.
            QueuedMinMessages = 1000,
            QueuedMaxMessagesKbytes = 4096,
            FetchWaitMaxMs = 100,
            AllowAutoCreateTopics = false,
            TopicMetadataRefreshIntervalMs = 30_000,
        });
        config.GroupInstanceId = options.Instance;
        return new ConsumerBuilder<byte[]?, byte[]?>(config)
            .SetErrorHandler((_, error) => OnError(error))
            .SetLogHandler((_, message) => LibrarySaid(message.Facility, message.Message))
            .SetPartitionsAssignedHandler((_, partitions) => OnAssigned(partitions))
            .SetPartitionsRevokedHandler(OnRevoked)
            .SetPartitionsLostHandler((_, partitions) => OnLost(partitions));
    }

    private void Poll(IConsumer<byte[]?, byte[]?> consumer, ChannelWriter<(SourceItem Item, InFlightRecord Record)> queue, CancellationToken stopping)
    {
        Exception? failure = null;
        try
        {
            consumer.Subscribe(options.Topics);
            var upkept = time.GetTimestamp();
            while (!stopping.IsCancellationRequested)
            {
                if (Consume(consumer) is { } result && _lanes.TryGetValue(result.TopicPartition, out var lane))
                {
                    Take(consumer, lane, result, queue);
                }

                if (time.GetElapsedTime(upkept) >= UpkeepEvery)
                {
                    upkept = time.GetTimestamp();
                    Upkeep(consumer);
                }
            }
        }
        catch (Exception e)
        {
            _trouble = e.Message;
            failure = new KafkaUnavailableException($"The Kafka consumer has failed: {e.Message}", e);
        }
        finally
        {
            Close(consumer);
            queue.TryComplete(failure);
        }
    }

    private ConsumeResult<byte[]?, byte[]?>? Consume(IConsumer<byte[]?, byte[]?> consumer)
    {
        try
        {
            return consumer.Consume(PollFor);
        }
        catch (ConsumeException e) when (!e.Error.IsFatal)
        {
            // Such as a topic that is not there yet: it is looked for again with the metadata.
            OnError(e.Error);
            return null;
        }
    }

    private void Take(IConsumer<byte[]?, byte[]?> consumer, PartitionLane lane, ConsumeResult<byte[]?, byte[]?> result, ChannelWriter<(SourceItem Item, InFlightRecord Record)> queue)
    {
        _trouble = null;
        var message = result.Message;
        var record = new KafkaRecord(result.Topic, result.Partition, result.Offset, message.Key, message.Value, HeadersOf(message.Headers));
        lane.Take(record.Offset);
        Interlocked.Add(ref _bytes, record.Bytes);
        queue.TryWrite((_reader.Read(record), new InFlightRecord(lane, record)));
        if (lane.InFlight >= options.MaxInFlightPerPartition)
        {
            Pause(consumer, [lane]);
        }

        if (BytesInFlight >= options.MaxInFlightBytes)
        {
            Pause(consumer, _lanes.Values);
        }
    }

    private static IReadOnlyList<KeyValuePair<string, byte[]>> HeadersOf(Headers? headers) =>
        headers is null or { Count: 0 } ? [] : [.. headers.Select(h => KeyValuePair.Create(h.Key, h.GetValueBytes() ?? []))];

    private static void Pause(IConsumer<byte[]?, byte[]?> consumer, IEnumerable<PartitionLane> lanes)
    {
        foreach (var lane in lanes.Where(l => !l.IsPaused))
        {
            lane.IsPaused = true;
            consumer.Pause([new TopicPartition(lane.Topic, lane.Partition)]);
        }
    }

    /// <summary>Stores watermarks for the next commit, and resumes what has room again.</summary>
    private void Upkeep(IConsumer<byte[]?, byte[]?> consumer)
    {
        var room = BytesInFlight < options.MaxInFlightBytes / 2;
        foreach (var lane in _lanes.Values)
        {
            Store(consumer, lane);
            if (lane.IsPaused && room && lane.InFlight <= options.MaxInFlightPerPartition / 2)
            {
                consumer.Resume([new TopicPartition(lane.Topic, lane.Partition)]);
                lane.IsPaused = false;
            }
        }
    }

    private void Store(IConsumer<byte[]?, byte[]?> consumer, PartitionLane lane)
    {
        if (lane.Advance() is not { } next)
        {
            return;
        }

        try
        {
            consumer.StoreOffset(new TopicPartitionOffset(lane.Topic, lane.Partition, next));
        }
        catch (KafkaException e)
        {
            // The partition was taken away in this moment; whoever has it now commits for itself.
            NotStored(lane.Topic, lane.Partition, next, e.Error.Reason);
        }
    }

    private void OnAssigned(List<TopicPartition> partitions)
    {
        foreach (var partition in partitions)
        {
            _lanes[partition] = new PartitionLane(partition.Topic, partition.Partition);
        }

        Assigned(options.Group, string.Join(", ", partitions), _lanes.Count);
    }

    private void OnRevoked(IConsumer<byte[]?, byte[]?> consumer, List<TopicPartitionOffset> partitions)
    {
        var leaving = new List<PartitionLane>();
        foreach (var partition in partitions)
        {
            if (_lanes.TryRemove(partition.TopicPartition, out var lane))
            {
                leaving.Add(lane);
            }
        }

        var settled = Task.WhenAll(leaving.Select(lane => lane.RevokeAsync()));
        if (!settled.Wait(options.RevokePatience))
        {
            RevokedUnsettled(options.Group, leaving.Sum(lane => lane.InFlight));
        }

        foreach (var lane in leaving)
        {
            Store(consumer, lane);
        }

        Revoked(options.Group, string.Join(", ", partitions.Select(p => p.TopicPartition)), _lanes.Count);
    }

    private void OnLost(List<TopicPartitionOffset> partitions)
    {
        foreach (var partition in partitions)
        {
            if (_lanes.TryRemove(partition.TopicPartition, out var lane))
            {
                _ = lane.RevokeAsync();
            }
        }

        Lost(options.Group, string.Join(", ", partitions.Select(p => p.TopicPartition)));
    }

    private void Close(IConsumer<byte[]?, byte[]?> consumer)
    {
        try
        {
            // Leaves the group and commits what is stored, through the same handlers as a rebalance.
            consumer.Close();
        }
        catch (KafkaException e)
        {
            NotClosed(options.Group, e.Error.Reason);
        }

        consumer.Dispose();
        foreach (var lane in _lanes.Values)
        {
            _ = lane.RevokeAsync();
        }

        _lanes.Clear();
    }

    private void OnError(Error error)
    {
        _trouble = error.Code == ErrorCode.UnknownTopicOrPart ? $"A topic of {string.Join(", ", options.Topics)} does not exist (yet)." : error.Reason;
        LibraryError(options.Group, error.Code.ToString(), error.Reason);
    }

    [LoggerMessage(4211, LogLevel.Information, "Group '{Group}': partitions {Partitions} are this node's now; it has {Count}")]
    private partial void Assigned(string group, string partitions, int count);

    [LoggerMessage(4212, LogLevel.Information, "Group '{Group}': partitions {Partitions} go to others; this node has {Count}")]
    private partial void Revoked(string group, string partitions, int count);

    [LoggerMessage(4213, LogLevel.Warning, "Group '{Group}': partitions {Partitions} were taken away from this node, which had not been heard of; what it had in work comes again elsewhere")]
    private partial void Lost(string group, string partitions);

    [LoggerMessage(4214, LogLevel.Information, "Group '{Group}': {Count} records were still in work when their partitions went to others; they come again there")]
    private partial void RevokedUnsettled(string group, int count);

    [LoggerMessage(4215, LogLevel.Information, "Offset {Offset} of {Topic}/{Partition} is not committed: {Reason}")]
    private partial void NotStored(string topic, int partition, long offset, string reason);

    [LoggerMessage(4216, LogLevel.Warning, "Group '{Group}': leaving it failed: {Reason}")]
    private partial void NotClosed(string group, string reason);

    [LoggerMessage(4217, LogLevel.Warning, "Group '{Group}': {Code}: {Reason}")]
    private partial void LibraryError(string group, string code, string reason);

    [LoggerMessage(4218, LogLevel.Debug, "librdkafka {Facility}: {Message}")]
    private partial void LibrarySaid(string facility, string message);
}

/// <summary>A partition that this member has.</summary>
public sealed record PartitionStatus(string Topic, int Partition, int InFlight, bool Paused);
