using FsCheck;
using FsCheck.Fluent;
using RagCluster.Inference.Routing;

namespace RagCluster.Inference.Tests.Routing;

public class PolicyTests
{
    private static readonly BreakerOptions s_breaker = new() { Failures = 3, MinOpen = TimeSpan.FromSeconds(1), MaxOpen = TimeSpan.FromSeconds(4) };

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    [Fact]
    public void A_breaker_opens_lets_one_trial_through_and_closes_when_it_succeeds()
    {
        var breaker = new CircuitBreaker(s_breaker);
        breaker.Failed(Seconds(0), atOnce: false);
        breaker.Failed(Seconds(0), atOnce: false);
        breaker.MayPass(Seconds(0)).ShouldBeTrue();
        breaker.Failed(Seconds(0), atOnce: false);
        breaker.MayPass(Seconds(0.9)).ShouldBeFalse();
        breaker.MayPass(Seconds(1)).ShouldBeTrue();
        breaker.Passes(Seconds(1));
        breaker.MayPass(Seconds(1)).ShouldBeFalse("one trial at a time");
        breaker.Failed(Seconds(1.1), atOnce: false);
        breaker.MayPass(Seconds(3)).ShouldBeFalse("twice as long after a trial that failed");
        breaker.MayPass(Seconds(3.1)).ShouldBeTrue();
        breaker.Passes(Seconds(3.1));
        breaker.TrialAbandoned();
        breaker.MayPass(Seconds(3.2)).ShouldBeTrue("whoever tried went away: the next may");
        breaker.Passes(Seconds(3.2));
        breaker.Succeeded();
        breaker.IsClosed.ShouldBeTrue();
    }

    [Fact]
    public void Whatever_happens_a_breaker_is_open_no_longer_than_its_longest_and_never_for_good()
    {
        var opened = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(Gen.ListOf(Gen.Choose(0, 5)).ToArbitrary(), steps =>
        {
            var breaker = new CircuitBreaker(s_breaker);
            var now = TimeSpan.Zero;
            var onTrial = false;
            foreach (var step in steps)
            {
                now += Seconds(0.3);
                switch (step)
                {
                    case 0 or 1 when onTrial || breaker.IsClosed:
                        breaker.Failed(now, atOnce: step == 1);
                        onTrial = false;
                        break;
                    case 2 when onTrial:
                        breaker.Succeeded();
                        onTrial = false;
                        breaker.IsClosed.ShouldBeTrue();
                        break;
                    case 3 when !onTrial && !breaker.IsClosed && breaker.MayPass(now):
                        breaker.Passes(now);
                        onTrial = true;
                        break;
                    case 4:
                        breaker.StaysOpen(now + s_breaker.MaxOpen);
                        break;
                }

                if (breaker.OpenUntil is { } until)
                {
                    opened++;
                    (until - now).ShouldBeLessThanOrEqualTo(s_breaker.MaxOpen);
                    (onTrial || breaker.MayPass(now + s_breaker.MaxOpen)).ShouldBeTrue();
                }
            }
        }));
        opened.ShouldBeGreaterThan(200);
    }

    [Fact]
    public void Retries_end_and_never_outlast_the_deadline()
    {
        var given = 0;
        var codes = Gen.Elements(Enum.GetValues<InferenceErrorCode>());
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(codes.ToArbitrary(), Gen.Choose(1, 8).ToArbitrary(), Gen.Choose(-1000, 5000).ToArbitrary(), (code, attempts, left) =>
        {
            var policy = new RetryPolicy();
            var remaining = TimeSpan.FromMilliseconds(left);
            var error = new InferenceException(code, "") { RetryAfter = code == InferenceErrorCode.RateLimited ? Seconds(1) : null };
            if (policy.Next(error, attempts, elsewhere: false, remaining, dice: left % 10 / 10.0) is { } wait)
            {
                given++;
                error.IsTransient.ShouldBeTrue("the same request would fail in the same way");
                attempts.ShouldBeLessThan(policy.MaxAttempts);
                wait.ShouldBeLessThan(remaining);
                wait.ShouldBeGreaterThanOrEqualTo(error.RetryAfter ?? TimeSpan.Zero);
            }

            policy.Next(error, attempts, elsewhere: true, remaining, 0).ShouldBe(
                code != InferenceErrorCode.Rejected && left > 0 ? TimeSpan.Zero : policy.Next(error, attempts, false, remaining, 0));
        }));
        given.ShouldBeGreaterThan(50);
    }

    [Fact]
    public void Hedges_begin_beyond_the_usual_and_stay_within_their_budget()
    {
        var hedge = new HedgePolicy(new HedgeOptions { Budget = 0.05, Factor = 1.5, MinDelay = TimeSpan.FromMilliseconds(5) });
        hedge.Delay.ShouldBeNull("nothing is known yet");
        for (var i = 0; i < 100; i++)
        {
            hedge.Answered(TimeSpan.FromMilliseconds(i < 90 ? 10 : 40));
        }

        hedge.Delay!.Value.TotalMilliseconds.ShouldBe(60, 0.1, "one and a half times the 95th percentile");
        var spent = 0;
        for (var i = 0; i < 1000; i++)
        {
            hedge.Answered(TimeSpan.FromMilliseconds(10));
            spent += hedge.TrySpend() ? 1 : 0;
        }

        spent.ShouldBeInRange(40, 61);
        hedge.Delay!.Value.TotalMilliseconds.ShouldBe(15, 0.1);
    }
}
