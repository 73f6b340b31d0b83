using RagCluster.Ingestion.Pipeline;
using RagCluster.Kafka.Consuming;
using RagCluster.TestKit;

namespace RagCluster.Kafka.Tests.Consuming;

/// <summary>Members that come, go and die while they work.</summary>
public class RebalanceTests
{
    [NeedsKafkaFact]
    public async Task A_rebalance_in_mid_batch_loses_and_doubles_nothing()
    {
        await using var desk = new Desk { Work = TimeSpan.FromMilliseconds(2) };
        desk.Send(0, 1500);
        var first = desk.Join();
        await desk.SettledAsync(100);
        var second = desk.Join();
        await Retry.Until("both members have partitions", () => Partitions(first) is > 0 and < 4 && Partitions(second) > 0);
        desk.Send(1500, 500);
        await first.StopAsync(TimeSpan.FromSeconds(10));
        await desk.SettledAsync(2000);
        await desk.CommittedAsync(2000);
        desk.Check(2000).ShouldBeEmpty();
        desk.Effects.Values.ShouldAllBe(values => values.Count == 1);
    }

    [NeedsKafkaFact]
    public async Task A_member_that_dies_leaves_its_work_to_the_others()
    {
        await using var desk = new Desk { Work = TimeSpan.FromMilliseconds(2) };
        desk.Send(0, 1000);
        var first = desk.Join();
        await desk.SettledAsync(100);

        // Neither drained nor settled: what was in work is told to nobody, as after a kill.
        await first.DisposeAsync();
        desk.Join();
        await desk.SettledAsync(1000);
        await desk.CommittedAsync(1000);
        desk.Check(1000).ShouldBeEmpty();
        desk.Effects.Values.ShouldAllBe(values => values.Count == 1);
    }

    private static int Partitions(SourcePipeline member) => ((KafkaSource)member.Source).Describe().Count;
}
