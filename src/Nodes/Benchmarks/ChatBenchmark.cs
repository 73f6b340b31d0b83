using System.Diagnostics;
using RagCluster.Messages;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>How large the chat benchmark is.</summary>
internal sealed record ChatBenchmarkOptions
{
    public required Corpus Corpus { get; init; }

    public required IReadOnlyList<string> Questions { get; init; }

    /// <summary>Connections that ask at once, each its next question when the last one is answered.</summary>
    public int Clients { get; init; } = 8;

    /// <summary>How long a round lasts.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(10);

    public int Rounds { get; init; } = 3;
}

/// <summary>
/// What people who ask at once feel: how long until the question is safe, until the first words, until the answer is
/// complete. The clients never pause, so the node is at its limit all the time.
/// </summary>
internal sealed class ChatBenchmark(ChatBenchmarkOptions options, Recorder recorder, TemporaryFolder folder)
{
    private const int QuestionsPerConversation = 5;
    private const int ConversationsPerConnection = 10;

    private static readonly Quantity AcceptedMedian = new("acceptedP50", "ms", "question durable, median");
    private static readonly Quantity AcceptedTail = Quantity.AtMost(30, "acceptedP99", "ms", "question durable, p99");
    private static readonly Quantity FirstMedian = new("firstDeltaP50", "ms", "first words, median");
    private static readonly Quantity FirstTail = Quantity.AtMost(100, "firstDeltaP99", "ms", "first words, p99");
    private static readonly Quantity CompletedMedian = new("completedP50", "ms", "answer complete, median");
    private static readonly Quantity CompletedTail = new("completedP99", "ms", "answer complete, p99");
    private static readonly Quantity Rate = new("questions", "questions/s", "questions answered, all clients");
    private static readonly Quantity Cost = new("processor", "ms", "processor time of the node for a question");
    private static readonly Quantity Abstained = new("abstained", "%", "answers that say that the documents do not tell");
    private static readonly Quantity Failed = Quantity.AtMost(0, "failed", "questions", "questions that failed");
    private static readonly Quantity Resident = new("residentMiB", "MiB", "resident memory of the node at the end");

    private int _next;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        recorder.Setting("corpus", $"{options.Corpus.Name}");
        recorder.Setting("documents", $"{options.Corpus.Entries.Count}");
        recorder.Setting("clients", $"{options.Clients}");
        recorder.Setting("seconds", $"{options.Duration.TotalSeconds}");
        await using var node = await NodeProcess.StartAsync(folder.New("node"), samples: false, cancellationToken);
        recorder.Say($"taking in {options.Corpus.Entries.Count} documents");
        var chunks = await CorpusIntake.RunAsync(node.Url, options.Corpus, cancellationToken);
        recorder.Setting("chunks", $"{chunks}");
        recorder.Say("warming up");
        await RoundAsync(node, options.Duration / 2, new Recorder(TextWriter.Null), cancellationToken);
        for (var round = 1; round <= options.Rounds; round++)
        {
            recorder.Say($"round {round} of {options.Rounds}");
            await RoundAsync(node, options.Duration, recorder, cancellationToken);
        }

        recorder.Add(Resident, node.ResidentMiB);
        await node.StopAsync(cancellationToken);
    }

    private async Task RoundAsync(NodeProcess node, TimeSpan duration, Recorder target, CancellationToken cancellationToken)
    {
        var before = node.ProcessorTime;
        var watch = Stopwatch.StartNew();
        var clients = await Task.WhenAll(Enumerable.Range(0, options.Clients).Select(_ => Task.Run(
            () => AskOnAsync(node.Url, () => watch.Elapsed < duration, cancellationToken),
            cancellationToken)));
        var seconds = watch.Elapsed.TotalSeconds;
        var all = clients.SelectMany(c => c).ToList();
        var completed = all.Where(t => t.Completed).ToList();
        target.AddQuantiles(AcceptedMedian, AcceptedTail, 0.99, [.. all.Select(t => t.Accepted).Where(double.IsFinite)]);
        target.AddQuantiles(FirstMedian, FirstTail, 0.99, [.. all.Select(t => t.FirstDelta).Where(double.IsFinite)]);
        target.AddQuantiles(CompletedMedian, CompletedTail, 0.99, [.. completed.Select(t => t.Ended)]);
        target.Add(Rate, completed.Count / seconds);
        target.Add(Cost, (node.ProcessorTime - before).TotalMilliseconds / Math.Max(1, all.Count));
        target.Add(Abstained, 100.0 * completed.Count(t => t.Abstained) / Math.Max(1, completed.Count));
        target.Add(Failed, all.Count - completed.Count);
    }

    private async Task<List<QuestionTiming>> AskOnAsync(Uri node, Func<bool> goOn, CancellationToken cancellationToken)
    {
        var timings = new List<QuestionTiming>();
        while (goOn())
        {
            using var client = await ChatClient.ConnectAsync(node, cancellationToken);
            for (var asked = 0; asked < ConversationsPerConnection && goOn(); asked++)
            {
                var conversation = ConversationId.Of(Guid.CreateVersion7().ToString("N"));
                for (var turn = 0; turn < QuestionsPerConversation && goOn(); turn++)
                {
                    var question = options.Questions[(Interlocked.Increment(ref _next) & int.MaxValue) % options.Questions.Count];
                    timings.Add(await client.AskAsync(conversation, question, cancellationToken));
                }
            }

            await client.CloseAsync(cancellationToken);
        }

        return timings;
    }
}
