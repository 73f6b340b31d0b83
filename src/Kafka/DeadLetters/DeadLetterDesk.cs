using System.Globalization;
using System.Text;
using Confluent.Kafka;
using RagCluster.Kafka.Records;

namespace RagCluster.Kafka.DeadLetters;

/// <summary>A dead letter as it lies in the topic.</summary>
/// <param name="Topic">Where it came from, as are the partition and the offset.</param>
/// <param name="Key">As text, for people.</param>
/// <param name="ValueBytes">Null where the value is left out or was a tombstone.</param>
public sealed record KeptLetter(string Topic, int Partition, long Offset, string? Key, int? ValueBytes, string Code, string Detail, DateTimeOffset At);

/// <summary>What an operator does with the dead-letter topic: look at the newest letters, and send them back once the cause is gone.</summary>
public sealed class DeadLetterDesk(KafkaConnection connection, string topic, string group)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The newest letters, newest first; of each partition so many at most. Takes no part in any group.</summary>
    /// <exception cref="KafkaUnavailableException">The brokers do not answer.</exception>
    public IReadOnlyList<KeptLetter> Newest(int limit, CancellationToken cancellationToken) => Asking(() => ReadNewest(limit, cancellationToken));

    /// <summary>
    /// Sends every letter that was there at the call and not sent before back to where it came from, under its own key and
    /// headers. Letters without their value stay. Returns how many were sent. Remembers how far it came in a group of its own.
    /// </summary>
    /// <exception cref="KafkaUnavailableException">The brokers do not answer; what was sent by then may be sent again.</exception>
    public int SendBack(CancellationToken cancellationToken) => Asking(() => SendAllBack(cancellationToken));

    private static T Asking<T>(Func<T> ask)
    {
        try
        {
            return ask();
        }
        catch (KafkaException e)
        {
            throw new KafkaUnavailableException($"Kafka does not answer: {e.Error.Reason}", e);
        }
    }

    private List<KeptLetter> ReadNewest(int limit, CancellationToken cancellationToken)
    {
        using var consumer = Consumer($"{group}.dead-letters-view", commits: false);
        var letters = new List<KeptLetter>();
        foreach (var partition in Partitions())
        {
            var marks = consumer.QueryWatermarkOffsets(partition, Patience);
            var from = Math.Max(marks.Low, marks.High - limit);
            if (from < marks.High)
            {
                consumer.Assign(new TopicPartitionOffset(partition, from));
                letters.AddRange(ReadTo(consumer, marks.High, cancellationToken).Select(r => Letter(r.Message)));
            }
        }

        return [.. letters.OrderByDescending(l => l.At).Take(limit)];
    }

    private int SendAllBack(CancellationToken cancellationToken)
    {
        using var consumer = Consumer($"{group}.dead-letters", commits: true);
        using var producer = KafkaConnection.Build(() => new ProducerBuilder<byte[]?, byte[]?>(connection.ApplyTo(new ProducerConfig { Acks = Acks.All, EnableIdempotence = true })).Build());
        var sent = 0;
        foreach (var partition in Partitions())
        {
            var marks = consumer.QueryWatermarkOffsets(partition, Patience);
            var committed = consumer.Committed([partition], Patience)[0].Offset;
            var from = committed == Offset.Unset ? marks.Low.Value : Math.Max(marks.Low, committed);
            if (from >= marks.High)
            {
                continue;
            }

            Error? failure = null;
            consumer.Assign(new TopicPartitionOffset(partition, from));
            foreach (var result in ReadTo(consumer, marks.High, cancellationToken))
            {
                if (Text(result.Message.Headers, DeadLetterTopic.TopicHeader) is not { } origin || Text(result.Message.Headers, DeadLetterTopic.OmittedHeader) is not null)
                {
                    continue;
                }

                var headers = new Headers();
                foreach (var header in result.Message.Headers.Where(h => !h.Key.StartsWith(DeadLetterTopic.HeaderPrefix, StringComparison.Ordinal)))
                {
                    headers.Add(header.Key, header.GetValueBytes());
                }

                producer.Produce(origin, new Message<byte[]?, byte[]?> { Key = result.Message.Key, Value = result.Message.Value, Headers = headers }, report =>
                {
                    failure = report.Error.IsError ? report.Error : failure;
                });
                sent++;
            }

            producer.Flush(cancellationToken);
            if (failure is not null)
            {
                throw new KafkaException(failure);
            }

            consumer.Commit([new TopicPartitionOffset(partition, marks.High)]);
        }

        return sent;
    }

    private static IEnumerable<ConsumeResult<byte[]?, byte[]?>> ReadTo(IConsumer<byte[]?, byte[]?> consumer, Offset end, CancellationToken cancellationToken)
    {
        for (var next = 0L; next < end;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var result = consumer.Consume(Patience);
            if (result is null)
            {
                yield break;
            }

            next = result.Offset + 1;
            yield return result;
        }
    }

    private static KeptLetter Letter(Message<byte[]?, byte[]?> message) => new(
        Text(message.Headers, DeadLetterTopic.TopicHeader) ?? "",
        int.TryParse(Text(message.Headers, DeadLetterTopic.PartitionHeader), CultureInfo.InvariantCulture, out var partition) ? partition : -1,
        long.TryParse(Text(message.Headers, DeadLetterTopic.OffsetHeader), CultureInfo.InvariantCulture, out var offset) ? offset : -1,
        message.Key is null ? null : Encoding.UTF8.GetString(message.Key),
        message.Value?.Length,
        Text(message.Headers, DeadLetterTopic.CodeHeader) ?? "",
        Text(message.Headers, DeadLetterTopic.DetailHeader) ?? "",
        DateTimeOffset.TryParse(Text(message.Headers, DeadLetterTopic.AtHeader), CultureInfo.InvariantCulture, out var at) ? at : DateTimeOffset.UnixEpoch);

    private static string? Text(Headers headers, string key) => headers.TryGetLastBytes(key, out var bytes) ? Encoding.UTF8.GetString(bytes) : null;

    private List<TopicPartition> Partitions()
    {
        using var admin = KafkaConnection.Build(() => new AdminClientBuilder(connection.ApplyTo(new AdminClientConfig())).Build());
        return [.. admin.GetMetadata(topic, Patience).Topics.Where(t => t.Topic == topic).SelectMany(t => t.Partitions).Select(p => new TopicPartition(topic, p.PartitionId))];
    }

    private IConsumer<byte[]?, byte[]?> Consumer(string name, bool commits) => KafkaConnection.Build(() => new ConsumerBuilder<byte[]?, byte[]?>(connection.ApplyTo(new ConsumerConfig
    {
        GroupId = name,
        EnableAutoCommit = false,
        EnableAutoOffsetStore = !commits,
        AutoOffsetReset = AutoOffsetReset.Earliest,
    })).Build());
}
