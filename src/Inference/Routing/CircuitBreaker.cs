namespace RagCluster.Inference.Routing;

/// <summary>When a breaker opens and for how long.</summary>
public sealed record BreakerOptions
{
    /// <summary>Failures in a row that open it. A refused connection opens it at once.</summary>
    public int Failures { get; init; } = 3;

    /// <summary>How long it stays open the first time; doubles with each trial that fails.</summary>
    public TimeSpan MinOpen { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Below the five seconds in which an endpoint that answers again is to be back.</summary>
    public TimeSpan MaxOpen { get; init; } = TimeSpan.FromSeconds(2);
}

/// <summary>
/// Keeps requests away from an endpoint that fails: closed, it lets all pass; open, none; after a while half open, one
/// trial at a time, whose outcome closes or opens it again (Nygard, Release It!, 2007). Pure: time comes in as a value;
/// not safe for concurrent use.
/// </summary>
public sealed class CircuitBreaker(BreakerOptions options)
{
    private int _failures;
    private int _trips;
    private TimeSpan? _openUntil;
    private bool _onTrial;

    public bool IsClosed => _openUntil is null;

    /// <summary>Until when nothing passes; null while it is closed.</summary>
    public TimeSpan? OpenUntil => _openUntil;

    /// <summary>Whether a request may pass now.</summary>
    public bool MayPass(TimeSpan now) => _openUntil is not { } until || (now >= until && !_onTrial);

    /// <summary>A request passes. The first one after a time of being open is the trial that everything else waits for.</summary>
    public void Passes(TimeSpan now)
    {
        if (_openUntil <= now)
        {
            _onTrial = true;
        }
    }

    public void Succeeded()
    {
        _failures = _trips = 0;
        _openUntil = null;
        _onTrial = false;
    }

    /// <param name="atOnce">One such failure is enough.</param>
    public void Failed(TimeSpan now, bool atOnce)
    {
        // Requests that passed before it opened say nothing new.
        if (_openUntil is { } until && (now < until || !_onTrial))
        {
            return;
        }

        _onTrial = false;
        if (++_failures < options.Failures && !atOnce && _openUntil is null)
        {
            return;
        }

        var length = TimeSpan.FromTicks(Math.Min(options.MaxOpen.Ticks, options.MinOpen.Ticks << Math.Min(_trips, 20)));
        _trips++;
        _openUntil = now + length;
    }

    /// <summary>The trial ended without telling anything: whoever waited for it went away.</summary>
    public void TrialAbandoned() => _onTrial = false;

    /// <summary>It is known from elsewhere that the endpoint still does not answer.</summary>
    public void StaysOpen(TimeSpan until)
    {
        if (_openUntil is { } known && until > known && !_onTrial)
        {
            _openUntil = until;
        }
    }
}
