namespace RagCluster.Kernel.Entities;

/// <summary>
/// An entity that is in memory or on its way there. Whoever sends to it holds it first: a held entity is not
/// passivated, so that no message can meet an entity that is just leaving.
/// </summary>
internal sealed class EntityHandle(Shard shard, string id)
{
    private readonly TaskCompletionSource<IActorRef<EntityMessage>> _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Shard Shard => shard;

    public string Id => id;

    /// <summary>Guarded by the shard.</summary>
    public int Holds { get; set; }

    /// <summary>Its place among the idle ones while nobody holds it. Guarded by the shard.</summary>
    public LinkedListNode<EntityHandle> Place => field ??= new LinkedListNode<EntityHandle>(this);

    public Task<IActorRef<EntityMessage>> Actor => _ready.Task;

    public void Ready(IActorRef<EntityMessage> actor) => _ready.TrySetResult(actor);

    /// <summary>Its shard closes before it came into memory.</summary>
    public void Fail(Exception reason)
    {
        if (_ready.TrySetException(reason))
        {
            _ = _ready.Task.Exception;
        }
    }
}
