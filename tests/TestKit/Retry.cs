using System.Diagnostics;

namespace RagCluster.TestKit;

/// <summary>Waits for named conditions of the real world; the name is what a failure tells.</summary>
public static class Retry
{
    /// <summary>Generous: a busy machine must not fail a test, and a passing test never waits this long.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Task Until(string condition, Func<bool> holds, TimeSpan? patience = null) =>
        Until(condition, () => Task.FromResult(holds()), patience);

    public static async Task Until(string condition, Func<Task<bool>> holds, TimeSpan? patience = null)
    {
        var started = Stopwatch.GetTimestamp();
        var pause = TimeSpan.FromMilliseconds(1);
        while (!await holds())
        {
            if (Stopwatch.GetElapsedTime(started) > (patience ?? Patience))
            {
                throw new TimeoutException($"After {patience ?? Patience}: \"{condition}\" still does not hold.");
            }

            await Task.Delay(pause);
            pause = TimeSpan.FromMilliseconds(Math.Min(50, pause.TotalMilliseconds * 2));
        }
    }
}
