namespace RagCluster.Kernel.Entities;

/// <summary>
/// Waits that stay on the runtime of whoever waits. Task.WaitAsync, WhenAny and WhenAll go by way of the thread pool when
/// the task's source runs its continuations asynchronously, as all of ours do: a simulator would not see that, and take
/// the world for idle. An await of the task itself does not.
/// </summary>
public static class Waits
{
    /// <summary>The task's result. The task goes on when the wait is cancelled.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public static Task<T> OrCancelled<T>(this Task<T> task, CancellationToken cancellationToken) =>
        task.IsCompleted || !cancellationToken.CanBeCanceled ? task : WaitAsync(task, cancellationToken);

    /// <inheritdoc cref="OrCancelled{T}"/>
    public static Task OrCancelled(this Task task, CancellationToken cancellationToken) =>
        task.IsCompleted || !cancellationToken.CanBeCanceled ? task : WaitAsync(ResultOf(task), cancellationToken);

    /// <summary>False if the time is over first; the task goes on.</summary>
    public static async Task<bool> EndsWithin(this Task task, TimeSpan budget, TimeProvider time)
    {
        if (!task.IsCompleted)
        {
            using var over = new CancellationTokenSource(budget > TimeSpan.Zero ? budget : TimeSpan.Zero, time);
            try
            {
                await task.OrCancelled(over.Token);
                return true;
            }
            catch (OperationCanceledException) when (over.IsCancellationRequested)
            {
                // Both may end at the same moment: then the task has ended in time, and its outcome is what counts.
                if (!task.IsCompleted)
                {
                    return false;
                }
            }
        }

        await task;
        return true;
    }

    /// <summary>Completes when all have; throws the first failure.</summary>
    public static async Task All(IEnumerable<Task> tasks)
    {
        foreach (var task in tasks.ToArray())
        {
            await task;
        }
    }

    private static async Task<T> WaitAsync<T>(Task<T> task, CancellationToken cancellationToken)
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = TellAsync(task, ended);
        await using var registration = cancellationToken.UnsafeRegister(static (state, token) => ((TaskCompletionSource)state!).TrySetCanceled(token), ended);
        await ended.Task;
        return await task;
    }

    private static async Task TellAsync(Task task, TaskCompletionSource ended)
    {
        try
        {
            await task;
        }
        catch (Exception)
        {
            // Whoever waits sees the failure by awaiting the task itself.
            ended.TrySetResult();
            return;
        }

        ended.TrySetResult();
    }

    private static async Task<bool> ResultOf(Task task)
    {
        await task;
        return true;
    }
}
