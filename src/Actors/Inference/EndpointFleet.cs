using RagCluster.Inference;
using RagCluster.Inference.Routing;

namespace RagCluster.Actors.Inference;

/// <summary>What a look at an endpoint found.</summary>
/// <param name="Failure">Null if it answers.</param>
/// <param name="Models">Null where it does not tell.</param>
/// <param name="Waiting">Requests that wait inside of it; null where it does not tell.</param>
internal sealed record EndpointObservation(InferenceException? Failure, IReadOnlyList<string>? Models, int? Waiting, TimeSpan NextLook);

/// <summary>The endpoints of one purpose, as the actor knows them that sends them work.</summary>
internal sealed class EndpointFleet
{
    private readonly Dictionary<EndpointState, int> _indexes;
    private readonly IReadOnlyList<string>?[] _models;
    private readonly string _purpose;

    public EndpointFleet(string purpose, IEnumerable<EndpointProfile> profiles, InferencePolicy policy)
    {
        _purpose = purpose;
        States = [.. profiles.Select(p => new EndpointState(p, policy.Breaker, policy.Window))];
        _indexes = States.Select((state, index) => (state, index)).ToDictionary(p => p.state, p => p.index);
        _models = new IReadOnlyList<string>?[States.Count];
    }

    public IReadOnlyList<EndpointState> States { get; }

    public int IndexOf(EndpointState state) => _indexes[state];

    public bool IsAnyAvailable(TimeSpan now, IReadOnlyCollection<EndpointState> except)
    {
        foreach (var state in States)
        {
            if (state.IsAvailable(now) && !except.Contains(state))
            {
                return true;
            }
        }

        return false;
    }

    public void Observed(int index, EndpointObservation found, TimeSpan now)
    {
        var state = States[index];
        if (found.Failure is { } failure)
        {
            state.Unwell(failure, now, found.NextLook * 2);
            return;
        }

        state.Well();
        _models[index] = found.Models ?? _models[index];
        if (found.Waiting > 0)
        {
            state.Window.Overloaded(now);
        }
    }

    /// <summary>False if there is no endpoint of that name.</summary>
    public bool SetDrained(string name, bool drained)
    {
        var named = States.Where(s => s.Profile.Name == name).ToList();
        named.ForEach(s => s.IsDrained = drained);
        return named.Count > 0;
    }

    public IReadOnlyList<EndpointStatus> Describe(int queued) =>
    [
        .. States.Select((s, i) => new EndpointStatus(
            s.Profile.Name,
            _purpose,
            s.Profile.Options.Kind,
            s.Profile.Options.Url,
            s.Profile.Model,
            _models[i],
            s.Profile.Zone,
            s.Profile.Gpu,
            s.IsDrained ? "drained" : s.IsUp ? "up" : "down",
            s.Reason,
            s.Profile.Capacity,
            s.Window.Limit,
            s.InFlight,
            s.OutstandingTokens,
            queued,
            s.Succeeded,
            s.Failed)),
    ];

    /// <summary>Why a request finds no endpoint, for whoever asked.</summary>
    public InferenceException Unavailable(TimeSpan now)
    {
        var asked = States.Where(s => !s.IsDrained).ToList();
        if (asked.Count == 0)
        {
            return new InferenceException(InferenceErrorCode.Unreachable, $"Every {_purpose} endpoint has been drained by an operator. Resume one.");
        }

        var retry = asked.Select(s => s.RetryIn(now)).Min();
        var reasons = asked.Select(s => s.Reason).OfType<string>().Distinct().ToList();
        return new InferenceException(
            InferenceErrorCode.Unreachable,
            reasons.Count == 0 ? $"No {_purpose} endpoint has the model that is asked for." : string.Join(' ', reasons))
        {
            RetryAfter = retry,
        };
    }
}
