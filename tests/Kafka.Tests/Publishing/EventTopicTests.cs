using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kafka.Mock;
using RagCluster.Kafka.Publishing;

namespace RagCluster.Kafka.Tests.Publishing;

public class EventTopicTests
{
    [NeedsKafkaFact]
    public async Task Events_arrive_with_key_id_and_type_also_when_the_broker_hesitates()
    {
        using var brokers = new MockBrokers();
        brokers.CreateTopic("events", 1);
        brokers.Fail(0, ErrorCode.NotEnoughReplicas, ErrorCode.RequestTimedOut);
        using var topic = new EventTopic(new KafkaConnection { BootstrapServers = brokers.BootstrapServers }, NullLogger<EventTopic>.Instance);
        var events = Enumerable.Range(0, 50).Select(n => new PublishedEvent("events", $"t/doc-{n % 3}", $"document/7/{n}", "document-indexed", "t", Encoding.UTF8.GetBytes($$"""{"n":{{n}}}"""))).ToArray();
        await topic.PublishAsync(events, TestContext.Current.CancellationToken);

        using var consumer = new ConsumerBuilder<string, string>(new ConsumerConfig { BootstrapServers = brokers.BootstrapServers, GroupId = "x" }).SetLogHandler((_, _) => { }).Build();
        consumer.Assign(new TopicPartitionOffset("events", 0, Offset.Beginning));
        for (var n = 0; n < 50; n++)
        {
            var message = consumer.Consume(TimeSpan.FromSeconds(20)).ShouldNotBeNull().Message;
            (message.Key, message.Value).ShouldBe(($"t/doc-{n % 3}", $$"""{"n":{{n}}}"""));
            Encoding.UTF8.GetString(message.Headers.GetLastBytes("id")).ShouldBe($"document/7/{n}");
            Encoding.UTF8.GetString(message.Headers.GetLastBytes("type")).ShouldBe("document-indexed");
        }
    }
}
