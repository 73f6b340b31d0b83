using RagCluster.Kernel.DeadLetters;
using RagCluster.Kernel.Mailboxes;

namespace RagCluster.Kernel.Cells;

/// <summary>
/// One actor: the ref that others hold, the mailbox, the turn. The class is in three parts: here messages and turns,
/// in Lifecycle start, failure and end, in Context what the actor itself calls.
/// </summary>
/// <remarks>
/// Whoever brings the mailbox from rest to scheduled owns the actor until <see cref="Mailbox{T}.TryRest"/>; a handler
/// that awaits keeps the ownership. So everything private here has one owner at a time and needs no lock.
/// </remarks>
internal sealed partial class ActorCell<T> : ActorCell, IMailboxRef<T>, IThreadPoolWorkItem
{
    private readonly Func<Actor<T>> _create;
    private readonly int _batch;
    private Mailbox<T> _mailbox;
    private Actor<T>? _actor;
    private CancellationTokenSource? _instance;
    private bool _stopAsked;
    private CellExtras<T>? _extras;
    private long _handled;

    internal ActorCell(ActorSystem system, ActorCell? parent, string name, Func<Actor<T>> create, SpawnOptions options)
        : base(system, parent, name, options)
    {
        _create = create;
        _batch = Math.Clamp(options.MailboxCapacity / 4, 1, 64);
        _mailbox = new Mailbox<T>(options.MailboxCapacity, scheduled: false);
    }

    internal override string TypeName => _actor?.GetType().Name ?? typeof(T).Name;

    internal override int Depth => _mailbox.Count;

    internal override long Handled => Volatile.Read(ref _handled);

    internal override int Restarts => _extras?.Restarts ?? 0;

    public bool TryTell(T message)
    {
        var result = Post(message);
        if (result == PostResult.Closed)
        {
            System.DeadLetters.Add(Path, message, DeadLetterReason.Stopped);
        }

        return result < PostResult.Full;
    }

    public ValueTask TellAsync(T message, CancellationToken cancellationToken = default)
    {
        var posted = PostAsync(message, cancellationToken);
        return posted.IsCompletedSuccessfully ? ValueTask.CompletedTask : Await(posted);

        static async ValueTask Await(ValueTask<bool> posted) => await posted;
    }

    public PostResult Post(T message)
    {
        var result = _mailbox.Post(message);
        if (result == PostResult.QueuedWake)
        {
            System.Runtime.Schedule(this);
        }

        return result;
    }

    public ValueTask<bool> PostAsync(T message, CancellationToken cancellationToken)
    {
        var posted = _mailbox.PostAsync(message, System.Runtime, cancellationToken, out var wake);
        if (wake)
        {
            System.Runtime.Schedule(this);
        }

        return posted.IsCompletedSuccessfully ? ValueTask.FromResult(Posted(posted.Result, message)) : Await(posted, message);

        async ValueTask<bool> Await(ValueTask<bool> posted, T message) => Posted(await posted, message);
    }

    internal void PostSignal(Signal<T> signal)
    {
        if (_mailbox.PostSystem(signal))
        {
            System.Runtime.Schedule(this);
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        var budget = Options.Throughput;
        while (true)
        {
            var pending = _mailbox.HasSystem ? RunSignalsAsync() : State == ActorState.Running ? RunMessages(ref budget) : ValueTask.CompletedTask;
            if (!pending.IsCompletedSuccessfully)
            {
                _mailbox.Release();
                _ = ContinueAsync(pending);
                return;
            }

            if (_mailbox.HasSystem)
            {
                continue;
            }

            _mailbox.Release();
            if (budget <= 0)
            {
                System.Runtime.Schedule(this, toTheEnd: true);
                return;
            }

            var unstashed = State == ActorState.Running && _extras?.Unstashed is { Count: > 0 };
            if (!unstashed && _mailbox.TryRest())
            {
                return;
            }
        }
    }

    private bool Posted(bool taken, T message)
    {
        if (!taken)
        {
            System.DeadLetters.Add(Path, message, DeadLetterReason.Stopped);
        }

        return taken;
    }

    /// <summary>Handles messages until there is none, the budget is used up, a signal waits, or a handler awaits or fails.</summary>
    private ValueTask RunMessages(ref int budget)
    {
        var actor = _actor!;
        var token = _instance!.Token;
        var measurement = System.Measurement;
        try
        {
            while (budget > 0 && !_mailbox.HasSystem && TryNext(out var message))
            {
                budget--;
                _handled++;
                var handling = measurement is null ? actor.ReceiveAsync(message, token) : measurement.ReceiveAsync(this, actor, message, token);
                if (!handling.IsCompletedSuccessfully)
                {
                    return FinishAsync(handling);
                }

                handling.GetAwaiter().GetResult();
                _extras?.IdleTimer?.Touch();
                if (_mailbox.Taken >= _batch)
                {
                    _mailbox.Release();
                }
            }

            return ValueTask.CompletedTask;
        }
        catch (Exception failure)
        {
            return FailAsync(failure);
        }
    }

    private bool TryNext(out T message)
    {
        if (_extras?.Unstashed is { } unstashed && unstashed.TryDequeue(out message!))
        {
            return true;
        }

        if (!_mailbox.TryTake(out message))
        {
            return false;
        }

        // Where every place counts, a message that is being handled does not occupy one.
        if (_batch == 1)
        {
            _mailbox.Release();
        }

        return true;
    }

    private async ValueTask FinishAsync(ValueTask handling)
    {
        Exception? failure = null;
        try
        {
            await handling;
        }
        catch (Exception e)
        {
            failure = e;
        }

        _extras?.IdleTimer?.Touch();
        if (failure is not null)
        {
            await FailAsync(failure);
        }
    }

    private async ValueTask RunSignalsAsync()
    {
        var item = _mailbox.TakeSystem();
        while (item is not null)
        {
            var next = item.Next;
            item.Next = null;
            await ((Signal<T>)item).RunAsync(this);
            item = next;
        }
    }

    /// <summary>The turn goes on when what it waits for has ended; until then the actor stays owned.</summary>
    private async Task ContinueAsync(ValueTask pending)
    {
        try
        {
            await pending;
        }
        catch (Exception e)
        {
            KernelLog.LifecycleBroke(System.Log, e, Path);
            return;
        }

        System.Runtime.Schedule(this);
    }
}
