using FsCheck;
using FsCheck.Fluent;
using RagCluster.Kafka.Consuming;

namespace RagCluster.Kafka.Tests.Consuming;

public class PartitionWatermarkTests
{
    [Fact]
    public void Nothing_is_committed_past_the_first_open_offset()
    {
        var watermark = new PartitionWatermark();
        watermark.Committable.ShouldBeNull();
        foreach (var offset in (long[])[5, 6, 9])
        {
            watermark.Take(offset);
        }

        watermark.Committable.ShouldBe(5);
        watermark.Settle(6).ShouldBeTrue();
        watermark.Committable.ShouldBe(5);
        watermark.Settle(5).ShouldBeTrue();
        watermark.Committable.ShouldBe(7, "6 was settled before; what is between 6 and 9 was compacted away");
        watermark.Settle(9).ShouldBeTrue();
        watermark.Committable.ShouldBe(10);
        watermark.Settle(9).ShouldBeFalse();
        Should.Throw<ArgumentOutOfRangeException>(() => watermark.Take(9));
    }

    /// <summary>Whatever the gaps and the order of settling: compared with the definition after every step.</summary>
    [Fact]
    public void Whatever_comes_in_whatever_order_the_watermark_is_the_first_open_offset_and_never_falls()
    {
        var steps = Gen.Choose(0, 3).Two().ListOf(60);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(steps.ToArbitrary(), moves =>
        {
            var watermark = new PartitionWatermark();
            var (open, taken, next, before) = (new List<long>(), new List<long>(), 0L, -1L);
            foreach (var (what, which) in moves.Select(m => (m.Item1, m.Item2)))
            {
                if (what < 2 || open.Count == 0)
                {
                    next += 1 + which;
                    watermark.Take(next);
                    open.Add(next);
                    taken.Add(next);
                }
                else
                {
                    var offset = open[(which * 7) % open.Count];
                    open.Remove(offset);
                    watermark.Settle(offset).ShouldBeTrue();
                }

                // The definition: the first open one; where none is open, the one after the last.
                var lowest = open.Count > 0 ? open.Min() : taken[^1] + 1;
                var committable = watermark.Committable!.Value;
                committable.ShouldBeLessThanOrEqualTo(lowest);
                taken.Where(t => t < lowest).ShouldAllBe(t => t < committable, "what is settled below every open one must not be held back");
                committable.ShouldBeGreaterThanOrEqualTo(before);
                watermark.Unsettled.ShouldBe(open.Count);
                before = committable;
            }
        }));
    }
}
