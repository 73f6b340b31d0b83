using System.Diagnostics;
using System.Text.Json;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Index;

namespace RagCluster.Nodes.Benchmarks.Retrieval;

/// <summary>What is measured of searching by words.</summary>
internal sealed record WordBenchmarkOptions
{
    /// <summary>A folder of corpus.jsonl and queries.jsonl; null: texts are made.</summary>
    public string? Folder { get; init; }

    /// <summary>How many documents are made, or taken of the folder's at most.</summary>
    public int? Documents { get; init; }

    public int Rounds { get; init; } = 3;

    /// <summary>How long a round of searching lasts.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(4);
}

/// <summary>
/// Words alone, in this process and on one thread: one chunk a document, from its text to where it can be found; what that
/// takes; and the best ten for each query, from its text to the passages.
/// </summary>
internal sealed class WordBenchmark(WordBenchmarkOptions options, Recorder recorder, TemporaryFolder folder)
{
    private const int K = 10;

    /// <summary>Below, a corpus is indexed often enough for the compiler to have seen it.</summary>
    private const int Small = 50_000;

    private static readonly IReadOnlyDictionary<string, string> NoMetadata = new Dictionary<string, string>();

    public Task RunAsync(CancellationToken cancellationToken) => Task.Run(() => Run(cancellationToken), cancellationToken);

    private void Run(CancellationToken cancellationToken)
    {
        recorder.Say("reading the texts");
        var (documents, queries) = options.Folder is { } from ? Read(from) : ZipfTexts.Make(options.Documents ?? ZipfTexts.Size);
        recorder.Setting("documents", $"{documents.Count}");
        recorder.Setting("queries", $"{queries.Count}");
        var target = Targets.For(documents.Count, options.Folder is null);

        var times = documents.Count < Small ? 4 : 1;
        var manifest = (RagCluster.Retrieval.Segments.SegmentManifest?)null;
        var path = folder.New("words");
        for (var round = 0; round < times; round++)
        {
            recorder.Say("indexing");
            var before = GC.GetTotalMemory(forceFullCollection: true);
            var watch = Stopwatch.StartNew();
            var index = new PartitionIndex();
            foreach (var document in documents)
            {
                cancellationToken.ThrowIfCancellationRequested();
                index.Apply(document);
            }

            var indexed = watch.Elapsed.TotalSeconds;
            var grown = GC.GetTotalMemory(forceFullCollection: true) - before;
            watch.Restart();
            manifest = index.Save(path);
            if (round == times - 1)
            {
                recorder.Add(new Quantity("index", "documents/s", "indexing, one thread", target.Index), documents.Count / indexed);
                recorder.Add(new Quantity("indexMemory", "MB", "memory of the index, texts left out"), grown / 1e6);
                recorder.Add(new Quantity("save", "s", "writing it"), watch.Elapsed.TotalSeconds);
            }
        }

        Turns(documents, cancellationToken);
        documents.Clear();
        var opening = Stopwatch.StartNew();
        var reader = PartitionIndex.Open(path, manifest!).Reader;
        recorder.Add(new Quantity("open", "s", "reading it back, every byte checked"), opening.Elapsed.TotalSeconds);
        recorder.Add(new Quantity("postings", "MB", "terms, postings and positions", target.Size), reader.PostingsBytes / 1e6);
        recorder.Add(new Quantity("segments", "segments", "segments searched"), reader.SegmentCount);

        recorder.Say("warming up");
        Search(reader, queries, options.Duration, cancellationToken);
        for (var round = 1; round <= options.Rounds; round++)
        {
            recorder.Say($"round {round} of {options.Rounds}");
            var taken = Search(reader, queries, options.Duration, cancellationToken);
            recorder.Add(new Quantity("search", "queries/s", $"best {K} by words, one thread", target.Search), taken.Length / taken.Sum() * 1000);
            recorder.AddQuantiles(new Quantity("searchP50", "ms", "the same, median"), new Quantity("searchP99", "ms", "the same, 99 of 100", target.Tail), 0.99, taken);
        }
    }

    /// <summary>How long one document at a time holds up the writer, where segments are packed and merged beside it as in a partition. It can be found when its turn ends.</summary>
    private void Turns(List<ChunksIndexed> documents, CancellationToken cancellationToken)
    {
        recorder.Say("indexing beside packing and merging");
        var index = new PartitionIndex(new IndexOptions { WorksInBackground = true });
        var times = new double[documents.Count];
        var (work, running) = ((SegmentWork?)null, Task.CompletedTask);
        for (var i = 0; i < documents.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var start = Stopwatch.GetTimestamp();
            index.Apply(documents[i]);
            if (work is not null && running.IsCompletedSuccessfully)
            {
                index.Finish(work);
                work = null;
            }

            if (work is null && index.BeginWork() is { } next)
            {
                (work, running) = (next, Task.Run(() => next.Run(cancellationToken), cancellationToken));
            }

            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        running.Wait(cancellationToken);
        recorder.Add(new Quantity("turnLongest", "ms", "from a document's event until it can be found, at most", new Target(100, false)), times.Max());
        recorder.AddQuantiles(new Quantity("turnP50", "ms", "the same, median"), new Quantity("turnP99", "ms", "the same, 99 of 100"), 0.99, times);
    }

    /// <summary>The times of single searches in ms, of whole rounds over the queries.</summary>
    private static double[] Search(IndexReader reader, IReadOnlyList<string> queries, TimeSpan duration, CancellationToken cancellationToken)
    {
        var times = new List<double>();
        var watch = Stopwatch.StartNew();
        do
        {
            foreach (var query in queries)
            {
                var start = Stopwatch.GetTimestamp();
                reader.Find(query, null, reader.Statistics(query), RoleSet.Empty, SearchFilter.None, K);
                times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            cancellationToken.ThrowIfCancellationRequested();
        }
        while (watch.Elapsed < duration);
        return [.. times];
    }

    private (List<ChunksIndexed> Documents, IReadOnlyList<string> Queries) Read(string from)
    {
        var corpus = Corpus.Read(Path.Combine(from, "corpus.jsonl"));
        var all = File.ReadLines(Path.Combine(from, "queries.jsonl")).Where(line => !string.IsNullOrWhiteSpace(line)).Select(line =>
        {
            using var json = JsonDocument.Parse(line);
            return (Text: json.RootElement.GetProperty("text").GetString()!, Complete: json.RootElement.TryGetProperty("complete", out var complete) && complete.GetBoolean());
        }).ToList();

        // A set that says of which queries all relevant documents are known is searched for those, here as in its evaluation.
        var queries = all.Any(query => query.Complete) ? all.Where(query => query.Complete) : all;
        return ([.. corpus.Take(options.Documents ?? int.MaxValue).Entries.Select(entry => Document(entry.Id, entry.Title ?? "", entry.Text))], [.. queries.Select(query => query.Text)]);
    }

    internal static ChunksIndexed Document(string id, string title, string text) =>
        new(new DocumentId(id), 1, title, RoleSet.Empty, 0, NoMetadata, "none", [new Chunk(0, 0, text.Length, null, [], text, Embedding.Of([]))]);

    /// <summary>Targets were set for two corpora; for others they would say nothing.</summary>
    private sealed record Targets(Target? Index, Target? Size, Target? Search, Target? Tail)
    {
        public static Targets For(int documents, bool made) => (documents, made) switch
        {
            (ZipfTexts.Size, _) => new(new Target(20_000, true), new Target(100, false), new Target(3000, true), new Target(2, false)),
            (8690, false) => new(new Target(14_000, true), null, new Target(8000, true), null),
            _ => new(null, null, null, null),
        };
    }
}
