namespace RagCluster.Inference.Capacity;

/// <summary>How a window follows its endpoint.</summary>
public sealed record WindowOptions
{
    /// <summary>Latency is too long from this multiple of the shortest recent one on.</summary>
    public double Tolerance { get; init; } = 2;

    /// <summary>And from this much above it: below, it is noise.</summary>
    public TimeSpan Slack { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>What is left of the window when latency is too long, or the endpoint says that it is overloaded.</summary>
    public double Decrease { get; init; } = 0.85;

    /// <summary>For how long the shortest latency stands; then a newer one takes its place, as models and prompts change.</summary>
    public TimeSpan Memory { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>
/// How many calls an endpoint bears at a time: additive increase while it is full and quick, multiplicative decrease when
/// it becomes slow or refuses (Chiu and Jain, 1989). It begins at the limit, and never goes past it. Pure: time comes in as
/// a value; not safe for concurrent use.
/// </summary>
/// <remarks>Docs/decisions/0015 compares it with a gradient.</remarks>
public sealed class AimdWindow(int limit, WindowOptions options)
{
    private const double Smoothing = 0.2;

    private double _window = limit;
    private double? _smooth;
    private TimeSpan? _shortest;
    private TimeSpan? _shortestOfLast;
    private TimeSpan _since;
    private TimeSpan? _decreased;

    /// <summary>From 1 to the limit.</summary>
    public int Limit => (int)_window;

    /// <summary>A call was answered, <paramref name="inFlight"/> having been under way with it.</summary>
    public void Answered(TimeSpan latency, int inFlight, TimeSpan now)
    {
        if (now - _since > options.Memory)
        {
            (_shortestOfLast, _shortest, _since) = (_shortest, null, now);
        }

        _shortest = _shortest < latency ? _shortest : latency;
        _smooth = _smooth is { } smooth ? smooth + (Smoothing * (latency.TotalMilliseconds - smooth)) : latency.TotalMilliseconds;
        var least = (_shortestOfLast < _shortest ? _shortestOfLast : _shortest)!.Value.TotalMilliseconds;
        if (_smooth <= least * options.Tolerance || _smooth <= least + options.Slack.TotalMilliseconds)
        {
            Answered(inFlight);
        }
        else if (inFlight * 2 > Limit)
        {
            // Slow with little to do, it is slow for another reason, which fewer calls would not cure.
            Overloaded(now);
        }
    }

    /// <summary>A call was answered whose latency says nothing of the load.</summary>
    public void Answered(int inFlight)
    {
        // A window that is not used says nothing of what the endpoint bears.
        if (inFlight >= Limit)
        {
            _window = Math.Min(limit, _window + (1 / _window));
        }
    }

    /// <summary>The endpoint is too slow, refused, or has requests waiting. What was sent before the last decrease does not count again.</summary>
    public void Overloaded(TimeSpan now)
    {
        if (_decreased is { } last && now - last < TimeSpan.FromMilliseconds(Math.Max(_smooth ?? 0, 100)))
        {
            return;
        }

        _decreased = now;
        _window = Math.Max(1, _window * options.Decrease);
    }
}
