using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text.Json;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Entities;

/// <summary>The way to the entities of one type whose shard is on this node.</summary>
internal sealed class LocalEntities<TEntity, TState, TCommand, TEvent, TReply>(
    EntityDefinition<TEntity, TState, TCommand, TEvent, TReply> definition, ShardServices services)
    where TEntity : IEntity<TState, TCommand, TEvent, TReply>
{
    /// <exception cref="EntityUnavailableException">The shard takes no more, or the store refused: no effect.</exception>
    /// <exception cref="OperationCanceledException">Cancelled first; the request tells whether it was taken up.</exception>
    [SuppressMessage("Performance", "CA1822", Justification = "Callers hold one object for both ways in.")]
    public async ValueTask<Committed<TReply>> AskAsync(Shard shard, EntityId id, EntityRequest<TCommand, TReply> request, CancellationToken cancellationToken)
    {
        await shard.Opened.OrCancelled(cancellationToken);
        var handle = shard.Hold(id.Value, command: true, out var fresh);
        try
        {
            var actor = await ActorAsync(handle, fresh, cancellationToken);
            await actor.TellAsync(request, cancellationToken);
            return await request.ReplyAsync(cancellationToken);
        }
        finally
        {
            shard.Release(handle, command: true);
        }
    }

    /// <summary>As <see cref="IRegion{TCommand,TEvent,TReply}.SubscribeAsync"/>, until the shard leaves this node.</summary>
    /// <exception cref="EntityUnavailableException">The shard has closed: whoever reads goes on at its next owner.</exception>
    public async IAsyncEnumerable<Recorded<TEvent>> ReadAsync(Shard shard, EntityId id, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
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
                    if (attach.Live.Writer.TryComplete() && handle.Actor.IsCompletedSuccessfully)
                    {
                        // It leaves by itself. Where there is no room for this, the entity finds out at its next event.
                        handle.Actor.Result.TryTell(new Detach<TEvent>(attach));
                    }
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

    /// <summary>The entity that is held, brought into memory if need be.</summary>
    public static async ValueTask<IActorRef<EntityMessage>> ActorAsync(EntityHandle handle, bool fresh, CancellationToken cancellationToken)
    {
        if (fresh)
        {
            // Whoever is first must see it through, for the others wait for it, too.
            await handle.Shard.Actor.TellAsync(new Activate(handle), CancellationToken.None);
        }

        return await handle.Actor.OrCancelled(cancellationToken);
    }
}
