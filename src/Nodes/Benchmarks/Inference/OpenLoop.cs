using System.Diagnostics;

namespace RagCluster.Nodes.Benchmarks.Inference;

/// <summary>One call of an open loop.</summary>
/// <param name="AtMs">When it began, from the beginning of the loop.</param>
/// <param name="Ms">How long it took.</param>
/// <param name="Failed">Why it failed; null if it did not.</param>
internal readonly record struct Call(double AtMs, double Ms, string? Failed);

/// <summary>Calls that come at their times, whether the earlier ones have ended or not: as users come.</summary>
internal static class OpenLoop
{
    /// <param name="perSecond">Calls a second.</param>
    /// <param name="isEven">At even distances; else as they come by chance (Poisson).</param>
    /// <param name="call">Gets its number. What it gives is what is measured in milliseconds; a negative number is replaced by the time that it took.</param>
    public static async Task<IReadOnlyList<Call>> RunAsync(
        double perSecond, TimeSpan length, bool isEven, Func<int, CancellationToken, Task<double>> call, CancellationToken cancellationToken)
    {
        var random = new Random(5);
        var watch = Stopwatch.StartNew();
        var calls = new List<Task<Call>>((int)(perSecond * length.TotalSeconds) + 16);
        var next = 0d;
        while (next < length.TotalMilliseconds)
        {
            var wait = next - watch.Elapsed.TotalMilliseconds;
            if (wait > 0.2)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Math.Max(1, wait)), cancellationToken);
            }

            while (next <= watch.Elapsed.TotalMilliseconds && next < length.TotalMilliseconds)
            {
                var number = calls.Count;
                calls.Add(OneAsync(watch, () => call(number, cancellationToken)));
                next += (isEven ? 1 : -Math.Log(1 - random.NextDouble())) * 1000 / perSecond;
            }
        }

        return await Task.WhenAll(calls);
    }

    public static double[] Times(IEnumerable<Call> calls) => [.. calls.Where(c => c.Failed is null).Select(c => c.Ms).Order()];

    private static async Task<Call> OneAsync(Stopwatch watch, Func<Task<double>> call)
    {
        var began = watch.Elapsed.TotalMilliseconds;
        try
        {
            await Task.Yield();
            began = watch.Elapsed.TotalMilliseconds;
            var measured = await call();
            return new Call(began, measured >= 0 ? measured : watch.Elapsed.TotalMilliseconds - began, null);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return new Call(began, watch.Elapsed.TotalMilliseconds - began, e.Message);
        }
    }
}
