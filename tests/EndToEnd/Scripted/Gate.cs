namespace RagCluster.EndToEnd.Scripted;

/// <summary>A gate that a test closes to hold the node at a known place, and opens to let it go on.</summary>
internal sealed class Gate
{
    private readonly Lock _lock = new();
    private TaskCompletionSource? _closed;

    public void Close()
    {
        lock (_lock)
        {
            _closed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Open()
    {
        lock (_lock)
        {
            _closed?.TrySetResult();
            _closed = null;
        }
    }

    public Task WaitAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return _closed is { } closed ? closed.Task.WaitAsync(cancellationToken) : Task.CompletedTask;
        }
    }
}
