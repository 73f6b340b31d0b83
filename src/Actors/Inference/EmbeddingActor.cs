using Microsoft.Extensions.AI;
using RagCluster.Inference;
using RagCluster.Inference.Accounting;
using RagCluster.Inference.Batching;
using RagCluster.Inference.Fairness;
using RagCluster.Inference.Capacity;
using RagCluster.Inference.Routing;
using RagCluster.Kernel;
using RagCluster.Messages.Text;

namespace RagCluster.Actors.Inference;

using Vector = Messages.Partitions.Embedding;

/// <summary>
/// Sends texts to the embedding endpoints: gathers those that several callers want at the same moment into micro-batches,
/// questions before documents and tenants by their share, and keeps so many at each endpoint as it bears. A batch that
/// fails goes to another endpoint; one that is slow goes to a second one as well.
/// </summary>
internal sealed partial class EmbeddingActor : Actor<EmbeddingMessage>
{
    private static readonly object s_due = new();
    private static readonly object s_ledger = new();

    private readonly IReadOnlyList<EmbeddingEndpoint> _endpoints;
    private readonly InferencePolicy _policy;
    private readonly EndpointFleet _fleet;
    private readonly BatchQueue<EmbeddingItem> _queue;
    private readonly Queue<EmbeddingBatch> _again = new();
    private readonly HashSet<EmbeddingCall> _calls = [];
    private readonly HedgePolicy _hedge;
    private readonly DrainRate _rate = new();
    private readonly TokenBudgets _budgets;
    private readonly IActorRef<EndpointMessage>?[] _watchers;
    private TokenLedger? _ledger;
    private int _dimensions;
    private long? _started;

    public EmbeddingActor(IReadOnlyList<EmbeddingEndpoint> endpoints, BatchLimits limits, InferencePolicy policy, InferenceGauges gauges)
    {
        _endpoints = endpoints;
        _policy = policy;
        _fleet = new EndpointFleet("embedding", endpoints.Select(e => e.Profile), policy);
        gauges.Embedding(_fleet);
        _queue = new BatchQueue<EmbeddingItem>(limits);
        _hedge = new HedgePolicy(policy.Hedge);
        _budgets = new TokenBudgets(policy.Fairness);
        _watchers = new IActorRef<EndpointMessage>?[endpoints.Count];
        _dimensions = endpoints[0].Profile.Options.Dimensions;
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
                    Uri.EscapeDataString(profile.Name), () => new EndpointActor(profile, server, _policy.Look, found => self.TryTell(new EmbeddingEndpointObserved(index, found))));
            }
        }

        return ValueTask.CompletedTask;
    }

    protected override ValueTask ReceiveAsync(EmbeddingMessage message, CancellationToken cancellationToken)
    {
        switch (message)
        {
            case EmbedTexts m:
                Add(m);
                break;
            case EmbedAbandoned m:
                Abandon(m.Message);
                break;
            case CallEnded m:
                End(m);
                break;
            case HedgeDue m:
                SendToSecond(m.Call);
                break;
            case EmbeddingEndpointObserved m:
                _fleet.Observed(m.Index, m.Found, Elapsed());
                break;
            case DrainEmbedding m:
                m.Done.TrySetResult(_fleet.SetDrained(m.Name, m.Drained));
                break;
            case DescribeEmbedding m:
                m.Done.TrySetResult(_fleet.Describe(_queue.Count));
                break;
            case WriteEmbeddingLedger:
                _ledger!.Write();
                break;
            case BatchDue:
                break;
        }

        Pump();
        return ValueTask.CompletedTask;
    }

    protected override ValueTask StoppedAsync(StopReason reason)
    {
        var stopping = new InferenceException(InferenceErrorCode.Unreachable, "The node is stopping.");
        while (_queue.Cut(DateTimeOffset.MaxValue) is { Count: > 0 } waiting)
        {
            Fail(waiting, stopping);
        }

        foreach (var batch in _again)
        {
            Fail(batch.Items, stopping);
        }

        foreach (var call in _calls)
        {
            Fail(call.Batch.Items, stopping);
        }

        _ledger?.Write();
        return ValueTask.CompletedTask;
    }

    private void Add(EmbedTexts message)
    {
        if (message.Texts.Count == 0)
        {
            message.Done.TrySetResult([]);
            return;
        }

        var request = message.Request = new EmbeddingRequest(message);
        var interactive = message.Priority == EmbeddingPriority.Interactive;
        var priority = interactive ? BatchPriority.Interactive : BatchPriority.Ingestion;
        var terms = _policy.Fairness.Of(message.Tenant);
        for (var i = 0; i < message.Texts.Count; i++)
        {
            request.Items.Add(new EmbeddingItem(request, i, TokenCounter.Count(message.Texts[i])));
        }

        if (interactive && Refusal(request) is { } refusal)
        {
            InferenceMeter.Refused("embedding");
            message.Done.TrySetException(refusal);
            return;
        }

        var now = Now();
        foreach (var item in request.Items)
        {
            if (!_queue.TryAdd(item, item.Tokens, priority, now, message.Tenant, terms.Weight))
            {
                message.Done.TrySetException(new InferenceException(InferenceErrorCode.RateLimited, "Too many texts wait for the embedding endpoint; try again in a moment."));
                return;
            }
        }
    }

    private InferenceException? Refusal(EmbeddingRequest request)
    {
        // Questions wait for questions only, and for what is under way already.
        var tokens = request.Items.Sum(static i => (long)i.Tokens);
        var wait = _queue.CountOf(BatchPriority.Interactive) == 0 ? null : Admission.WaitOf(tokens + _queue.Tokens, tokens + _queue.Tokens, 1, _rate.PerSecond);
        var waiting = _queue.CountOf(BatchPriority.Interactive);
        return Admission.Refusal(waiting < _policy.MaxQueuedQueries, waiting, wait, _policy.EmbeddingPatience, _budgets.WaitOf(request.Message.Tenant, Elapsed()));
    }

    /// <summary>What nobody waits for any more is not sent; what is under way for nobody is broken off.</summary>
    private void Abandon(EmbedTexts message)
    {
        var priority = message.Priority == EmbeddingPriority.Interactive ? BatchPriority.Interactive : BatchPriority.Ingestion;
        foreach (var item in message.Request?.Items ?? [])
        {
            _queue.Remove(item, priority);
        }

        foreach (var call in _calls.Where(static c => !c.Batch.IsOver && c.Batch.Items.All(static i => i.Request.IsOver)).ToList())
        {
            call.Batch.IsOver = true;
            call.Cancellation.Cancel();
        }
    }

    /// <summary>Not the hour of the wall, which may be set back: what waits would wait until it has come again.</summary>
    private DateTimeOffset Now() => DateTimeOffset.UnixEpoch + Context.Time.GetElapsedTime(_started ??= Context.Time.GetTimestamp());

    private TimeSpan Elapsed() => Context.Time.GetElapsedTime(_started ??= Context.Time.GetTimestamp());

    private void Pump()
    {
        while (_again.Count > 0 || _queue.Count > 0)
        {
            var again = _again.TryPeek(out var batch);
            var route = Router.Choose(
                _fleet.States, new RouteRequest { Zone = _policy.Zone, Tried = batch is null ? [] : batch.Tried }, Elapsed(), Context.Random);
            if (route.Kind == RouteKind.Busy)
            {
                return;
            }

            if (again)
            {
                _again.Dequeue();
            }
            else if (Cut() is { } cut)
            {
                batch = cut;
            }
            else
            {
                return;
            }

            if (batch!.Items.All(static i => i.Request.IsOver))
            {
                continue;
            }

            if (route.Endpoint is { } endpoint)
            {
                Send(batch, endpoint, isSecond: false);
            }
            else
            {
                Fail(batch.Items, _fleet.Unavailable(Elapsed()));
            }
        }
    }

    private EmbeddingBatch? Cut()
    {
        var now = Now();
        while (_queue.Cut(now) is { Count: > 0 } items)
        {
            var wanted = items.Where(static i => !i.Request.IsOver).ToList();
            if (wanted.Count > 0)
            {
                return new EmbeddingBatch(wanted, Elapsed());
            }
        }

        if (_queue.DueAt() is { } due)
        {
            Context.StartTimer(s_due, new BatchDue(), due > now ? due - now : TimeSpan.Zero);
        }

        return null;
    }
}
