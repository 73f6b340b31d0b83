using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Ingestion.Pipeline;
using RagCluster.Ingestion.Sources;
using RagCluster.Messages;

namespace RagCluster.Ingestion.Tests.Pipeline;

public class SourcePipelineTests
{
    private static readonly SourcePipelineOptions Options = new()
    {
        Lanes = 4,
        LaneCapacity = 2,
        MaxAttempts = 3,
        MinBackoff = TimeSpan.FromMilliseconds(1),
        MaxBackoff = TimeSpan.FromMilliseconds(2),
        RestartAfter = TimeSpan.FromMilliseconds(1),
    };

    private static CancellationToken Patience { get; } = new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token;

    [Fact]
    public async Task Every_item_is_settled_once_and_items_of_one_document_keep_their_order()
    {
        var (source, sink) = (new ScriptedSource(500, n => $"doc-{n % 17}"), new ScriptedSink());
        await using var pipeline = Start(source, sink);
        await pipeline.ReachedAsync(SourceState.Ended, Patience);
        source.Told.Count.ShouldBe(500);
        source.Told.Select(t => t.Item).Distinct().Count().ShouldBe(500);
        source.Told.Count(t => !t.Settlement.IsDurable).ShouldBe(50, "every tenth is a problem, and its reason is told");
        foreach (var document in sink.Taken.Cast<SourceDocument>().GroupBy(item => item.Uri))
        {
            document.Select(item => int.Parse(item.Name, System.Globalization.CultureInfo.InvariantCulture)).ShouldBeInOrder();
        }

        var status = pipeline.Describe();
        (status.Read, status.Durable, status.Refused, status.InFlight).ShouldBe((500, 450, 50, 0));
        pipeline.Refusals().Count.ShouldBe(50);
        pipeline.Refusals()[0].Detail.ShouldBe("Damaged.");
    }

    [Fact]
    public async Task A_sink_that_stands_still_stops_the_source()
    {
        var (source, sink) = (new ScriptedSource(1000, n => $"doc-{n}"), new ScriptedSink { Gate = new TaskCompletionSource() });
        await using var pipeline = Start(source, sink);

        // What fits: one in each worker's hand, two in each lane, and one with the reader; fewer where a lane fills first.
        var bound = Options.Lanes * (1 + Options.LaneCapacity) + 1;
        await Waiting.StableAsync(() => source.Yielded);
        source.Yielded.ShouldBeInRange(Options.LaneCapacity, bound);
        sink.Gate.SetResult();
        await pipeline.ReachedAsync(SourceState.Ended, Patience);
        sink.Most.ShouldBeLessThanOrEqualTo(Options.Lanes);
        source.Told.Count.ShouldBe(1000);
    }

    [Fact]
    public async Task Paused_it_reads_no_further_and_resumed_it_misses_nothing()
    {
        var (source, sink) = (new ScriptedSource(100_000, n => $"doc-{n}"), new ScriptedSink());
        await using var pipeline = Start(source, sink);
        await Waiting.UntilAsync(() => source.Yielded > 100);
        pipeline.Pause().ShouldBeTrue();
        await Waiting.UntilAsync(() => pipeline.Describe().InFlight == 0);
        await Waiting.StableAsync(() => source.Yielded);
        var read = source.Yielded;
        read.ShouldBeLessThan(100_000);
        pipeline.Describe().State.ShouldBe(SourceState.Paused);
        pipeline.Resume().ShouldBeTrue();
        await Waiting.UntilAsync(() => source.Yielded > read);
        pipeline.Drain().ShouldBeTrue();
        await pipeline.ReachedAsync(SourceState.Drained, Patience);
        source.Told.Count.ShouldBe(source.Yielded, "drained means that nothing of what was read is open");
        pipeline.Resume().ShouldBeTrue();
        await Waiting.UntilAsync(() => source.Told.Count > read + 1000);
    }

    [Fact]
    public async Task What_fails_for_its_own_reason_is_refused_and_what_finds_the_sink_away_waits()
    {
        var sink = new ScriptedSink
        {
            Fault = (item, attempt) => item.Uri switch
            {
                "doc-1" => new IOException("gone"),
                "doc-2" when attempt < 20 => new SinkUnavailableException("The store is away."),
                "doc-3" when attempt < 3 => new InvalidOperationException("A defect."),
                "doc-4" => new InvalidOperationException("A defect."),
                _ => null,
            },
        };
        var source = new ScriptedSource(9, n => $"doc-{n}");
        await using var pipeline = Start(source, sink);
        await pipeline.ReachedAsync(SourceState.Ended, Patience);
        var told = source.Told.ToDictionary(t => t.Item.Uri, t => t.Settlement);
        told["doc-1"].Code.ShouldBe("unreadable");
        sink.Attempts("doc-1").ShouldBe(3);
        told["doc-2"].IsDurable.ShouldBeTrue("nothing is wrong with it, however long the store is away");
        told["doc-3"].IsDurable.ShouldBeTrue();
        told["doc-4"].Code.ShouldBe("internal");
        told.Values.Count(s => s.IsDurable).ShouldBe(7);
    }

    [Fact]
    public async Task A_source_that_fails_is_read_again_from_where_it_stood()
    {
        var (source, sink) = (new ScriptedSource(100, n => $"doc-{n}") { FailAt = 40 }, new ScriptedSink());
        await using var pipeline = Start(source, sink);
        await pipeline.ReachedAsync(SourceState.Ended, Patience);
        source.Told.Count.ShouldBe(100);
    }

    [Fact]
    public async Task An_item_of_no_tenant_is_refused()
    {
        var (source, sink) = (new ScriptedSource(1, n => "doc"), new ScriptedSink());
        await using var pipeline = new SourcePipeline("s", source, null, sink, Options, Steps(), TimeProvider.System, NullLogger.Instance);
        pipeline.Start();
        await pipeline.ReachedAsync(SourceState.Ended, Patience);
        source.Told.ShouldHaveSingleItem().Settlement.Code.ShouldBe("unknown-tenant");
        sink.Taken.ShouldBeEmpty();
    }

    private static PipelineSteps Steps() => new(4, 4, TimeProvider.System);

    private static SourcePipeline Start(IDocumentSource source, ScriptedSink sink)
    {
        var pipeline = new SourcePipeline("s", source, TenantId.Of("t"), sink, Options, Steps(), TimeProvider.System, NullLogger.Instance);
        pipeline.Start();
        return pipeline;
    }
}
