using FsCheck;
using FsCheck.Fluent;
using RagCluster.Inference.Fairness;

namespace RagCluster.Inference.Tests.Fairness;

/// <summary>What would break: a tenant that floods makes the others wait, or one that was away catches up at their cost.</summary>
public class FairQueueTests
{
    [Fact]
    public void While_all_have_something_waiting_each_gets_tokens_by_its_weight()
    {
        var mixes = 0;
        var sizes = Gen.ArrayOf(Gen.Choose(1, 100), 120);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200), Prop.ForAll(Gen.Two(sizes).ToArbitrary(), Gen.Choose(1, 5).ToArbitrary(), (both, weight) =>
        {
            var queue = new FairQueue<(string Tenant, int Number, int Tokens)>();
            foreach (var (tenant, items, share) in new[] { ("a", both.Item1, 1), ("b", both.Item2, weight) })
            {
                for (var i = 0; i < items.Length; i++)
                {
                    queue.Add((tenant, i, items[i]), tenant, items[i], share);
                }
            }

            var got = new Dictionary<string, long> { ["a"] = 0, ["b"] = 0 };
            var next = new Dictionary<string, int> { ["a"] = 0, ["b"] = 0 };
            while (queue.TokensOf("a") > 0 && queue.TokensOf("b") > 0)
            {
                queue.TryPeek(out var item).ShouldBeTrue();
                queue.Take(item).ShouldBeTrue();
                item.Number.ShouldBe(next[item.Tenant]++, "within a tenant the order is that of arrival");
                got[item.Tenant] += item.Tokens;

                // Golestani's bound: never apart by more than the largest item of each, in units of weight.
                Math.Abs(got["a"] - (got["b"] / (double)weight)).ShouldBeLessThanOrEqualTo(100 + (100.0 / weight));
                mixes++;
            }
        }));
        mixes.ShouldBeGreaterThan(10_000);
    }

    [Fact]
    public void Whoever_comes_beside_a_flood_is_next_and_was_not_saving_up()
    {
        var queue = new FairQueue<string>();
        for (var i = 0; i < 1000; i++)
        {
            queue.Add($"flood {i}", "flood", 100);
        }

        for (var i = 0; i < 500; i++)
        {
            queue.TryPeek(out var item);
            queue.Take(item);
        }

        for (var i = 0; i < 10; i++)
        {
            queue.Add($"quiet {i}", "quiet", 100);
        }

        var order = queue.Items.Take(20).ToList();
        order.FindIndex(i => i.StartsWith("quiet", StringComparison.Ordinal)).ShouldBeLessThanOrEqualTo(1);
        order.Count(i => i.StartsWith("quiet", StringComparison.Ordinal)).ShouldBeInRange(9, 10, "they take turns; being away for long is no credit");
    }

    [Fact]
    public void A_tenant_that_asks_one_by_one_has_had_its_share_all_the_same()
    {
        var queue = new FairQueue<string>();
        for (var i = 0; i < 10; i++)
        {
            queue.Add($"other {i}", "other", 10);
        }

        queue.Add("big", "a", 100);
        queue.Remove("big").ShouldBeTrue();
        queue.Add("second", "a", 10);
        queue.Items.ToList().IndexOf("second").ShouldBe(10, "what it asked for and gave up was its turn");
    }

    [Fact]
    public void Whatever_comes_and_goes_the_sums_are_those_of_what_waits()
    {
        var operations = Gen.ListOf(Gen.Choose(0, 3).SelectMany(kind => Gen.Choose(0, 50).Select(n => (kind, n))));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), Prop.ForAll(operations.ToArbitrary(), steps =>
        {
            var queue = new FairQueue<int>();
            var model = new Dictionary<int, (string Tenant, int Tokens)>();
            var number = 0;
            foreach (var (kind, n) in steps)
            {
                if (kind < 2)
                {
                    var tenant = $"t{n % 4}";
                    queue.Add(number, tenant, n);
                    model.Add(number++, (tenant, n));
                }
                else if (model.Count > 0)
                {
                    var item = kind == 2 ? model.Keys.ElementAt(n % model.Count) : queue.Items.First();
                    (kind == 2 ? queue.Remove(item) : queue.Take(item)).ShouldBeTrue();
                    model.Remove(item);
                    queue.Remove(item).ShouldBeFalse();
                }

                queue.Count.ShouldBe(model.Count);
                queue.Items.Order().ShouldBe(model.Keys.Order());
                queue.Tokens.ShouldBe(model.Values.Sum(m => (long)m.Tokens));
                queue.Tenants.ShouldBe(model.Values.Select(m => m.Tenant).Distinct().Count());
            }
        }));
    }
}
