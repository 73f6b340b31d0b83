namespace RagCluster.Inference.Routing;

/// <summary>When a slow call is sent to a second endpoint as well.</summary>
public sealed record HedgeOptions
{
    /// <summary>A call is slow beyond this quantile of the recent ones, times <see cref="Factor"/>.</summary>
    public double Quantile { get; init; } = 0.95;

    /// <summary>A call at the quantile itself is no exception.</summary>
    public double Factor { get; init; } = 1.5;

    /// <summary>No call is slow before this.</summary>
    public TimeSpan MinDelay { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Second calls, at most, as a share of all: 0 switches them off.</summary>
    public double Budget { get; init; } = 0.05;
}

/// <summary>
/// Decides how long a call may take before it is sent to a second endpoint, too, whose answer counts if it is first
/// (Dean and Barroso, The Tail at Scale, 2013). A budget keeps a slow fleet from being asked twice as much. Pure; not
/// safe for concurrent use.
/// </summary>
public sealed class HedgePolicy(HedgeOptions options)
{
    /// <summary>So many calls must have been seen before any is called slow.</summary>
    public const int LeastCalls = 20;

    private const double MaxSaved = 10;

    private readonly double[] _recent = new double[128];
    private double[] _sorted = [];
    private int _count;
    private double _saved;

    /// <summary>After how long a call that begins now is slow; null while that is not known.</summary>
    public TimeSpan? Delay
    {
        get
        {
            if (_count < LeastCalls || options.Budget <= 0)
            {
                return null;
            }

            if (_sorted.Length == 0)
            {
                _sorted = _recent[..Math.Min(_count, _recent.Length)];
                Array.Sort(_sorted);
            }

            var delay = TimeSpan.FromMilliseconds(_sorted[Math.Min(_sorted.Length - 1, (int)(options.Quantile * _sorted.Length))] * options.Factor);
            return delay > options.MinDelay ? delay : options.MinDelay;
        }
    }

    public void Answered(TimeSpan latency)
    {
        _recent[_count % _recent.Length] = latency.TotalMilliseconds;
        _count = _count == int.MaxValue ? LeastCalls : _count + 1;
        if (_count % 16 == 0 || _count == LeastCalls)
        {
            _sorted = [];
        }

        _saved = Math.Min(MaxSaved, _saved + options.Budget);
    }

    /// <summary>Takes the right to one second call; false where the budget is spent.</summary>
    public bool TrySpend()
    {
        if (_saved < 1)
        {
            return false;
        }

        _saved--;
        return true;
    }
}
