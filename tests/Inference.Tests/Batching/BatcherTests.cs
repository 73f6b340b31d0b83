using System.Collections.Concurrent;
using RagCluster.Inference.Batching;

namespace RagCluster.Inference.Tests.Batching;

public class BatcherTests
{
    private static readonly BatchLimits s_limits = new() { MaxItems = 8, MaxTokens = 1000, MaxDelay = TimeSpan.FromMilliseconds(1), Capacity = 16 };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_item_gets_its_own_result_from_bounded_batches()
    {
        var sizes = new ConcurrentBag<int>();
        await using var batcher = new Batcher<int, int>(s_limits, (items, _) =>
        {
            sizes.Add(items.Count);
            return Task.FromResult<IReadOnlyList<int>>([.. items.Select(i => i * 2)]);
        }, _ => 1, TimeProvider.System);
        var results = await Task.WhenAll(Enumerable.Range(0, 1000).Select(i =>
            batcher.RunAsync(i, i % 3 == 0 ? BatchPriority.Interactive : BatchPriority.Ingestion, Cancellation)));
        results.ShouldBe(Enumerable.Range(0, 1000).Select(i => i * 2));
        sizes.Sum().ShouldBe(1000);
        sizes.Max().ShouldBeLessThanOrEqualTo(8);
        batcher.Waiting.ShouldBe(0);
    }

    [Fact]
    public async Task A_full_queue_makes_who_submits_wait()
    {
        var release = new TaskCompletionSource();
        await using var batcher = new Batcher<int, int>(
            s_limits with { MaxItems = 1, Capacity = 2 },
            async (items, _) =>
            {
                await release.Task;
                return [.. items];
            },
            _ => 1,
            TimeProvider.System);
        var first = await batcher.SubmitAsync(0, BatchPriority.Ingestion, Cancellation);
        var second = await batcher.SubmitAsync(1, BatchPriority.Ingestion, Cancellation);
        var third = await batcher.SubmitAsync(2, BatchPriority.Ingestion, Cancellation);
        var fourth = batcher.SubmitAsync(3, BatchPriority.Ingestion, Cancellation);
        var interactive = batcher.SubmitAsync(4, BatchPriority.Interactive, Cancellation);
        fourth.IsCompleted.ShouldBeFalse();
        interactive.IsCompleted.ShouldBeTrue();
        release.SetResult();
        (await Task.WhenAll(first, second, third, await fourth, await interactive)).ShouldBe([0, 1, 2, 3, 4]);
    }

    [Fact]
    public async Task One_poisoned_item_fails_alone()
    {
        await using var batcher = new Batcher<int, int>(
            s_limits with { MaxDelay = TimeSpan.FromMinutes(1) },
            (items, _) => items.Contains(5)
                ? throw new InferenceException(InferenceErrorCode.Rejected, "too long")
                : Task.FromResult<IReadOnlyList<int>>([.. items]),
            _ => 1,
            TimeProvider.System);
        var all = Enumerable.Range(0, 8).Select(i => batcher.RunAsync(i, BatchPriority.Ingestion, Cancellation)).ToList();
        (await Should.ThrowAsync<InferenceException>(() => all[5])).Code.ShouldBe(InferenceErrorCode.Rejected);
        (await Task.WhenAll(all.Where((_, i) => i != 5))).ShouldBe([0, 1, 2, 3, 4, 6, 7]);
    }

    [Fact]
    public async Task An_endpoint_that_is_down_is_asked_once_for_the_whole_batch()
    {
        var calls = 0;
        await using var batcher = new Batcher<int, int>(
            s_limits with { MaxDelay = TimeSpan.FromMinutes(1) },
            (_, _) =>
            {
                calls++;
                throw new InferenceException(InferenceErrorCode.Unreachable, "down");
            },
            _ => 1,
            TimeProvider.System);
        var all = Enumerable.Range(0, 8).Select(i => batcher.RunAsync(i, BatchPriority.Ingestion, Cancellation)).ToList();
        foreach (var task in all)
        {
            (await Should.ThrowAsync<InferenceException>(() => task)).Code.ShouldBe(InferenceErrorCode.Unreachable);
        }

        calls.ShouldBe(1);
    }

    [Fact]
    public async Task A_result_too_few_fails_all()
    {
        await using var batcher = new Batcher<int, int>(
            s_limits with { MaxItems = 1 },
            (_, _) => Task.FromResult<IReadOnlyList<int>>([]),
            _ => 1,
            TimeProvider.System);
        (await Should.ThrowAsync<InferenceException>(() => batcher.RunAsync(1, BatchPriority.Interactive, Cancellation))).Code.ShouldBe(InferenceErrorCode.BadResponse);
    }

    [Fact]
    public async Task A_batch_that_nobody_waits_for_is_cancelled()
    {
        var started = new TaskCompletionSource();
        var aborted = new TaskCompletionSource();
        await using var batcher = new Batcher<int, int>(
            s_limits with { MaxItems = 2, MaxDelay = TimeSpan.FromMinutes(1) },
            async (items, cancellation) =>
            {
                started.TrySetResult();
                var ended = new TaskCompletionSource();
                using var registration = cancellation.Register(() => ended.TrySetCanceled(cancellation));
                try
                {
                    await ended.Task;
                }
                catch (OperationCanceledException)
                {
                    aborted.SetResult();
                    throw;
                }

                return [.. items];
            },
            _ => 1,
            TimeProvider.System);
        using var one = new CancellationTokenSource();
        using var two = new CancellationTokenSource();
        var first = batcher.RunAsync(1, BatchPriority.Ingestion, one.Token);
        var second = batcher.RunAsync(2, BatchPriority.Ingestion, two.Token);
        await started.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        await one.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => first);
        aborted.Task.IsCompleted.ShouldBeFalse();
        await two.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => second);
        await aborted.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
    }

    [Fact]
    public async Task What_is_cancelled_while_it_waits_is_never_run()
    {
        var run = new ConcurrentBag<int>();
        var release = new TaskCompletionSource();
        await using var batcher = new Batcher<int, int>(
            s_limits with { MaxItems = 1 },
            async (items, _) =>
            {
                run.Add(items[0]);
                await release.Task;
                return [.. items];
            },
            _ => 1,
            TimeProvider.System);
        var first = batcher.RunAsync(1, BatchPriority.Ingestion, Cancellation);
        using var cancel = new CancellationTokenSource();
        var second = batcher.RunAsync(2, BatchPriority.Ingestion, cancel.Token);
        var third = batcher.RunAsync(3, BatchPriority.Ingestion, Cancellation);
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => second);
        release.SetResult();
        (await Task.WhenAll(first, third)).ShouldBe([1, 3]);
        run.ShouldNotContain(2);
    }

    [Fact]
    public async Task Disposing_cancels_what_waits_and_refuses_more()
    {
        var batcher = new Batcher<int, int>(
            s_limits with { MaxDelay = TimeSpan.FromMinutes(1) },
            (items, _) => Task.FromResult<IReadOnlyList<int>>([.. items]),
            _ => 1,
            TimeProvider.System);
        var waiting = batcher.RunAsync(1, BatchPriority.Ingestion, Cancellation);
        await batcher.DisposeAsync();
        await batcher.DisposeAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => waiting);
        await Should.ThrowAsync<ObjectDisposedException>(() => batcher.RunAsync(2, BatchPriority.Ingestion, Cancellation));
    }
}
