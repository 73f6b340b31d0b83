using RagCluster.Inference.Capacity;

namespace RagCluster.Inference.Routing;

/// <summary>
/// What is known of an endpoint at the moment: what is under way there, how much it bears, whether it answers. Changed by
/// the one who sends it work. Pure: time comes in as a value, counted from any fixed moment; not safe for concurrent use.
/// </summary>
public sealed class EndpointState(EndpointProfile profile, BreakerOptions breaker, WindowOptions window)
{
    private readonly CircuitBreaker _breaker = new(breaker);
    private bool _unreachable;

    public EndpointProfile Profile => profile;

    public AimdWindow Window { get; } = new(profile.Capacity, window);

    public int InFlight { get; private set; }

    public long OutstandingTokens { get; private set; }

    public long Succeeded { get; private set; }

    public long Failed { get; private set; }

    /// <summary>An operator has taken it out: it ends what it has and gets nothing new.</summary>
    public bool IsDrained { get; set; }

    /// <summary>Why it last failed; null while it does not.</summary>
    public string? Reason { get; private set; }

    /// <summary>Whether requests fail there at the moment, so that they go elsewhere.</summary>
    public bool IsUp => _breaker.IsClosed;

    public int Free => Math.Max(0, Window.Limit - InFlight);

    /// <summary>What is under way in proportion to its share of the work.</summary>
    public double Load => OutstandingTokens / profile.Weight;

    /// <summary>Whether it may be asked at all, be it that all its places are taken.</summary>
    public bool IsAvailable(TimeSpan now) => !IsDrained && _breaker.MayPass(now);

    /// <summary>When it may be asked again; null while it may be.</summary>
    public TimeSpan? RetryIn(TimeSpan now) => _breaker.OpenUntil is not { } until ? null : until > now ? until - now : TimeSpan.FromMilliseconds(100);

    public void Begin(long tokens, TimeSpan now)
    {
        _breaker.Passes(now);
        InFlight++;
        OutstandingTokens += tokens;
    }

    /// <summary>The endpoint has begun to answer: whatever becomes of this call, it works.</summary>
    /// <param name="latency">What tells of its load: for an answer, the time to its first token. Null where it says nothing.</param>
    public void Responds(TimeSpan? latency, TimeSpan now)
    {
        Reason = null;
        _unreachable = false;
        _breaker.Succeeded();
        if (latency is { } known)
        {
            Window.Answered(known, InFlight, now);
        }
        else
        {
            Window.Answered(InFlight);
        }
    }

    public void Success(long tokens)
    {
        End(tokens);
        Succeeded++;
    }

    public void Failure(long tokens, InferenceException error, TimeSpan now)
    {
        End(tokens);
        switch (error.Code)
        {
            case InferenceErrorCode.RateLimited:
                Window.Overloaded(now);
                _breaker.TrialAbandoned();
                break;
            case InferenceErrorCode.Rejected:
                // The request's fault; the endpoint answered.
                _breaker.Succeeded();
                break;
            default:
                Failed++;
                Reason = error.Message;
                if (error.Code == InferenceErrorCode.Timeout)
                {
                    Window.Overloaded(now);
                }

                _unreachable |= error.Code == InferenceErrorCode.Unreachable;
                _breaker.Failed(now, atOnce: error.Code == InferenceErrorCode.Unreachable);
                break;
        }
    }

    /// <summary>Whoever asked went away before the end.</summary>
    public void Abandoned(long tokens)
    {
        End(tokens);
        _breaker.TrialAbandoned();
    }

    /// <summary>A look at it from the side did not find it well.</summary>
    /// <param name="lookAgain">When the next look is due: until then it is left alone.</param>
    public void Unwell(InferenceException error, TimeSpan now, TimeSpan lookAgain)
    {
        Reason = error.Message;
        if (error.Code is not (InferenceErrorCode.Unreachable or InferenceErrorCode.Timeout))
        {
            // It answers something; what requests get is for requests to find out.
            return;
        }

        _unreachable = true;
        if (_breaker.IsClosed && InFlight == 0)
        {
            _breaker.Failed(now, atOnce: true);
        }

        _breaker.StaysOpen(now + lookAgain);
    }

    /// <summary>A look at it from the side found it well.</summary>
    public void Well()
    {
        if (_unreachable)
        {
            // What it was kept away for is over; if anything else is wrong, requests will find that.
            _unreachable = false;
            _breaker.Succeeded();
        }

        if (_breaker.IsClosed)
        {
            Reason = null;
        }
    }

    private void End(long tokens)
    {
        InFlight--;
        OutstandingTokens -= tokens;
    }
}
