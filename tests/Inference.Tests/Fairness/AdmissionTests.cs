using RagCluster.Inference.Fairness;

namespace RagCluster.Inference.Tests.Fairness;

public class AdmissionTests
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_request_that_could_not_wait_that_long_is_told_when_to_come_again()
    {
        var wait = Admission.WaitOf(own: 500, all: 10_000, tenants: 4, perSecond: 100);
        wait.ShouldBe(20 * s_second, "three other tenants get as much as it, until its own are through");
        Admission.Refusal(true, 3, wait, 30 * s_second, TimeSpan.Zero).ShouldBeNull();
        var refusal = Admission.Refusal(true, 3, wait, 5 * s_second, TimeSpan.Zero).ShouldNotBeNull();
        refusal.Code.ShouldBe(InferenceErrorCode.RateLimited);
        refusal.RetryAfter.ShouldBe(15 * s_second);
        Admission.Refusal(false, 10, null, 5 * s_second, TimeSpan.Zero).ShouldNotBeNull("the queue is full");
        Admission.Refusal(true, 0, null, 5 * s_second, 7 * s_second)!.RetryAfter.ShouldBe(7 * s_second, "its budget is spent");
        Admission.WaitOf(500, 10_000, 4, null).ShouldBeNull("nothing is known yet, so nobody is sent away for it");
    }

    [Theory]
    [InlineData(8, 8, 0, 0, true)] // nobody is there
    [InlineData(3, 8, 5, 1, true)] // a tenant alone takes what is not kept
    [InlineData(2, 8, 6, 1, false)] // and no more
    [InlineData(2, 8, 0, 2, true)] // who comes takes the kept
    [InlineData(1, 8, 1, 2, true)]
    [InlineData(1, 8, 3, 2, false)] // up to its part
    [InlineData(0, 8, 0, 2, false)]
    [InlineData(1, 2, 1, 1, true)] // of two places none is kept
    public void The_last_places_are_kept_for_who_holds_less_than_its_part(int free, int places, int held, int tenants, bool may) =>
        Reserve.MayTake(free, places, held, tenants, 0.25).ShouldBe(may);

    [Fact]
    public void A_spent_budget_fills_again_evenly()
    {
        var budgets = new TokenBudgets(new FairnessOptions { Everybody = new TenantTerms(1, 600), Tenants = new Dictionary<string, TenantTerms> { ["free"] = new() } });
        budgets.WaitOf("a", TimeSpan.Zero).ShouldBe(TimeSpan.Zero);
        budgets.Spend("a", 700, TimeSpan.Zero);
        budgets.WaitOf("a", TimeSpan.Zero).TotalSeconds.ShouldBe(10.1, 0.01, "100 too many at 10 a second, and one to begin with");
        budgets.WaitOf("a", 11 * s_second).ShouldBe(TimeSpan.Zero);
        budgets.Spend("free", 1_000_000, TimeSpan.Zero);
        budgets.WaitOf("free", TimeSpan.Zero).ShouldBe(TimeSpan.Zero);
        budgets.WaitOf("b", TimeSpan.Zero).ShouldBe(TimeSpan.Zero, "each has its own");
    }

    [Fact]
    public void Buckets_of_tenants_that_have_all_their_tokens_are_forgotten()
    {
        var budgets = new TokenBudgets(new FairnessOptions { Everybody = new TenantTerms(1, 600) });
        for (var i = 0; i < 5000; i++)
        {
            budgets.Spend($"t{i}", 1, TimeSpan.FromSeconds(i));
        }

        budgets.Count.ShouldBeLessThan(1100);
    }
}
