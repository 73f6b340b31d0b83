using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Entities;

/// <summary>The shards of one type where there is one node, which has them all.</summary>
internal sealed class Region<TEntity, TState, TCommand, TEvent, TReply>(
    EntityDefinition<TEntity, TState, TCommand, TEvent, TReply> definition, IReadOnlyList<Shard> shards, ShardServices services)
    : IRegion<TCommand, TEvent, TReply>
    where TEntity : IEntity<TState, TCommand, TEvent, TReply>
{
    private readonly LocalEntities<TEntity, TState, TCommand, TEvent, TReply> _entities = new(definition, services);

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
            // As LocalEntities.AskAsync does it; a call of that would cost a tenth of what asking costs (measured).
            await shard.Opened.OrCancelled(token);
            var handle = shard.Hold(id.Value, command: true, out var fresh);
            try
            {
                var actor = await LocalEntities<TEntity, TState, TCommand, TEvent, TReply>.ActorAsync(handle, fresh, token);
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
        return _entities.ReadAsync(ShardOf(id), id, after, cancellationToken);
    }

    private Shard ShardOf(EntityId id) => shards[id.Bucket(shards.Count)];
}
