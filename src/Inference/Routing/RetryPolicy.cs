namespace RagCluster.Inference.Routing;

/// <summary>Whether and when a request that failed is sent again. Pure.</summary>
public sealed record RetryPolicy
{
    /// <summary>Attempts of one request, at most; more where there are more endpoints.</summary>
    public int MaxAttempts { get; init; } = 4;

    /// <summary>The wait before the second attempt at the same place, doubling.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long to wait before the next attempt; null to give up, because it is of no use or there is no time left.</summary>
    /// <param name="attempts">Made so far.</param>
    /// <param name="elsewhere">There is an endpoint for it where it has not failed yet: then an endpoint's own fault is worth another attempt at once.</param>
    /// <param name="remaining">Until the request's deadline.</param>
    /// <param name="dice">From 0 to 1: half of each wait is drawn, so that requests that failed together do not come back together.</param>
    public TimeSpan? Next(InferenceException error, int attempts, bool elsewhere, TimeSpan remaining, double dice)
    {
        if (elsewhere && error.Code != InferenceErrorCode.Rejected && remaining > TimeSpan.Zero)
        {
            return TimeSpan.Zero;
        }

        if (!error.IsTransient || attempts >= MaxAttempts)
        {
            return null;
        }

        var backoff = TimeSpan.FromTicks(Math.Min(MaxBackoff.Ticks, MinBackoff.Ticks << Math.Min(attempts - 1, 20)));
        var asked = error.RetryAfter ?? TimeSpan.Zero;
        var wait = (backoff * (0.5 + (dice / 2))) is var drawn && drawn > asked ? drawn : asked;
        return wait < remaining ? wait : null;
    }
}
