namespace RagCluster.Inference.Fairness;

/// <summary>Whether a request is let into a queue. Pure.</summary>
public static class Admission
{
    /// <summary>How long a request would wait in a fair queue, by what it drains at; null where that is not known yet.</summary>
    /// <param name="own">Tokens of its tenant that wait before it.</param>
    /// <param name="all">Tokens that wait, of whoever.</param>
    /// <param name="tenants">Tenants that have something waiting, this one included.</param>
    /// <param name="perSecond">Tokens that leave in a second.</param>
    public static TimeSpan? WaitOf(long own, long all, int tenants, double? perSecond) =>
        perSecond is > 0 and var rate
            // Until its own are through, each other tenant gets as much as it, but no more than it has.
            ? TimeSpan.FromSeconds(Math.Min(TimeSpan.MaxValue.TotalSeconds / 2, Math.Min(all, (double)own * Math.Max(1, tenants)) / rate))
            : null;

    /// <summary>Null if the request may come in; otherwise why not, and when to come again.</summary>
    /// <param name="hasRoom">Whether the queue takes another one of this tenant.</param>
    public static InferenceException? Refusal(bool hasRoom, int waiting, TimeSpan? wait, TimeSpan patience, TimeSpan budget)
    {
        if (budget > TimeSpan.Zero)
        {
            return new InferenceException(InferenceErrorCode.RateLimited, $"The tenant has used up its tokens of this minute; ask again in {Math.Ceiling(budget.TotalSeconds):0} s.") { RetryAfter = budget, IsRefusal = true };
        }

        if (!hasRoom)
        {
            return new InferenceException(InferenceErrorCode.RateLimited, $"{waiting} requests already wait for the endpoints; ask again in a moment.") { RetryAfter = wait ?? TimeSpan.FromSeconds(2), IsRefusal = true };
        }

        return wait > patience
            ? new InferenceException(InferenceErrorCode.RateLimited, $"The requests that already wait take about {wait.Value.TotalSeconds:0} s, and this one cannot wait longer than {patience.TotalSeconds:0} s; ask again later.")
            {
                RetryAfter = wait.Value - patience is var late && late > TimeSpan.FromSeconds(1) ? late : TimeSpan.FromSeconds(1),
                IsRefusal = true,
            }
            : null;
    }
}
