namespace RagCluster.Kernel.Entities;

/// <summary>So many may go on at once; the others wait in order. As a SemaphoreSlim, but a simulator sees its waits.</summary>
/// <param name="count">How many.</param>
public sealed class Permits(int count)
{
    private readonly Lock _gate = new();
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private int _free = count;

    /// <summary>Takes a permit if one is free; give it back with <see cref="Release"/>.</summary>
    public bool TryTake()
    {
        lock (_gate)
        {
            if (_free == 0)
            {
                return false;
            }

            _free--;
            return true;
        }
    }

    /// <summary>Waits for a permit; give it back with <see cref="Release"/>.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first; there is nothing to release.</exception>
    public async ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        TaskCompletionSource turn;
        lock (_gate)
        {
            if (TryTake())
            {
                return;
            }

            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(turn);
        }

        await using var registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), turn);
        await turn.Task;
    }

    /// <summary>Gives a permit back, to whoever has waited longest.</summary>
    public void Release()
    {
        lock (_gate)
        {
            while (_waiting.TryDequeue(out var turn))
            {
                if (turn.TrySetResult())
                {
                    return;
                }
            }

            _free++;
        }
    }
}
