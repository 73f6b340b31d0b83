using Microsoft.Extensions.AI;
using RagCluster.Inference;
using RagCluster.Inference.Accounting;
using RagCluster.Inference.Routing;
using RagCluster.Kernel;

namespace RagCluster.Actors.Inference;

using Vector = Messages.Partitions.Embedding;

// What becomes of a batch from the moment it has an endpoint.
internal sealed partial class EmbeddingActor
{
    private void Send(EmbeddingBatch batch, EndpointState endpoint, bool isSecond)
    {
        var now = Elapsed();
        var call = new EmbeddingCall(batch, endpoint, now, isSecond);
        endpoint.Begin(batch.Tokens, now);
        batch.Calls.Add(call);
        _calls.Add(call);
        _rate.Note(now, true, 0);
        InferenceMeter.Batch(batch.Items.Count);
        var client = _endpoints[_fleet.IndexOf(endpoint)].Client;
        Context.PipeToSelf(
            token => EmbedAsync(client, call, token),
            vectors => new CallEnded(call, vectors, null),
            failure => new CallEnded(call, null, failure));
        if (!isSecond && _endpoints.Count > 1 && _hedge.Delay is { } delay)
        {
            Context.StartTimer(call, new HedgeDue(call), delay);
        }
    }

    private void SendToSecond(EmbeddingCall slow)
    {
        if (slow.Batch.IsOver || slow.Batch.Calls.Count != 1 || !_fleet.IsAnyAvailable(Elapsed(), [slow.Endpoint]))
        {
            return;
        }

        var route = Router.Choose(_fleet.States, new RouteRequest { Zone = _policy.Zone, Tried = [slow.Endpoint, .. slow.Batch.Tried] }, Elapsed(), Context.Random);
        if (route.Endpoint is { } second && second != slow.Endpoint && _hedge.TrySpend())
        {
            Send(slow.Batch, second, isSecond: true);
        }
    }

    private static async Task<IReadOnlyList<Vector>> EmbedAsync(IEmbeddingGenerator<string, Embedding<float>> client, EmbeddingCall call, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, call.Cancellation.Token);
        var items = call.Batch.Items;
        var embeddings = await client.GenerateAsync(items.Select(static i => i.Text), null, either.Token);
        return embeddings.Count == items.Count
            ? [.. embeddings.Select(e => Vector.Of(e.Vector.Span))]
            : throw new InferenceException(InferenceErrorCode.BadResponse, $"The endpoint gave {embeddings.Count} vectors for {items.Count} texts.");
    }

    private void End(CallEnded ended)
    {
        var (call, batch, now) = (ended.Call, ended.Call.Batch, Elapsed());
        var time = now - call.Began;
        Context.CancelTimer(call);
        _calls.Remove(call);
        batch.Calls.Remove(call);
        call.Cancellation.Dispose();
        _rate.Note(now, _calls.Count > 0, batch.Tokens);
        var failure = ended.Failure is { } e ? FailureOf(e) : Mismatch(ended.Vectors!, call.Endpoint);
        if (ended.Failure is OperationCanceledException)
        {
            call.Endpoint.Abandoned(batch.Tokens);
        }
        else if (failure is not null)
        {
            InferenceMeter.Called(call.Endpoint.Profile.Name, failure.Code, time);
            call.Endpoint.Failure(batch.Tokens, failure, now);
            _watchers[_fleet.IndexOf(call.Endpoint)]?.TryTell(new Look());
        }
        else
        {
            InferenceMeter.Called(call.Endpoint.Profile.Name, null, time);
            call.Endpoint.Responds(null, now);
            call.Endpoint.Success(batch.Tokens);
            _hedge.Answered(time);
        }

        if (batch.IsOver)
        {
            return;
        }

        if (failure is null)
        {
            Deliver(batch, call, ended.Vectors!);
        }
        else if (batch.Calls.Count == 0)
        {
            Reconsider(batch, call, failure, now);
        }
    }

    private void Deliver(EmbeddingBatch batch, EmbeddingCall first, IReadOnlyList<Vector> vectors)
    {
        batch.IsOver = true;
        foreach (var other in batch.Calls)
        {
            InferenceMeter.Hedged(secondWasFirst: first.IsSecond);
            other.Cancellation.Cancel();
        }

        for (var i = 0; i < batch.Items.Count; i++)
        {
            var item = batch.Items[i];
            item.Request.Set(item.Index, vectors[i]);
        }

        foreach (var group in batch.Items.GroupBy(static i => (i.Request.Message.Tenant, i.Request.Message.Priority)))
        {
            var tokens = group.Sum(static i => (long)i.Tokens);
            Account(group.Key.Tenant, first.Endpoint.Profile.Model, tokens);
            if (group.Key.Priority == EmbeddingPriority.Interactive)
            {
                _budgets.Spend(group.Key.Tenant, tokens, Elapsed());
            }
        }
    }

    private void Account(string tenant, string model, long tokens)
    {
        if (_ledger!.IsEmpty)
        {
            Context.StartTimer(s_ledger, new WriteEmbeddingLedger(), _policy.LedgerInterval);
        }

        _ledger.Add(tenant, model, tokens, 0);
    }

    /// <summary>A batch failed: once more elsewhere, or in halves where one text may be what the endpoint refuses, or not at all.</summary>
    private void Reconsider(EmbeddingBatch batch, EmbeddingCall call, InferenceException failure, TimeSpan now)
    {
        if (failure.Code == InferenceErrorCode.Rejected && batch.Items.Count > 1)
        {
            var half = batch.Items.Count / 2;
            _again.Enqueue(new EmbeddingBatch([.. batch.Items.Take(half)], batch.Began));
            _again.Enqueue(new EmbeddingBatch([.. batch.Items.Skip(half)], batch.Began));
            return;
        }

        batch.Tried.Add(call.Endpoint);
        var elsewhere = batch.Tried.Count < _endpoints.Count && _fleet.IsAnyAvailable(now, batch.Tried);
        if (elsewhere && _policy.Retry.Next(failure, batch.Tried.Count, elsewhere, _policy.EmbeddingPatience - (now - batch.Began), 0) == TimeSpan.Zero)
        {
            InferenceMeter.Retried("embedding");
            _again.Enqueue(batch);
            return;
        }

        batch.IsOver = true;
        Fail(batch.Items, failure);
    }

    /// <summary>Vectors of endpoints that do not have the same model cannot be compared, whatever they call it.</summary>
    private InferenceException? Mismatch(IReadOnlyList<Vector> vectors, EndpointState endpoint)
    {
        var length = vectors[0].Dimensions;
        if (_dimensions == 0)
        {
            _dimensions = length;
        }

        return length == _dimensions ? null : new InferenceException(
            InferenceErrorCode.BadResponse,
            $"The endpoint {endpoint.Profile.Name} gives vectors of {length} dimensions where {_dimensions} are expected: it does not have the model of the others, or not the one that the documents were embedded with.");
    }

    private static InferenceException FailureOf(Exception e) => e switch
    {
        InferenceException known => known,
        OperationCanceledException => new InferenceException(InferenceErrorCode.Unreachable, "The node is stopping."),
        _ => new InferenceException(InferenceErrorCode.BadResponse, $"The embedding endpoint failed: {e.Message}", e),
    };

    private static void Fail(IEnumerable<EmbeddingItem> items, InferenceException failure)
    {
        foreach (var item in items)
        {
            item.Request.Message.Done.TrySetException(failure);
        }
    }
}
