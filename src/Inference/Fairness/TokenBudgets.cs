namespace RagCluster.Inference.Fairness;

/// <summary>
/// What tenants have left of their tokens: a bucket for each that fills evenly and holds a minute's worth. What is spent is
/// known only after an answer, so a bucket may go below nothing; its owner waits until it is above again. Pure: time comes
/// in as a value; not safe for concurrent use.
/// </summary>
public sealed class TokenBudgets(FairnessOptions options)
{
    private readonly Dictionary<string, (double Left, TimeSpan At)> _buckets = [];

    internal int Count => _buckets.Count;

    /// <summary>How long the tenant has to wait before it may begin something; zero if it need not.</summary>
    public TimeSpan WaitOf(string tenant, TimeSpan now)
    {
        var perMinute = options.Of(tenant).TokensPerMinute;
        if (perMinute == 0)
        {
            return TimeSpan.Zero;
        }

        var left = Left(tenant, perMinute, now);
        return left > 0 ? TimeSpan.Zero : TimeSpan.FromMinutes((1 - left) / perMinute);
    }

    public void Spend(string tenant, long tokens, TimeSpan now)
    {
        var perMinute = options.Of(tenant).TokensPerMinute;
        if (perMinute == 0)
        {
            return;
        }

        _buckets[tenant] = (Left(tenant, perMinute, now) - tokens, now);
        if (_buckets.Count > 1024)
        {
            foreach (var (known, _) in _buckets)
            {
                // A full bucket is what an unknown tenant has.
                if (Left(known, options.Of(known).TokensPerMinute, now) >= options.Of(known).TokensPerMinute)
                {
                    _buckets.Remove(known);
                }
            }
        }
    }

    private double Left(string tenant, long perMinute, TimeSpan now) =>
        _buckets.TryGetValue(tenant, out var bucket) ? Math.Min(perMinute, bucket.Left + ((now - bucket.At).TotalMinutes * perMinute)) : perMinute;
}
