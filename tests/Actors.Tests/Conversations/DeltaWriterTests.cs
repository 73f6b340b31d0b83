using RagCluster.Actors.Conversations;
using RagCluster.Messages;
using RagCluster.Messages.Text;

namespace RagCluster.Actors.Tests.Conversations;

public sealed class DeltaWriterTests
{
    [Fact]
    public async Task What_comes_while_a_piece_is_journaled_becomes_the_next_piece()
    {
        var sink = new SlowSink();
        var writer = new DeltaWriter(sink, CancellationToken.None);

        (await writer.WriteAsync("a")).ShouldBeTrue();
        (await writer.WriteAsync("b")).ShouldBeTrue();
        (await writer.WriteAsync("c")).ShouldBeTrue();
        sink.Written.ShouldBe(["a"]);

        sink.Release(true);
        var flushing = writer.FlushAsync().AsTask();
        sink.Release(true);
        (await flushing).ShouldBeTrue();
        sink.Written.ShouldBe(["a", "bc"]);
    }

    [Fact]
    public async Task Writing_stops_when_nobody_waits_for_the_answer_any_more()
    {
        var sink = new SlowSink();
        var writer = new DeltaWriter(sink, CancellationToken.None);
        (await writer.WriteAsync("a")).ShouldBeTrue();
        sink.Release(false);

        (await writer.WriteAsync("b")).ShouldBeFalse();
        (await writer.FlushAsync()).ShouldBeFalse();
        sink.Written.ShouldBe(["a"]);
    }

    /// <summary>A journal whose commits end when the test says so.</summary>
    private sealed class SlowSink : IAnswerSink
    {
        private readonly Queue<TaskCompletionSource<bool>> _commits = new();
        private readonly Queue<bool> _early = new();

        public List<string> Written { get; } = [];

        public void Release(bool open)
        {
            if (_commits.TryDequeue(out var commit))
            {
                commit.SetResult(open);
            }
            else
            {
                _early.Enqueue(open);
            }
        }

        public ValueTask<bool> DeltaAsync(string text, CancellationToken cancellationToken)
        {
            Written.Add(text);
            if (_early.TryDequeue(out var open))
            {
                return ValueTask.FromResult(open);
            }

            var commit = new TaskCompletionSource<bool>();
            _commits.Enqueue(commit);
            return new ValueTask<bool>(commit.Task);
        }

        public ValueTask<bool> BeginAsync(string query, CancellationToken cancellationToken) => ValueTask.FromResult(true);

        public ValueTask<bool> SourcesAsync(IReadOnlyList<ScoredPassage> sources, bool partial, CancellationToken cancellationToken) => ValueTask.FromResult(true);

        public ValueTask<bool> CompleteAsync(
            string text, IReadOnlyList<Citation> citations, IReadOnlyList<TextSpan> unsupported, bool abstained, string model, CancellationToken cancellationToken) =>
            ValueTask.FromResult(true);
    }
}
