using System.Diagnostics.CodeAnalysis;

namespace RagCluster.Kernel.Entities;

/// <summary>
/// The part of a shard that any thread may use: which entities are in memory, whether commands are taken, how many are
/// under way. Its <see cref="ShardActor"/> opens and closes it. One tenure: a node that gets the shard again later begins
/// another.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "Its source has no timer and no handle.")]
internal sealed class Shard(int shardId, string entityType, int number, int maxLive = int.MaxValue)
{
    /// <summary>How many idle entities are asked to leave when one more comes than may be in memory.</summary>
    private const int LeavePerArrival = 2;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, EntityHandle> _live = new(StringComparer.Ordinal);

    /// <summary>The entities that nobody holds, the longest idle first.</summary>
    private readonly LinkedList<EntityHandle> _idle = new();
    private readonly TaskCompletionSource<ShardWriter> _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _refusing = new();
    private TaskCompletionSource? _drained;
    private string? _refusal;
    private int _commands;

    public int ShardId => shardId;

    public string EntityType => entityType;

    public int Number => number;

    /// <summary>Starts its entities. Set before the shard is known to anybody.</summary>
    public IActorRef<ShardMessage> Actor { get; set; } = null!;

    /// <summary>Takes no more, or not any longer: nothing that comes now can take effect here.</summary>
    public bool IsRefusing => Volatile.Read(ref _refusal) is not null;

    /// <summary>Under which it is open; null before that.</summary>
    public long? Epoch => _opened.Task.IsCompletedSuccessfully ? _opened.Task.Result.Epoch : null;

    /// <summary>The shard's epoch after it was given up in good order; null before that, and where it could not be.</summary>
    public long? ReleasedEpoch { get; set; }

    /// <summary>Completes when the shard is this node's and commands can flow.</summary>
    public Task<ShardWriter> Opened => _opened.Task;

    /// <summary>Cancelled when the shard takes no more, for those who wait for something that may never come.</summary>
    public CancellationToken Refusing => _refusing.Token;

    public int LiveEntities
    {
        get
        {
            lock (_gate)
            {
                return _live.Count;
            }
        }
    }

    /// <summary>The entity, if it is in memory or on its way there.</summary>
    public EntityHandle? Find(string id)
    {
        lock (_gate)
        {
            return _live.GetValueOrDefault(id);
        }
    }

    public int CommandsUnderWay
    {
        get
        {
            lock (_gate)
            {
                return _commands;
            }
        }
    }

    public void Open(ShardWriter writer) => _opened.TrySetResult(writer);

    /// <summary>From now on nobody can hold an entity.</summary>
    public void Refuse(string reason)
    {
        lock (_gate)
        {
            _refusal ??= reason;
        }

        if (_opened.TrySetException(new EntityUnavailableException(reason)))
        {
            _ = _opened.Task.Exception;
        }

        _refusing.Cancel();
    }

    /// <param name="command">Whether a drain waits for it.</param>
    /// <param name="fresh">The entity is not in memory: the caller must have it activated.</param>
    /// <exception cref="EntityUnavailableException">The shard takes no more.</exception>
    public EntityHandle Hold(string id, bool command, out bool fresh)
    {
        var (handle, leaving) = Hold(id, command);
        fresh = leaving is not null;
        foreach (var idle in leaving ?? [])
        {
            // A request, not an order: one with open work stays.
            if (idle.Actor.IsCompletedSuccessfully)
            {
                idle.Actor.Result.TryTell(Idle.Instance);
            }
        }

        return handle;
    }

    /// <returns>Null for the idle ones that should leave if the entity was in memory already.</returns>
    private (EntityHandle Handle, IReadOnlyList<EntityHandle>? Leaving) Hold(string id, bool command)
    {
        lock (_gate)
        {
            if (_refusal is not null)
            {
                throw new EntityUnavailableException(_refusal);
            }

            IReadOnlyList<EntityHandle>? leaving = null;
            if (!_live.TryGetValue(id, out var handle))
            {
                handle = new EntityHandle(this, id);
                _live.Add(id, handle);
                leaving = Crowded();
            }
            else if (handle.Holds == 0)
            {
                _idle.Remove(handle.Place);
            }

            handle.Holds++;
            _commands += command ? 1 : 0;
            return (handle, leaving);
        }
    }

    private List<EntityHandle> Crowded()
    {
        var leaving = new List<EntityHandle>();
        while (_live.Count > maxLive && leaving.Count < LeavePerArrival && leaving.Count < _idle.Count)
        {
            var longest = _idle.First!;
            leaving.Add(longest.Value);

            // Whoever stays all the same is asked again only after the others.
            _idle.RemoveFirst();
            _idle.AddLast(longest);
        }

        return leaving;
    }

    public void Release(EntityHandle handle, bool command)
    {
        lock (_gate)
        {
            if (--handle.Holds == 0)
            {
                _idle.AddLast(handle.Place);
            }

            _commands -= command ? 1 : 0;
            if (_commands == 0)
            {
                _drained?.TrySetResult();
            }
        }
    }

    /// <summary>Takes the entity out, unless somebody holds it. The next one to ask for it starts it anew.</summary>
    public bool TryPassivate(EntityHandle handle)
    {
        lock (_gate)
        {
            if (handle.Holds != 0 || !_live.Remove(handle.Id))
            {
                return false;
            }

            _idle.Remove(handle.Place);
            return true;
        }
    }

    /// <summary>Completes when no command is under way. Refuse first.</summary>
    public Task DrainedAsync()
    {
        lock (_gate)
        {
            if (_commands == 0)
            {
                return Task.CompletedTask;
            }

            _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _drained.Task;
        }
    }
}
