using RagCluster.Kernel.DeadLetters;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Entities;

internal abstract record ShardMessage;

internal sealed record Activate(EntityHandle Handle) : ShardMessage, IUndeliverable
{
    void IUndeliverable.Undelivered() => Handle.Fail(new EntityUnavailableException($"Shard {Handle.Shard.EntityType}/{Handle.Shard.Number} has closed."));
}

internal sealed record EntityGone(string Id) : ShardMessage;

internal sealed record ShardLost : ShardMessage
{
    public static ShardLost Instance { get; } = new();
}

/// <summary>
/// Owns one shard: claims it, starts its entities as its children, and gives it up at the end. It tries to open for
/// ever, because a shard that gave up after an error of a moment would be lost until somebody noticed; but it ends when
/// the shard turns out to be another node's.
/// </summary>
/// <param name="seenEpoch">Claim the shard only if it is as it was seen under this epoch; null takes it from whoever has it.</param>
internal sealed class ShardActor(
    Shard shard, ShardServices services, Func<EntityHandle, ShardWriter, Actor<EntityMessage>> create, SpawnOptions entityOptions, long? seenEpoch = null)
    : Actor<ShardMessage>
{
    private static readonly TimeSpan ReleaseBudget = TimeSpan.FromSeconds(5);

    private readonly Dictionary<string, IActorRef<EntityMessage>> _alive = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EntityHandle> _next = new(StringComparer.Ordinal);
    private ShardWriter? _writer;
    private long? _claimed;
    private bool _lost;

    protected internal override async ValueTask StartedAsync(CancellationToken cancellationToken)
    {
        var backoff = services.NewBackoff();
        while (_writer is null)
        {
            try
            {
                if (!await TryOpenAsync(cancellationToken))
                {
                    Lose();
                    return;
                }
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                var wait = backoff.Next();
                EntityLog.ShardNotOpened(services.Log, e, shard.EntityType, shard.Number, wait);
                await Task.Delay(wait, Context.Time, cancellationToken);
            }
        }
    }

    protected internal override ValueTask ReceiveAsync(ShardMessage message, CancellationToken cancellationToken)
    {
        switch (message)
        {
            case Activate { Handle: var handle } when _alive.ContainsKey(handle.Id):
                // Its former life is just ending.
                _next[handle.Id] = handle;
                break;
            case Activate { Handle: var handle }:
                Start(handle);
                break;
            case EntityGone { Id: var id }:
                _alive.Remove(id);
                if (_next.Remove(id, out var next))
                {
                    Start(next);
                }

                break;
            case ShardLost:
                Lose();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(message), message, "Not a message to a shard.");
        }

        return ValueTask.CompletedTask;
    }

    protected internal override async ValueTask StoppedAsync(StopReason reason)
    {
        shard.Refuse($"Shard {shard.EntityType}/{shard.Number} is closing because the node stops.");
        foreach (var handle in _next.Values)
        {
            handle.Fail(new EntityUnavailableException($"Shard {shard.EntityType}/{shard.Number} has closed."));
        }

        using var budget = new CancellationTokenSource(ReleaseBudget, Context.Time);
        if (_writer is not null)
        {
            await _writer.CloseAsync(budget.Token);
        }

        if (_lost || (_writer?.Epoch ?? _claimed) is not { } epoch)
        {
            return;
        }

        try
        {
            if (await services.Store.ReleaseAsync(shard.ShardId, epoch, budget.Token))
            {
                shard.ReleasedEpoch = epoch + 1;
            }
            else
            {
                EntityLog.ShardNotReleased(services.Log, null, shard.ShardId);
            }
        }
        catch (Exception e) when (e is StoreException or OperationCanceledException)
        {
            EntityLog.ShardNotReleased(services.Log, e, shard.ShardId);
        }
    }

    private void Lose()
    {
        _lost = true;
        shard.Refuse($"Shard {shard.EntityType}/{shard.Number} has another owner: this node no longer answers for it.");
        Context.Stop(StopReason.HandedOff);
    }

    /// <summary>False if the shard is another node's.</summary>
    private async Task<bool> TryOpenAsync(CancellationToken cancellationToken)
    {
        // The order matters: once the epoch is raised, no append of an earlier owner can land, so that what is read
        // after it is all there is.
        var row = await services.Store.FindShardAsync(shard.ShardId, cancellationToken);
        if (seenEpoch is { } seen && row.Epoch != seen && row.Owner != services.Node)
        {
            return false;
        }

        if (await services.Store.ClaimAsync(shard.ShardId, row.Epoch, services.Node, cancellationToken) is not { } epoch)
        {
            throw new StoreException(StoreFailure.Busy, $"Shard {shard.ShardId} could not be claimed just now: somebody else is claiming it, or this node may not.");
        }

        _claimed = epoch;
        var last = await services.Store.LastShardSeqAsync(shard.ShardId, cancellationToken);
        var remembered = await services.Store.ListRememberedAsync(shard.ShardId, cancellationToken);
        _writer = new ShardWriter(services, shard.ShardId, epoch, last);
        EntityLog.ShardOpened(services.Log, shard.EntityType, shard.Number, epoch, last, remembered.Count);
        Context.PipeToSelf(LostAsync(_writer), static _ => ShardLost.Instance, static _ => ShardLost.Instance);
        foreach (var id in remembered)
        {
            var handle = shard.Hold(id, command: false, out _);
            Start(handle);
            shard.Release(handle, command: false);
        }

        shard.Open(_writer);
        return true;
    }

    private static async Task<bool> LostAsync(ShardWriter writer)
    {
        await writer.Fenced;
        return true;
    }

    private void Start(EntityHandle handle)
    {
        var writer = _writer!;
        var actor = Context.Spawn(Uri.EscapeDataString(handle.Id), () => create(handle, writer), entityOptions);
        _alive.Add(handle.Id, actor);
        Context.Watch(actor, _ => new EntityGone(handle.Id));
        handle.Ready(actor);
    }
}
