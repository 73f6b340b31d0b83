using RagCluster.Kernel.Entities;

namespace RagCluster.Kernel.Tests.Entities;

/// <summary>A behavior that does what a test says and keeps what it saw.</summary>
public sealed class ScriptedBehavior : AccountBehavior
{
    public Func<ScriptedBehavior, IReadOnlyList<Recorded<AccountEvent>>, Task>? Committed { get; init; }

    public Func<ScriptedBehavior, Task>? Recovered { get; init; }

    public Func<ReadOnlyMemory<byte>>? Save { get; init; }

    public Func<CancellationToken, Task<ReadOnlyMemory<byte>>>? SaveSlowly { get; init; }

    public Func<ReadOnlyMemory<byte>, Task>? Saved { get; init; }

    public Func<ReadOnlyMemory<byte>, bool>? Restore { get; init; }

    public StopReason? Stopped { get; private set; }

    public int Replayed { get; private set; }

    public bool HasRecovered { get; private set; }

    public IEntityContext<AccountState, AccountCommand, AccountEvent, AccountReply> World => Context;

    protected internal override void Applied(Recorded<AccountEvent> recorded)
    {
        base.Applied(recorded);
        Replayed += HasRecovered ? 0 : 1;
    }

    protected internal override async ValueTask RecoveredAsync(CancellationToken cancellationToken)
    {
        HasRecovered = true;
        await (Recovered?.Invoke(this) ?? Task.CompletedTask);
    }

    protected internal override async ValueTask CommittedAsync(IReadOnlyList<Recorded<AccountEvent>> events, CancellationToken cancellationToken) =>
        await (Committed?.Invoke(this, events) ?? Task.CompletedTask);

    protected internal override ValueTask<ReadOnlyMemory<byte>> SaveAsync(CancellationToken cancellationToken) =>
        SaveSlowly is not null ? new(SaveSlowly(cancellationToken)) : ValueTask.FromResult(Save?.Invoke() ?? ReadOnlyMemory<byte>.Empty);

    protected internal override ValueTask SavedAsync(ReadOnlyMemory<byte> attachment, CancellationToken cancellationToken) =>
        new(Saved?.Invoke(attachment) ?? Task.CompletedTask);

    protected internal override ValueTask<bool> RestoreAsync(ReadOnlyMemory<byte> attachment, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Restore?.Invoke(attachment) ?? attachment.IsEmpty);

    protected internal override ValueTask StoppedAsync(StopReason reason)
    {
        Stopped = reason;
        return ValueTask.CompletedTask;
    }
}
