using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Entities;

/// <summary>What one entity wants to append in one step: in order, all or nothing.</summary>
internal sealed class EntityAppend(string entity, IReadOnlyList<NewEvent> events, bool? remembered)
{
    private readonly TaskCompletionSource<AppendResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Entity => entity;

    public IReadOnlyList<NewEvent> Events => events;

    /// <summary>Null leaves it as it is.</summary>
    public bool? Remembered => remembered;

    public int Bytes { get; } = events.Sum(e => e.Payload.Length + e.Reply.Length);

    /// <summary>
    /// Unknown only where the shard closed before it could find out. Throws <see cref="StoreException"/> when
    /// certainly nothing was written.
    /// </summary>
    public Task<AppendResult> Task => _done.Task;

    public void Finish(AppendResult result) => _done.TrySetResult(result);

    public void Fail(Exception reason) => _done.TrySetException(reason);
}
