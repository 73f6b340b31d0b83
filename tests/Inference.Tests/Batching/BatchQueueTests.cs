using FsCheck;
using FsCheck.Fluent;
using RagCluster.Inference.Batching;

namespace RagCluster.Inference.Tests.Batching;

public class BatchQueueTests
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly BatchLimits s_limits = new()
    {
        MaxItems = 4,
        MaxTokens = 100,
        MaxDelay = TimeSpan.FromMilliseconds(5),
        InteractiveDelay = TimeSpan.FromMilliseconds(1),
        Capacity = 10,
        Lookahead = 1,
    };

    [Fact]
    public void A_batch_is_cut_when_it_is_full_or_due()
    {
        var queue = new BatchQueue<string>(s_limits);
        queue.Cut(s_start).ShouldBeEmpty();
        queue.DueAt().ShouldBeNull();
        Add(queue, "a", "b", "c");
        queue.Cut(s_start).ShouldBeEmpty();
        queue.DueAt().ShouldBe(s_start.AddMilliseconds(5));
        queue.Cut(s_start.AddMilliseconds(5)).ShouldBe(["a", "b", "c"]);
        Add(queue, "d", "e", "f", "g", "h");
        queue.Cut(s_start).ShouldBe(["d", "e", "f", "g"]);
        queue.Cut(s_start).ShouldBeEmpty();
    }

    [Fact]
    public void Interactive_items_go_first_and_leave_one_place()
    {
        var queue = new BatchQueue<string>(s_limits);
        Add(queue, "i1", "i2", "i3");
        foreach (var item in new[] { "q1", "q2", "q3", "q4", "q5" })
        {
            queue.TryAdd(item, 1, BatchPriority.Interactive, s_start);
        }

        queue.Cut(s_start).ShouldBe(["q1", "q2", "q3", "i1"]);
        queue.Cut(s_start).ShouldBe(["q4", "q5", "i2", "i3"]);
    }

    [Fact]
    public void An_item_larger_than_a_batch_goes_alone()
    {
        var queue = new BatchQueue<string>(s_limits);
        queue.TryAdd("huge", 1000, BatchPriority.Ingestion, s_start);
        queue.TryAdd("small", 1, BatchPriority.Ingestion, s_start);
        queue.Cut(s_start).ShouldBe(["huge"]);
        queue.Cut(s_start).ShouldBeEmpty();
    }

    [Fact]
    public void Whatever_comes_no_batch_is_too_large_and_no_item_is_lost_doubled_or_overtaken()
    {
        var full = 0;
        var removed = 0;
        var operation = Gen.Choose(0, 9).SelectMany(kind => Gen.Choose(0, 120).Select(size => (kind, size)));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500).WithEndSize(200), Prop.ForAll(Gen.ArrayOf(operation).ToArbitrary(), operations =>
        {
            var queue = new BatchQueue<(BatchPriority Priority, int Number, int Tokens)>(s_limits);
            var now = s_start;
            var waiting = new[] { new List<(BatchPriority, int, int Tokens)>(), [] };
            var number = 0;
            foreach (var (kind, size) in operations)
            {
                var line = waiting[kind % 2];
                if (kind < 6)
                {
                    var item = ((BatchPriority)(kind % 2), number++, size);
                    var added = queue.TryAdd(item, size, item.Item1, now);
                    added.ShouldBe(line.Count < s_limits.Capacity);
                    full += added ? 0 : 1;
                    if (added)
                    {
                        line.Add(item);
                    }
                }
                else if (kind == 6 && line.Count > 0)
                {
                    queue.Remove(line[size % line.Count], line[size % line.Count].Item1).ShouldBeTrue();
                    line.RemoveAt(size % line.Count);
                    removed++;
                }
                else if (kind > 7)
                {
                    now += TimeSpan.FromMilliseconds(size % 7);
                    Take(queue, now, waiting);
                }
            }

            queue.Count.ShouldBe(waiting[0].Count + waiting[1].Count);
            while (queue.Count > 0)
            {
                now += TimeSpan.FromMilliseconds(5);
                Take(queue, now, waiting).ShouldBeGreaterThan(0);
            }

            waiting[0].ShouldBeEmpty();
            waiting[1].ShouldBeEmpty();
        }));
        full.ShouldBeGreaterThan(10);
        removed.ShouldBeGreaterThan(10);
    }

    [Fact]
    public void Texts_of_similar_length_go_together_and_the_one_whose_turn_it_is_always_goes()
    {
        var mixed = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(Gen.ListOf(Gen.Choose(1, 60)).ToArbitrary(), lengths =>
        {
            var queue = new BatchQueue<(int Number, int Tokens)>(s_limits with { Lookahead = 4, MaxTokens = 10_000, Capacity = 1000 });
            var waiting = lengths.Select((length, number) => (Number: number, Tokens: length)).ToList();
            waiting.ForEach(item => queue.TryAdd(item, item.Tokens, BatchPriority.Ingestion, s_start).ShouldBeTrue());
            while (waiting.Count > 0)
            {
                var candidates = waiting.Take(4 * s_limits.MaxItems).ToList();
                var batch = queue.Cut(s_start.AddMilliseconds(5));
                batch.ShouldContain(waiting[0], "else a text of an odd length would wait for ever");
                batch.ShouldBeSubsetOf(candidates);
                var spread = batch.Max(item => Math.Abs(item.Tokens - waiting[0].Tokens));
                candidates.Except(batch).ShouldAllBe(item => Math.Abs(item.Tokens - waiting[0].Tokens) >= spread);
                mixed += batch.SequenceEqual(waiting.Take(batch.Count)) ? 0 : 1;
                waiting.RemoveAll(batch.Contains);
            }

            queue.Count.ShouldBe(0);
        }));
        mixed.ShouldBeGreaterThan(50);
    }

    [Fact]
    public void A_tenant_with_one_text_goes_with_the_next_batch_whatever_another_has_waiting()
    {
        var queue = new BatchQueue<string>(s_limits with { Capacity = 1000 });
        for (var i = 0; i < 100; i++)
        {
            queue.TryAdd($"flood {i}", 10, BatchPriority.Ingestion, s_start, "flood");
        }

        queue.Cut(s_start);
        queue.TryAdd("quiet", 10, BatchPriority.Ingestion, s_start, "quiet");
        queue.Cut(s_start).ShouldContain("quiet");
    }

    private static int Take(BatchQueue<(BatchPriority Priority, int Number, int Tokens)> queue, DateTimeOffset now, List<(BatchPriority, int, int Tokens)>[] waiting)
    {
        var batch = queue.Cut(now);
        batch.Count.ShouldBeLessThanOrEqualTo(s_limits.MaxItems);
        (batch.Count <= 1 || batch.Sum(i => i.Tokens) <= s_limits.MaxTokens).ShouldBeTrue();
        foreach (var priority in new[] { BatchPriority.Interactive, BatchPriority.Ingestion })
        {
            var own = batch.Where(i => i.Priority == priority).ToList();
            own.ShouldBe(waiting[(int)priority].Take(own.Count).ToList());
            waiting[(int)priority].RemoveRange(0, own.Count);
        }

        return batch.Count;
    }

    private static void Add(BatchQueue<string> queue, params string[] items)
    {
        foreach (var item in items)
        {
            queue.TryAdd(item, 1, BatchPriority.Ingestion, s_start).ShouldBeTrue();
        }
    }
}
