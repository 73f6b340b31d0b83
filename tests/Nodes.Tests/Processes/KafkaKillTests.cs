using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Ingestion.Sources;
using RagCluster.Kafka;
using RagCluster.Kafka.Consuming;
using RagCluster.Kafka.DeadLetters;
using RagCluster.Kafka.Mock;
using RagCluster.Kafka.Records;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Processes;

/// <summary>A node that reads Kafka is killed while it reads: every record ends as one document, or among the dead letters.</summary>
public sealed class KafkaKillTests
{
    private const int Documents = 300;

    [Fact]
    public async Task Nothing_is_lost_and_nothing_doubled_by_two_kills()
    {
        Assert.SkipUnless(KafkaLibrary.IsInstalled, "librdkafka is not installed (Debian: apt-get install librdkafka1).");
        using var folder = new TemporaryFolder();
        using var brokers = new MockBrokers();
        brokers.CreateTopic("documents", 4);
        brokers.CreateTopic("events", 1);
        brokers.CreateTopic("letters", 1);
        Send(brokers, 0, Documents / 2);
        brokers.Produce("documents", "bad", "{"u8.ToArray(), ("content-type", RecordReader.EnvelopeMediaType));
        brokers.Produce("documents", "foreign", "x"u8.ToArray(), ("tenant", "nobody"));
        for (var kill = 1; kill <= 2; kill++)
        {
            await using var killed = await ServeAsync(folder.Path, brokers);
            using var watcher = new Caller(killed.Url);
            await TestKit.Retry.Until("some documents are there", async () => (await watcher.ListAsync()).Count >= 20 * kill, TimeSpan.FromSeconds(60));
            killed.Kill();
        }

        Send(brokers, Documents / 2, Documents / 2);
        await using var node = await ServeAsync(folder.Path, brokers);
        using var caller = new Caller(node.Url);
        await TestKit.Retry.Until("every document is indexed", async () => (await caller.ListAsync("&status=indexed")).Count >= Documents, TimeSpan.FromSeconds(90));
        var listed = await caller.ListAsync();
        listed.Count.ShouldBe(Documents);
        listed.ShouldAllBe(d => (int)d["version"]! == 1);
        (await caller.PassagesAsync("word77x")).Count.ShouldBe(1);

        // What was indexed is told, whatever was killed; twice at most now and then, but with the same id.
        var told = await ReadAsync(brokers, "document-indexed", Documents);
        told.Select(e => (string)e["document"]!).Distinct().Count().ShouldBe(Documents);
        told.GroupBy(e => (string)e["document"]!).ShouldAllBe(d => d.Select(e => (string)e["id"]!).Distinct().Count() == 1);
        await ManageAsync(node, brokers, folder.Path);
    }

    private static async Task ManageAsync(Ragcluster node, MockBrokers brokers, string folder)
    {
        using var management = new Caller(RagCluster.Nodes.Hosting.NodeFile.Find(folder)!.ManagementUrl!);
        (await management.SendAsync(HttpMethod.Put, "/ingest/sources/kafka?operation=pause")).Expect(HttpStatusCode.OK);
        (await management.SendAsync(HttpMethod.Put, "/ingest/sources/nothing?operation=pause")).ExpectProblem(HttpStatusCode.NotFound, "not-found");
        (await management.SendAsync(HttpMethod.Put, "/ingest/sources/kafka?operation=jump")).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        var source = (await management.GetAsync("/ingest")).Expect(HttpStatusCode.OK)["sources"]![0]!;
        ((string)source["state"]!).ShouldBe("paused");
        (await management.SendAsync(HttpMethod.Put, "/ingest/dead-letters/default/nothing?operation=retry")).ExpectProblem(HttpStatusCode.NotFound, "not-found");
        Send(brokers, Documents, 1);
        using var caller = new Caller(node.Url);
        (await management.SendAsync(HttpMethod.Put, "/ingest/sources/*?operation=resume")).Expect(HttpStatusCode.OK);
        await TestKit.Retry.Until("what was sent meanwhile is there", async () => (await caller.ListAsync("&status=indexed")).Count == Documents + 1);
        var letters = (await management.GetAsync("/ingest/dead-letters")).Expect(HttpStatusCode.OK)["kafka"]!.AsArray();
        letters.Select(l => (string)l!["code"]!).Distinct().Order(StringComparer.Ordinal).ShouldBe(["malformed-message", "unknown-tenant"]);
    }

    private static void Send(MockBrokers brokers, int from, int count)
    {
        for (var n = from; n < from + count; n++)
        {
            brokers.Produce("documents", $"doc-{n}", Encoding.UTF8.GetBytes($"The answer to question {n} is word{n}x."));
        }

        brokers.Flush();
    }

    private static Task<Ragcluster> ServeAsync(string folder, MockBrokers brokers) => Ragcluster.ServeAsync(
        folder,
        "-D", $"ragcluster.kafka.bootstrap-servers=[\"{brokers.BootstrapServers}\"]",
        "-D", "ragcluster.kafka.consume.topics=[documents]",
        "-D", "ragcluster.kafka.consume.dead-letter-topic=letters",
        "-D", "ragcluster.kafka.consume.session-timeout=4s",
        "-D", "ragcluster.kafka.events.documents-topic=events");

    private static async Task<List<JsonNode>> ReadAsync(MockBrokers brokers, string type, int distinct)
    {
        var source = new KafkaSource(
            new KafkaConnection { BootstrapServers = brokers.BootstrapServers },
            new KafkaSourceOptions { Topics = ["events"], Group = "reader", Records = new RecordReaderOptions { Tenant = "default", Tenants = new HashSet<string> { "default" } }, MaxInFlightPerPartition = 100_000 },
            new NoLetters(),
            TimeProvider.System,
            NullLogger<KafkaSource>.Instance);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var (found, documents) = (new List<JsonNode>(), new HashSet<string>());
        await foreach (var item in source.ReadAsync(patience.Token))
        {
            using var content = await item.ShouldBeOfType<SourceDocument>().OpenAsync(patience.Token);
            var e = JsonNode.Parse(content)!;
            source.Settled(item, Settlement.Durable);
            if ((string)e["type"]! == type)
            {
                found.Add(e);
                if (documents.Add((string)e["document"]!) && documents.Count == distinct)
                {
                    break;
                }
            }
        }

        return found;
    }

    private sealed class NoLetters : IDeadLetterSink
    {
        public void Add(DeadLetter letter, Action kept) => kept();
    }
}
