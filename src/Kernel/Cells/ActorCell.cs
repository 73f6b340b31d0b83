using RagCluster.Kernel.Mailboxes;

namespace RagCluster.Kernel.Cells;

/// <summary>What is the same for actors of all messages: the place in the tree, watchers, the end.</summary>
internal abstract class ActorCell(ActorSystem system, ActorCell? parent, string name, SpawnOptions options) : ILocalActorRef, IWatcher
{
    private Relations? _relations;
    private volatile ActorState _state;
    private StopReason _stopReason;

    /// <summary>The next in the parent's <see cref="ChildTable"/>.</summary>
    internal ActorCell? Sibling;

    public ActorSystem System { get; } = system;

    /// <remarks>Made on demand: a path in each actor would double what an idle one costs.</remarks>
    public ActorPath Path => (Parent?.Path ?? ActorSystem.UserPath).Child(Name);

    internal ActorCell? Parent { get; } = parent;

    internal string Name { get; } = name;

    internal SpawnOptions Options { get; } = options;

    internal ActorState State
    {
        get => _state;
        private protected set => _state = value;
    }

    internal IEnumerable<ActorCell> Children => Volatile.Read(ref _relations)?.Children.All() ?? [];

    internal abstract string TypeName { get; }

    internal abstract int Depth { get; }

    internal abstract long Handled { get; }

    internal abstract int Restarts { get; }

    private protected Relations Relations
    {
        get
        {
            var relations = Volatile.Read(ref _relations);
            if (relations is null)
            {
                var fresh = new Relations();
                relations = Interlocked.CompareExchange(ref _relations, fresh, null) ?? fresh;
            }

            return relations;
        }
    }

    internal abstract void RequestStop(StopReason reason);

    public abstract void PostTerminated(ActorCell target, StopReason reason);

    internal abstract void PostChildFailed(ActorCell child, Exception failure);

    /// <summary>The cell behind a ref.</summary>
    /// <exception cref="ArgumentException">It is not an actor of this process.</exception>
    internal static ActorCell Of(IActorRef target) =>
        target as ActorCell ?? throw new ArgumentException($"{target.Path} is not an actor of this process: only such can be stopped or watched.", nameof(target));

    internal void AddWatcher(IWatcher watcher)
    {
        var relations = Relations;
        lock (relations)
        {
            if (State != ActorState.Stopped)
            {
                (relations.Watchers ??= []).Add(watcher);
                return;
            }
        }

        watcher.PostTerminated(this, _stopReason);
    }

    internal void RemoveWatcher(IWatcher watcher)
    {
        var relations = Relations;
        lock (relations)
        {
            relations.Watchers?.Remove(watcher);
        }
    }

    internal Task WhenStopped()
    {
        var relations = Relations;
        lock (relations)
        {
            return State == ActorState.Stopped
                ? Task.CompletedTask
                : (relations.Stopped ??= new CompletionTurn()).Task;
        }
    }

    internal ActorSnapshot Snapshot() => new()
    {
        Path = Path,
        Type = TypeName,
        State = State,
        MailboxDepth = Depth,
        MailboxCapacity = Options.MailboxCapacity,
        MessagesHandled = Handled,
        Restarts = Restarts,
        Children = [.. Children.Select(c => c.Snapshot())],
    };

    private protected async ValueTask StopChildrenAsync(StopReason reason)
    {
        if (Volatile.Read(ref _relations) is not { } relations)
        {
            return;
        }

        var children = relations.Children.All();
        foreach (var child in children)
        {
            child.RequestStop(reason);
        }

        // One by one rather than WhenAll, whose continuation would leave the runtime.
        foreach (var child in children)
        {
            await child.WhenStopped();
        }
    }

    /// <summary>The last act: leaves the tree and tells everyone who waits for the end.</summary>
    private protected void AnnounceEnd(StopReason reason)
    {
        var relations = Relations;
        List<IWatcher>? watchers;
        CompletionTurn? stopped;
        (Parent?.Relations.Children ?? System.Children).Remove(this);
        lock (relations)
        {
            _stopReason = reason;
            State = ActorState.Stopped;
            (watchers, stopped) = (relations.Watchers, relations.Stopped);
            relations.Watchers = null;
        }

        foreach (var watcher in watchers ?? [])
        {
            watcher.PostTerminated(this, reason);
        }

        // In a turn of its own: what waits for the end must not run inside it.
        if (stopped is not null)
        {
            System.Runtime.Schedule(stopped);
        }
    }
}

/// <summary>How asks and streams reach a mailbox: they need to know why a message was not taken.</summary>
internal interface IMailboxRef<in T> : IActorRef<T>
{
    /// <summary>Posts without waiting. A message for a stopped actor is not yet in the dead letters.</summary>
    PostResult Post(T message);

    /// <summary>Waits for room. False: the actor has stopped, and the message is in the dead letters.</summary>
    ValueTask<bool> PostAsync(T message, CancellationToken cancellationToken);
}
