using RagCluster.Ingestion.Sources;
using RagCluster.Kafka.Consuming;
using RagCluster.Kafka.DeadLetters;

namespace RagCluster.Kafka.Tests.Consuming;

/// <summary>Real consumers over real sockets; the brokers are librdkafka's own.</summary>
public class KafkaSourceTests
{
    [NeedsKafkaFact]
    public async Task Everything_arrives_in_order_for_each_key_and_is_committed()
    {
        await using var desk = new Desk();
        desk.Send(0, 600, n => $"doc-{n % 50}");
        desk.Join();
        await desk.SettledAsync(600);
        await desk.CommittedAsync(600);
        desk.Check(600).ShouldBeEmpty();
        desk.Effects.Count.ShouldBe(50);
        foreach (var (_, values) in desk.Effects)
        {
            values.Select(v => int.Parse(v!, System.Globalization.CultureInfo.InvariantCulture)).ShouldBeInOrder();
            values.Count.ShouldBe(12);
        }
    }

    [NeedsKafkaFact]
    public async Task Poison_goes_to_the_dead_letters_with_its_reason_stops_nothing_and_can_be_sent_back()
    {
        await using var desk = new Desk(partitions: 1);
        desk.Send(0, 10);
        desk.Brokers.Produce(Desk.Topic, "bad", "{"u8.ToArray(), ("content-type", Kafka.Records.RecordReader.EnvelopeMediaType), ("mine", "stays"));
        desk.Brokers.Produce(Desk.Topic, "foreign", [65], ("tenant", "nobody"));
        desk.Brokers.Produce(Desk.Topic, "doc-3", null);
        desk.Send(10, 10);
        var member = desk.Join();
        await desk.SettledAsync(23);
        await desk.CommittedAsync(23);
        desk.Check(23).ShouldBeEmpty();
        string.Join(", ", desk.Effects["kafka:documents/key/doc-3"].Select(v => v ?? "removed")).ShouldBe("3, removed");
        member.Describe().Refused.ShouldBe(2);
        var letters = new DeadLetterDesk(desk.Connection, Desk.DeadLetters, "g");
        var newest = letters.Newest(10, TestContext.Current.CancellationToken);
        newest.Select(l => (l.Key, l.Code, l.Topic, l.Partition, l.Offset)).ShouldBe(
            [("bad", "malformed-message", Desk.Topic, 0, 10L), ("foreign", "unknown-tenant", Desk.Topic, 0, 11L)], ignoreOrder: true);
        newest.ShouldAllBe(l => l.Detail.Length > 10);

        letters.SendBack(TestContext.Current.CancellationToken).ShouldBe(2);
        await desk.SettledAsync(25);
        letters.SendBack(TestContext.Current.CancellationToken).ShouldBe(2, "they were refused again, as nothing was mended; what was sent back before is not sent twice");
    }

    /// <summary>The positive control of C5: an offset that is settled before its document is durable must be found out.</summary>
    [NeedsKafkaFact]
    public async Task A_source_that_commits_early_is_caught()
    {
        await using var desk = new Desk { Work = TimeSpan.FromMilliseconds(50) };
        desk.Send(0, 300);
        var member = desk.Join(new CommitsEarly(desk.Source()));
        await desk.CommittedAsync(100);
        await member.DisposeAsync();
        desk.Check(300).ShouldContain(v => v.Rule == "C5" && v.Detail.Contains("was committed", StringComparison.Ordinal));
    }

    private sealed class CommitsEarly(KafkaSource inner) : IDocumentSource
    {
        public async IAsyncEnumerable<SourceItem> ReadAsync([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
        {
            await foreach (var item in inner.ReadAsync(cancellation))
            {
                inner.Settled(item, Settlement.Durable);
                yield return item;
            }
        }
    }
}
