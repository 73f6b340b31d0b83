using RagCluster.Actors.Documents;

namespace RagCluster.Actors.Tests.Documents;

public sealed class IngestionGateTests
{
    [Fact]
    public async Task So_many_documents_are_processed_at_once_and_the_next_goes_in_when_one_leaves()
    {
        var gate = new IngestionGate(new DocumentOptions { Concurrency = 2 });
        var first = await gate.EnterAsync(1, default);
        using var second = await gate.EnterAsync(1, default);
        var third = gate.EnterAsync(1, default).AsTask();
        third.IsCompleted.ShouldBeFalse();
        (gate.Working, gate.Waiting).ShouldBe((2, 1));

        first.Dispose();
        first.Dispose();
        using var turn = await third.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        (gate.Working, gate.Waiting).ShouldBe((2, 0));
    }

    [Fact]
    public async Task Large_documents_go_one_at_a_time_and_do_not_hold_up_small_ones()
    {
        var gate = new IngestionGate(new DocumentOptions { Concurrency = 3 });
        var large = await gate.EnterAsync(IngestionGate.LargeBytes + 1, default);
        var another = gate.EnterAsync(IngestionGate.LargeBytes + 1, default).AsTask();
        using var small = await gate.EnterAsync(1, default).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        another.IsCompleted.ShouldBeFalse();

        large.Dispose();
        (await another.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)).Dispose();
    }

    [Fact]
    public async Task Whoever_gives_up_waiting_leaves_no_trace()
    {
        var gate = new IngestionGate(new DocumentOptions { Concurrency = 1 });
        var first = await gate.EnterAsync(1, default);
        using var giveUp = new CancellationTokenSource();
        var waiting = gate.EnterAsync(IngestionGate.LargeBytes + 1, giveUp.Token).AsTask();
        await giveUp.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(waiting);
        gate.Waiting.ShouldBe(0);

        first.Dispose();
        (await gate.EnterAsync(IngestionGate.LargeBytes + 1, default).AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken)).Dispose();
    }

    [Fact]
    public async Task Sources_wait_while_too_many_documents_wait()
    {
        var gate = new IngestionGate(new DocumentOptions { Concurrency = 1, MaxInFlight = 1 });
        var first = await gate.EnterAsync(1, default);
        var second = gate.EnterAsync(1, default).AsTask();
        var admission = gate.AdmitAsync(default).AsTask();
        admission.IsCompleted.ShouldBeFalse();

        first.Dispose();
        (await second).Dispose();
        await admission.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }
}
