using System.Runtime.InteropServices;
using System.Text;
using Confluent.Kafka;

namespace RagCluster.Kafka.Mock;

/// <summary>
/// Brokers inside of librdkafka that speak Kafka's protocol over loopback, for tests and benchmarks: topics, consumer
/// groups, idempotent producers, injected errors and delays. They keep about 5 MiB of each partition, in memory.
/// </summary>
public sealed partial class MockBrokers : IDisposable
{
    private const string LibraryName = "librdkafka";
    private readonly IProducer<byte[]?, byte[]?> _host;
    private readonly nint _cluster;

    static MockBrokers() => NativeLibrary.SetDllImportResolver(typeof(MockBrokers).Assembly, (name, _, _) => name == LibraryName ? KafkaLibrary.Handle : 0);

    /// <exception cref="KafkaUnavailableException">librdkafka is not on this machine.</exception>
    public MockBrokers(int brokers = 1)
    {
        KafkaLibrary.Load();
        var config = new ProducerConfig { BootstrapServers = "mock:1", EnableIdempotence = false, LingerMs = 2, QueueBufferingMaxMessages = 1_000_000 };
        config.Set("test.mock.num.brokers", $"{brokers}");
        _host = new ProducerBuilder<byte[]?, byte[]?>(config).SetLogHandler((_, _) => { }).Build();
        var handle = (SafeHandle)_host.Handle.GetType().GetProperty("LibrdkafkaHandle", System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Instance)!.GetValue(_host.Handle)!;
        _cluster = HandleMockCluster(handle.DangerousGetHandle());
        BootstrapServers = Marshal.PtrToStringUTF8(Bootstraps(_cluster))!;
    }

    public string BootstrapServers { get; }

    /// <summary>A producer at these brokers.</summary>
    public IProducer<byte[]?, byte[]?> Producer => _host;

    /// <summary>Sends a record; <see cref="Flush"/> waits until all that were sent are there.</summary>
    /// <param name="headers">UTF-8 texts by name.</param>
    public void Produce(string topic, string? key, byte[]? value, params (string Key, string Value)[] headers)
    {
        var message = new Message<byte[]?, byte[]?> { Key = key is null ? null : Encoding.UTF8.GetBytes(key), Value = value, Headers = [] };
        foreach (var (name, text) in headers)
        {
            message.Headers.Add(name, Encoding.UTF8.GetBytes(text));
        }

        while (true)
        {
            try
            {
                _host.Produce(topic, message);
                return;
            }
            catch (ProduceException<byte[]?, byte[]?> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                _host.Flush(TimeSpan.FromMilliseconds(100));
            }
        }
    }

    /// <exception cref="TimeoutException">The records are not there after a minute.</exception>
    public void Flush()
    {
        if (_host.Flush(TimeSpan.FromMinutes(1)) > 0)
        {
            throw new TimeoutException("The mock brokers do not take what was produced.");
        }
    }

    public void CreateTopic(string topic, int partitions) => Check(TopicCreate(_cluster, topic, partitions, 1));

    /// <summary>Closes a broker's port and connections; ids count from 1.</summary>
    public void TakeDown(int broker) => Check(BrokerSetDown(_cluster, broker));

    public void BringUp(int broker) => Check(BrokerSetUp(_cluster, broker));

    public void SetRoundTrip(int broker, TimeSpan delay) => Check(BrokerSetRtt(_cluster, broker, (int)delay.TotalMilliseconds));

    /// <summary>The next requests of that kind (by Kafka's API key: 0 produce, 1 fetch, 8 offset commit, 12 heartbeat) are answered with these errors.</summary>
    public void Fail(short apiKey, params ErrorCode[] errors) =>
        PushRequestErrorsArray(_cluster, apiKey, (nuint)errors.Length, Array.ConvertAll(errors, e => (int)e));

    public void Dispose()
    {
        _host.Flush(TimeSpan.FromSeconds(1));
        _host.Dispose();
    }

    private static void Check(int error)
    {
        if (error != 0)
        {
            throw new KafkaException((ErrorCode)error);
        }
    }

    [LibraryImport(LibraryName, EntryPoint = "rd_kafka_handle_mock_cluster")]
    private static partial nint HandleMockCluster(nint client);

    [LibraryImport(LibraryName, EntryPoint = "rd_kafka_mock_cluster_bootstraps")]
    private static partial nint Bootstraps(nint cluster);

    [LibraryImport(LibraryName, EntryPoint = "rd_kafka_mock_topic_create", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int TopicCreate(nint cluster, string topic, int partitions, int replicas);

    [LibraryImport(LibraryName, EntryPoint = "rd_kafka_mock_broker_set_down")]
    private static partial int BrokerSetDown(nint cluster, int broker);

    [LibraryImport(LibraryName, EntryPoint = "rd_kafka_mock_broker_set_up")]
    private static partial int BrokerSetUp(nint cluster, int broker);

    [LibraryImport(LibraryName, EntryPoint = "rd_kafka_mock_broker_set_rtt")]
    private static partial int BrokerSetRtt(nint cluster, int broker, int milliseconds);

    [LibraryImport(LibraryName, EntryPoint = "rd_kafka_mock_push_request_errors_array")]
    private static partial void PushRequestErrorsArray(nint cluster, short apiKey, nuint count, int[] errors);
}
