using RagCluster.Inference;
using RagCluster.Inference.Accounting;
using RagCluster.Inference.Capacity;
using RagCluster.Inference.Fairness;
using RagCluster.Inference.Routing;
using RagCluster.Kernel;

namespace RagCluster.Actors.Inference;

/// <summary>
/// Grants places at the generation endpoints: as many at each as it bears, to tenants by their share, to conversations
/// where they were before. The rest wait; who would wait for longer than it can, or beyond a bound, hears at once that
/// the endpoints are overloaded. Answers do not pass through this actor.
/// </summary>
internal sealed class GenerationActor : Actor<GenerationMessage>
{
    private const double Smoothing = 0.05;

    private static readonly object s_ledger = new();

    private readonly IReadOnlyList<GenerationEndpoint> _endpoints;
    private readonly InferencePolicy _policy;
    private readonly int _maxQueued;
    private readonly EndpointFleet _fleet;
    private readonly FairQueue<PlaceRequest> _waiting = new();
    private readonly Dictionary<string, int> _held = [];
    private readonly DrainRate _rate = new();
    private readonly TokenBudgets _budgets;
    private readonly IActorRef<EndpointMessage>?[] _watchers;
    private TokenLedger? _ledger;
    private double _answerTokens;
    private int _inFlight;
    private long? _started;

    /// <param name="answerTokens">How long an answer is believed to be until some have been seen.</param>
    public GenerationActor(IReadOnlyList<GenerationEndpoint> endpoints, int maxQueued, int answerTokens, InferencePolicy policy, InferenceGauges gauges)
    {
        _endpoints = endpoints;
        _maxQueued = maxQueued;
        _policy = policy;
        _answerTokens = answerTokens;
        _fleet = new EndpointFleet("generation", endpoints.Select(e => e.Profile), policy);
        gauges.Generation(_fleet);
        _budgets = new TokenBudgets(policy.Fairness);
        _watchers = new IActorRef<EndpointMessage>?[endpoints.Count];
    }

    protected override ValueTask StartedAsync(CancellationToken cancellationToken)
    {
        _ledger = new TokenLedger(Context.Log);
        for (var i = 0; i < _endpoints.Count; i++)
        {
            if (_endpoints[i] is { Server: { } server, Profile: var profile })
            {
                var (index, self) = (i, Context.Self);
                _watchers[i] = Context.Spawn(
                    Uri.EscapeDataString(profile.Name), () => new EndpointActor(profile, server, _policy.Look, found => self.TryTell(new GenerationEndpointObserved(index, found))));
            }
        }

        return ValueTask.CompletedTask;
    }

    protected override ValueTask ReceiveAsync(GenerationMessage message, CancellationToken cancellationToken)
    {
        switch (message)
        {
            case WantPlace m:
                Add(m.Request);
                break;
            case PlaceNotWanted m:
                _waiting.Remove(m.Request);
                break;
            case PlaceAnswers m:
                m.Place.Endpoint.Responds(m.FirstToken, Elapsed());
                InferenceMeter.FirstToken(m.Place.Endpoint.Profile.Name, m.FirstToken);
                break;
            case PlaceLeft m:
                Leave(m.Place, m.Outcome);
                break;
            case GenerationEndpointObserved m:
                _fleet.Observed(m.Index, m.Found, Elapsed());
                break;
            case DrainGeneration m:
                m.Done.TrySetResult(_fleet.SetDrained(m.Name, m.Drained));
                break;
            case DescribeGeneration m:
                m.Done.TrySetResult(_fleet.Describe(_waiting.Count));
                break;
            case WouldRefuse m:
                m.Done.TrySetResult(Refusal(m.Tenant, (long)_answerTokens, _policy.AnswerPatience));
                break;
            case WriteGenerationLedger:
                _ledger!.Write();
                break;
        }

        while (_waiting.Count > 0 && GrantOne())
        {
        }

        return ValueTask.CompletedTask;
    }

    protected override ValueTask StoppedAsync(StopReason reason)
    {
        foreach (var request in _waiting.Items)
        {
            request.Granted.TrySetException(new InferenceException(InferenceErrorCode.Unreachable, "The node is stopping."));
        }

        _ledger?.Write();
        return ValueTask.CompletedTask;
    }

    private TimeSpan Elapsed() => Context.Time.GetElapsedTime(_started ??= Context.Time.GetTimestamp());

    private void Add(PlaceRequest request)
    {
        var tokens = request.PromptTokens + (long)_answerTokens;

        // What was let in once and failed through no fault of its own is not sent away at the second attempt.
        if (request.Tried.Count == 0 && Refusal(request.Tenant, tokens, request.Patience) is { } refusal)
        {
            InferenceMeter.Refused("generation");
            request.Granted.TrySetException(refusal);
            return;
        }

        request.Since = Elapsed();
        _waiting.Add(request, request.Tenant, (int)tokens, _policy.Fairness.Of(request.Tenant).Weight);
    }

    private InferenceException? Refusal(string tenant, long tokens, TimeSpan patience)
    {
        var own = _waiting.TokensOf(tenant);
        var wait = _waiting.Count == 0 ? null : Admission.WaitOf(own + tokens, _waiting.Tokens + tokens, _waiting.Tenants + (own == 0 ? 1 : 0), _rate.PerSecond);

        // The queue's last places, too, are for tenants who have few in it.
        var hasRoom = Reserve.MayTake(_maxQueued - _waiting.Count, _maxQueued, _waiting.CountOf(tenant), _waiting.Tenants, _policy.Fairness.Reserve);
        return Admission.Refusal(hasRoom, _waiting.Count, wait, patience, _budgets.WaitOf(tenant, Elapsed()));
    }

    /// <summary>Grants one place, or tells one request that there is none for it. False if there is nothing to do.</summary>
    private bool GrantOne()
    {
        var now = Elapsed();
        var (free, places) = (0, 0);
        foreach (var state in _fleet.States)
        {
            if (state.IsAvailable(now))
            {
                free += state.Free;
                places += state.Window.Limit;
            }
        }

        if (free == 0 && places > 0)
        {
            return false;
        }

        var tenants = Math.Max(_waiting.Tenants, _held.Count);
        foreach (var request in _waiting.Items)
        {
            if (request.Granted.Task.IsCompleted)
            {
                _waiting.Remove(request);
                return true;
            }

            if (places > 0 && !Reserve.MayTake(free, places, _held.GetValueOrDefault(request.Tenant), tenants, _policy.Fairness.Reserve))
            {
                continue;
            }

            var route = RouteOf(request, now);
            if (route.Kind == RouteKind.None)
            {
                _waiting.Remove(request);
                request.Granted.TrySetException(_fleet.Unavailable(now));
                return true;
            }

            if (route.Endpoint is { } endpoint)
            {
                Grant(request, endpoint, now);
                return true;
            }
        }

        return false;
    }

    private Route RouteOf(PlaceRequest request, TimeSpan now)
    {
        var states = request.Continues ? [.. _fleet.States.Where(static s => s.Profile.Continues)] : _fleet.States;
        return Router.Choose(states, new RouteRequest { Models = _policy.AnswerModels, Affinity = request.Affinity, Zone = _policy.Zone, Tried = request.Tried }, now, Context.Random);
    }

    private void Grant(PlaceRequest request, EndpointState endpoint, TimeSpan now)
    {
        _waiting.Take(request);
        var place = new Place(_endpoints[_fleet.IndexOf(endpoint)], endpoint, request, request.PromptTokens + (long)_answerTokens);

        // Whoever has given up waiting does not take the place.
        if (request.Granted.TrySetResult(place))
        {
            endpoint.Begin(place.Tokens, now);
            _held[request.Tenant] = _held.GetValueOrDefault(request.Tenant) + 1;
            _inFlight++;
            _rate.Note(now, true, 0);
            InferenceMeter.Waited("generation", now - request.Since);
        }
    }

    private void Leave(Place place, PlaceOutcome outcome)
    {
        var (now, tenant) = (Elapsed(), place.Request.Tenant);
        _inFlight--;
        _rate.Note(now, _inFlight > 0, outcome.Input + outcome.Output);
        if (--_held[tenant] == 0)
        {
            _held.Remove(tenant);
        }

        if (outcome.Failure is { } failure)
        {
            place.Endpoint.Failure(place.Tokens, failure, now);
            _watchers[_fleet.IndexOf(place.Endpoint)]?.TryTell(new Look());
        }
        else if (outcome.IsAbandoned)
        {
            place.Endpoint.Abandoned(place.Tokens);
        }
        else
        {
            place.Endpoint.Success(place.Tokens);
            _answerTokens += Smoothing * (outcome.Output - _answerTokens);
        }

        InferenceMeter.Called(place.Endpoint.Profile.Name, outcome.Failure?.Code, outcome.Time);
        if (outcome.Input + outcome.Output > 0)
        {
            if (_ledger!.IsEmpty)
            {
                Context.StartTimer(s_ledger, new WriteGenerationLedger(), _policy.LedgerInterval);
            }

            _ledger.Add(tenant, place.Endpoint.Profile.Model, outcome.Input, outcome.Output);
            _budgets.Spend(tenant, outcome.Input + outcome.Output, now);
        }
    }
}
