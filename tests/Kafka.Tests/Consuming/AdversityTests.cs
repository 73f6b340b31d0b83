using Confluent.Kafka;
using RagCluster.TestKit;

namespace RagCluster.Kafka.Tests.Consuming;

/// <summary>Brokers that are away, and a sink that is slow.</summary>
public class AdversityTests
{
    [NeedsKafkaFact]
    public async Task Brokers_that_go_away_and_refuse_commits_cost_time_only()
    {
        await using var desk = new Desk(brokers: 2) { Work = TimeSpan.FromMilliseconds(1) };
        desk.Send(0, 800);
        desk.Join();
        await desk.SettledAsync(50);
        desk.Brokers.Fail(8, ErrorCode.NotCoordinatorForGroup, ErrorCode.RequestTimedOut, ErrorCode.GroupCoordinatorNotAvailable);
        desk.Brokers.Fail(1, ErrorCode.NotLeaderForPartition, ErrorCode.RequestTimedOut);
        desk.Brokers.TakeDown(1);
        await desk.SettledAsync(100);
        desk.Brokers.BringUp(1);
        await desk.SettledAsync(800);
        await desk.CommittedAsync(800);
        desk.Check(800).ShouldBeEmpty();
    }

    [NeedsKafkaFact]
    public async Task A_slow_sink_pauses_partitions_and_keeps_its_membership()
    {
        await using var desk = new Desk(partitions: 2) { Work = TimeSpan.FromMilliseconds(10) };
        desk.Send(0, 600);
        var source = desk.Source(Desk.Options(inFlight: 20));
        var member = desk.Join(source);
        var most = 0;
        await Retry.Until("a partition is paused", () => source.Describe().Any(p => p.Paused));
        while (member.Describe().Durable < 600)
        {
            most = Math.Max(most, source.Describe().Select(p => p.InFlight).DefaultIfEmpty().Max());
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }

        most.ShouldBeLessThanOrEqualTo(20, "what is in flight is bounded");
        await desk.CommittedAsync(600);
        desk.Check(600).ShouldBeEmpty();
    }
}
