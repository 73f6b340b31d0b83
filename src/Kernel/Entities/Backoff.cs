namespace RagCluster.Kernel.Entities;

/// <summary>Waits that double from a least to a greatest, each times a random factor from 0.5 to 1, so that many do not retry in step.</summary>
internal sealed class Backoff(TimeSpan least, TimeSpan greatest, Random random)
{
    private int _failures;

    public TimeSpan Next()
    {
        var wait = Math.Min(greatest.Ticks, least.Ticks * Math.Pow(2, Math.Min(_failures, 30)));
        _failures++;
        return TimeSpan.FromTicks((long)(wait * (0.5 + (random.NextDouble() / 2))));
    }

    public void Reset() => _failures = 0;
}
