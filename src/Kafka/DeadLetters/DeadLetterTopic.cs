using System.Globalization;
using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using RagCluster.Kafka.Records;

namespace RagCluster.Kafka.DeadLetters;

/// <summary>
/// Writes dead letters to a topic: the record as it was, and beside its own headers why and from where it was refused. A
/// value that the broker does not take is left out, as the record is still where the headers say. At least once: after a
/// crash a letter may be there twice, with the same topic, partition and offset.
/// </summary>
public sealed partial class DeadLetterTopic : IDeadLetterSink, IDisposable
{
    public const string CodeHeader = "ragcluster.code";
    public const string DetailHeader = "ragcluster.detail";
    public const string TopicHeader = "ragcluster.topic";
    public const string PartitionHeader = "ragcluster.partition";
    public const string OffsetHeader = "ragcluster.offset";
    public const string AtHeader = "ragcluster.at";

    /// <summary>Set where the value did not fit; it is the record at topic, partition and offset.</summary>
    public const string OmittedHeader = "ragcluster.value-omitted";

    internal const string HeaderPrefix = "ragcluster.";

    /// <summary>Values over this are left out: brokers take a megabyte unless told otherwise.</summary>
    private const int MaxValueBytes = 900_000;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly IProducer<byte[]?, byte[]?> _producer;
    private readonly string _topic;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopping = new();
    private long _kept;

    /// <exception cref="KafkaUnavailableException">The client does not take its settings.</exception>
    public DeadLetterTopic(KafkaConnection connection, string topic, TimeProvider time, ILogger<DeadLetterTopic> logger)
    {
        (_topic, _time, _logger) = (topic, time, logger);
        _producer = KafkaConnection.Build(() => new ProducerBuilder<byte[]?, byte[]?>(connection.ApplyTo(new ProducerConfig
        {
            Acks = Acks.All,
            EnableIdempotence = true,
            LingerMs = 5,
        })).SetLogHandler((_, message) => LibrarySaid(message.Facility, message.Message)).SetErrorHandler((_, error) => LibraryError(error.Code.ToString(), error.Reason)).Build());
    }

    public string Topic => _topic;

    /// <summary>Letters that the topic has taken since the start.</summary>
    public long Kept => Interlocked.Read(ref _kept);

    public void Add(DeadLetter letter, Action kept) => Send(letter, kept, letter.Record.Value?.Length > MaxValueBytes);

    public void Dispose()
    {
        _stopping.Cancel();
        _producer.Flush(TimeSpan.FromSeconds(2));
        _producer.Dispose();
    }

    internal static Message<byte[]?, byte[]?> MessageOf(DeadLetter letter, bool omitValue)
    {
        var headers = new Headers();

        // A record that was sent back and refused again says the newest reason only.
        foreach (var (key, value) in letter.Record.Headers.Where(h => !h.Key.StartsWith(HeaderPrefix, StringComparison.Ordinal)))
        {
            headers.Add(key, value);
        }

        void Add(string key, string value) => headers.Add(key, Encoding.UTF8.GetBytes(value));
        Add(CodeHeader, letter.Code);
        Add(DetailHeader, letter.Detail);
        Add(TopicHeader, letter.Record.Topic);
        Add(PartitionHeader, letter.Record.Partition.ToString(CultureInfo.InvariantCulture));
        Add(OffsetHeader, letter.Record.Offset.ToString(CultureInfo.InvariantCulture));
        Add(AtHeader, letter.At.ToString("O", CultureInfo.InvariantCulture));
        if (omitValue)
        {
            Add(OmittedHeader, $"{letter.Record.Value?.Length ?? 0}");
        }

        return new Message<byte[]?, byte[]?> { Key = letter.Record.Key, Value = omitValue ? null : letter.Record.Value, Headers = headers };
    }

    private void Send(DeadLetter letter, Action kept, bool omitValue)
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        try
        {
            _producer.Produce(_topic, MessageOf(letter, omitValue), report => Delivered(letter, kept, omitValue, report.Error));
        }
        catch (ProduceException<byte[]?, byte[]?> e)
        {
            Delivered(letter, kept, omitValue, e.Error);
        }
        catch (ObjectDisposedException)
        {
            // Stopped meanwhile: the record is not committed, and comes again.
            return;
        }
    }

    private void Delivered(DeadLetter letter, Action kept, bool omitValue, Error error)
    {
        if (!error.IsError)
        {
            Interlocked.Increment(ref _kept);
            kept();
            return;
        }

        var tooLarge = error.Code is ErrorCode.MsgSizeTooLarge or ErrorCode.InvalidMsgSize;
        NotKept(letter.Record.Topic, letter.Record.Partition, letter.Record.Offset, _topic, error.Reason);
        _ = SendLaterAsync(letter, kept, omitValue || tooLarge);
    }

    private async Task SendLaterAsync(DeadLetter letter, Action kept, bool omitValue)
    {
        try
        {
            await Task.Delay(RetryAfter, _time, _stopping.Token);
            Send(letter, kept, omitValue);
        }
        catch (OperationCanceledException)
        {
            // Stopped: the record is not committed, and comes again.
            return;
        }
    }

    [LoggerMessage(4221, LogLevel.Warning, "The record {Topic}/{Partition}/{Offset} cannot be put among the dead letters of '{DeadLetters}': {Reason} It is tried again; until then its partition's offset is not committed past it")]
    private partial void NotKept(string topic, int partition, long offset, string deadLetters, string reason);

    [LoggerMessage(4222, LogLevel.Warning, "Dead letters: {Code}: {Reason}")]
    private partial void LibraryError(string code, string reason);

    [LoggerMessage(4223, LogLevel.Debug, "librdkafka {Facility}: {Message}")]
    private partial void LibrarySaid(string facility, string message);
}
