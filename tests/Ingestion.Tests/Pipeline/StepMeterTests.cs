using RagCluster.Ingestion.Pipeline;

namespace RagCluster.Ingestion.Tests.Pipeline;

public class StepMeterTests
{
    [Fact]
    public void Rates_and_shares_are_of_the_last_seconds()
    {
        var time = new Clock();
        var meter = new StepMeter("embed", 2, time);
        for (var second = 0; second < 60; second++)
        {
            // For a minute: three quarters of each second one of two places works, and two documents are done.
            using (var scope = meter.Begin())
            {
                time.Advance(0.75);
                scope.Done();
            }

            time.Advance(0.25);
            using (var scope = meter.Begin())
            {
                scope.Done();
            }
        }

        var status = meter.Describe();
        (status.Done, status.Working, status.Failed).ShouldBe((120, 0, 0));
        status.PerSecond.ShouldBe(2, 0.3);
        status.Busy.ShouldBe(0.75, 0.05);
        status.Load.ShouldBe(0.375, 0.03);

        // Then nothing: after the window, nothing is left of it.
        for (var second = 0; second < 30; second++)
        {
            time.Advance(1);
            meter.Describe();
        }

        (meter.Describe().PerSecond, meter.Describe().Busy).ShouldBe((0, 0));
    }

    [Fact]
    public void What_is_not_said_to_be_done_has_failed()
    {
        var meter = new StepMeter("parse", 1, new Clock());
        meter.Begin().Dispose();
        using (meter.Wait())
        {
            meter.Describe().Waiting.ShouldBe(1);
        }

        var status = meter.Describe();
        (status.Done, status.Failed, status.Waiting).ShouldBe((0, 1, 0));
    }

    [Fact]
    public void The_slowest_step_is_the_one_with_the_most_work_for_its_width()
    {
        static StepStatus Step(string name, double load) => new(name, 4, 1, 0, 0, 0, 0, load, load);
        PipelineSteps.Slowest([Step("receive", 1), Step("parse", 0.2), Step("embed", 0.9), Step("index", 0.3)]).ShouldBe("embed");
        PipelineSteps.Slowest([Step("receive", 0.4), Step("parse", 0)]).ShouldBe("receive");
        PipelineSteps.Slowest([Step("parse", 0)]).ShouldBeNull();
    }

    private sealed class Clock : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => 1_000_000;

        public void Advance(double seconds) => _now += (long)(seconds * 1_000_000);

        public override long GetTimestamp() => _now;
    }
}
