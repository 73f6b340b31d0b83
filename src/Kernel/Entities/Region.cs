using System.Runtime.CompilerServices;
using System.Text.Json;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Entities;

/// <summary>The shards of one type on this node, and the way to their entities.</summary>
internal sealed class Region<TEntity, TState, TCommand, TEvent, TReply>(
    EntityDefinition<TEntity, TState, TCommand, TEvent, TReply> definition,
    IReadOnlyList<Shard> shards,
    IReadOnlyList<IActorRef<ShardMessage>> actors,
    ShardServices services)
    : IRegion<TCommand, TEvent, TReply>
    where TEntity : IEntity<TState, TCommand, TEvent, TReply>
{
    private const int MaxIdLength = 512;

    public async ValueTask<Committed<TReply>> AskAsync(
        EntityId id, TCommand command, CommandId? commandId, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        var shard = ShardOf(id);
        var request = new EntityRequest<TCommand, TReply>(command, commandId?.Value);
        using var deadline = new CancellationTokenSource(timeout, services.Runtime.Time);
        using var either = cancellationToken.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token) : null;
        var token = either?.Token ?? deadline.Token;
        try
        {
            await shard.Opened.OrCancelled(token);
            var handle = shard.Hold(id.Value, command: true, out var fresh);
            try
            {
                var actor = await ActorAsync(handle, fresh, token);
                await actor.TellAsync(request, token);
                return await request.ReplyAsync(token);
            }
            finally
            {
                shard.Release(handle, command: true);
            }
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested && deadline.IsCancellationRequested)
        {
            throw request.TryAbandon()
                ? new EntityUnavailableException($"{TEntity.Type} \"{id}\" did not take the command within {timeout}; it took no effect.", e)
                : new TimeoutException($"{TEntity.Type} \"{id}\" did not reply within {timeout}; whether the command took effect is not known.", e);
        }
        catch (OperationCanceledException)
        {
            request.TryAbandon();
            throw;
        }
    }

    public IAsyncEnumerable<Recorded<TEvent>> SubscribeAsync(EntityId id, long after, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        return ReadAsync(ShardOf(id), id, after, cancellationToken);
    }

    private async IAsyncEnumerable<Recorded<TEvent>> ReadAsync(Shard shard, EntityId id, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await shard.Opened.OrCancelled(cancellationToken);
        while (true)
        {
            // Each round ends when the entity leaves memory or the reader is too slow; the next one goes on after the
            // last event that was seen. The entity is held meanwhile, so that it is not passivated.
            var handle = shard.Hold(id.Value, command: false, out var fresh);
            try
            {
                var attach = new Attach<TEvent>(after, definition.Options.SubscriberBuffer);
                try
                {
                    var actor = await ActorAsync(handle, fresh, cancellationToken);
                    await actor.TellAsync(attach, cancellationToken);
                    var attached = await AttachedAsync(attach, shard, cancellationToken);
                    await foreach (var recorded in PastAsync(shard, id, after, attached, cancellationToken))
                    {
                        yield return recorded;
                        after = recorded.Seq;
                    }

                    while (await attach.Live.Reader.WaitToReadAsync(cancellationToken))
                    {
                        while (attach.Live.Reader.TryRead(out var recorded))
                        {
                            yield return recorded;
                            after = recorded.Seq;
                        }
                    }
                }
                finally
                {
                    attach.Live.Writer.TryComplete();
                }
            }
            finally
            {
                shard.Release(handle, command: false);
            }
        }
    }

    /// <summary>The entity is held, so that it ends with the request in its mailbox only when its shard does.</summary>
    private static async Task<Attached<TEvent>> AttachedAsync(Attach<TEvent> attach, Shard shard, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, shard.Refusing);
        try
        {
            return await attach.Task.OrCancelled(either.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new EntityUnavailableException($"Shard {shard.EntityType}/{shard.Number} has closed: subscribe again at its next owner.", e);
        }
    }

    private async IAsyncEnumerable<Recorded<TEvent>> PastAsync(
        Shard shard, EntityId id, long after, Attached<TEvent> attached, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (attached.Recent is { } recent)
        {
            foreach (var recorded in recent)
            {
                yield return recorded;
            }

            yield break;
        }

        while (after < attached.Seq)
        {
            var page = await services.Store.ReadEntityAsync(shard.ShardId, id.Value, after, PageLimit.Default, cancellationToken);
            foreach (var record in page.Where(record => record.Seq <= attached.Seq))
            {
                var @event = JsonSerializer.Deserialize(record.Payload.Span, definition.EventJson)
                    ?? throw new InvalidDataException($"The journal of {TEntity.Type} \"{id}\" holds a null event at {record.Seq}.");
                yield return new Recorded<TEvent>(record.Seq, @event);
            }

            after = page.Count > 0
                ? page[^1].Seq
                : throw new InvalidDataException($"The journal of {TEntity.Type} \"{id}\" ends at {after}, before {attached.Seq}.");
        }
    }

    private async ValueTask<IActorRef<EntityMessage>> ActorAsync(EntityHandle handle, bool fresh, CancellationToken cancellationToken)
    {
        if (fresh)
        {
            // Whoever is first must see it through, for the others wait for it, too.
            await actors[handle.Shard.Number].TellAsync(new Activate(handle), CancellationToken.None);
        }

        return await handle.Actor.OrCancelled(cancellationToken);
    }

    private Shard ShardOf(EntityId id)
    {
        ArgumentException.ThrowIfNullOrEmpty(id.Value, nameof(id));
        return id.Value.Length <= MaxIdLength
            ? shards[StableHash.Bucket(id.Value, shards.Count)]
            : throw new ArgumentException($"An entity's id has at most {MaxIdLength} characters; this one has {id.Value.Length}.", nameof(id));
    }
}
