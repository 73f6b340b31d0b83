using System.Diagnostics;
using System.Text.Json;
using RagCluster.Actors.Search;
using RagCluster.Messages;
using RagCluster.Messages.Text;
using RagCluster.Nodes.Benchmarks;
using RagCluster.Nodes.Intake;

namespace RagCluster.Nodes.Evaluation;

/// <summary>A text that should be retrieved, and where it stands in its file.</summary>
internal sealed record Reference(string Content, int Start);

/// <param name="Document">The name of the file in corpora/ that answers it, without extension.</param>
/// <param name="Line">Where it stands, for messages.</param>
internal sealed record SpanQuestion(string Id, string Text, string Document, IReadOnlyList<Reference> References, JsonLine Line);

/// <summary>A folder of corpora/ with text files, and queries.jsonl with the exact spans that answer.</summary>
internal sealed record ChunkingSet(string Name, TestCorpus Corpus, IReadOnlyList<SpanQuestion> Questions)
{
    /// <exception cref="InvalidDataException">A file is missing or not as it should be; the message says where.</exception>
    public static ChunkingSet Read(string folder)
    {
        var corpora = Path.Combine(folder, "corpora");
        if (!Directory.Exists(corpora))
        {
            throw new InvalidDataException($"{folder} has no folder corpora with the documents as text files.");
        }

        // As plain text, whatever their extension: so their offsets stay those of the files.
        var corpus = new TestCorpus([.. Directory.GetFiles(corpora).Order(StringComparer.Ordinal).Select(f => new TestDocument(Path.GetFileNameWithoutExtension(f), "", File.ReadAllText(f)))]);
        var known = corpus.Documents.Select(d => d.Id).ToHashSet(StringComparer.Ordinal);
        var questions = JsonLines.Read(Path.Combine(folder, "queries.jsonl")).Select(line => Question(line, known)).ToList();
        JsonLines.RequireDistinct(questions.Select(q => (q.Id, q.Line)));
        return new ChunkingSet(Path.GetFileName(Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar)), corpus, questions);
    }

    private static SpanQuestion Question(JsonLine line, HashSet<string> known)
    {
        var document = line.Text("corpus_id");
        if (!known.Contains(document))
        {
            throw line.Wrong($"corpora has no document \"{document}\".");
        }

        if (!line.Value.TryGetProperty("references", out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
        {
            throw line.Wrong("""expected "references": [{"content": "...", "start_index": 0}].""");
        }

        return new SpanQuestion(line.Text("id", "_id"), line.Text("text", "question"), document, [.. list.EnumerateArray().Select(r => Reference(line, r))], line);
    }

    private static Reference Reference(JsonLine line, JsonElement reference) =>
        reference.ValueKind == JsonValueKind.Object
        && reference.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String && content.GetString() is { Length: > 0 } text
        && reference.TryGetProperty("start_index", out var start) && start.TryGetInt32(out var at)
            ? new Reference(text, at)
            : throw line.Wrong("""a reference is {"content": "...", "start_index": 0}.""");
}

/// <summary>
/// Measures how much of what answers a question is in the first few passages, and how much beside it; and the same with
/// only as many passages as chunks hold something of the answer, which is how the published figures were made.
/// </summary>
/// <param name="k">Passages a question.</param>
internal sealed class ChunkingEvaluation(ChunkingSet set, SearchMode mode, int k, EvaluationProgress progress)
{
    private static readonly Measure[] s_means =
    [
        new("recall", "share of the characters that answer which were retrieved"),
        new("precision", "share of the retrieved characters that answer"),
        new("iou", "intersection over union of both"),
        new("recallTouched", "recall of as many passages as chunks hold something of the answer"),
        new("iouTouched", "intersection over union of as many"),
    ];

    public async Task<EvaluationResult> RunAsync(EvaluationNode node, CancellationToken cancellationToken)
    {
        var at = TimeProvider.System.GetUtcNow();
        var taken = await node.TakeInAsync(set.Corpus, progress, cancellationToken);
        var wanted = await LocateAsync(node, cancellationToken);
        var chunks = await ChunksAsync(node, taken.Chunks, cancellationToken);
        var times = new double[set.Questions.Count];
        var queries = await progress.ShowAsync("Searching", async moved =>
        {
            var measured = new List<MeasuredQuery>(set.Questions.Count);
            for (var i = 0; i < set.Questions.Count; i++)
            {
                var start = Stopwatch.GetTimestamp();
                var passages = await node.SearchAsync(set.Questions[i].Text, mode, k, cancellationToken);
                times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                var score = Score(set.Questions[i], wanted[i], passages);
                var touched = chunks[set.Questions[i].Document].Count(c => wanted[i].Any(w => w.Start < c.End && c.Start < w.End));
                var few = Score(set.Questions[i], wanted[i], await node.SearchAsync(set.Questions[i].Text, mode, Math.Max(1, touched), cancellationToken));
                measured.Add(new MeasuredQuery(set.Questions[i].Id, new Dictionary<string, double>
                {
                    ["recall"] = score.Recall,
                    ["precision"] = score.Precision,
                    ["iou"] = score.Iou,
                    ["recallTouched"] = few.Recall,
                    ["iouTouched"] = few.Iou,
                }));
                moved(i + 1, set.Questions.Count);
            }

            return measured;
        });
        Array.Sort(times);
        var settings = node.Settings;
        settings["mode"] = mode.ToString().ToLowerInvariant();
        settings["passages"] = k.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return new EvaluationResult(
            "chunking",
            set.Name,
            at,
            settings,
            [
                (new Measure("docs", "documents that were taken in", "0"), taken.Documents),
                (new Measure("chunks", "chunks that they were cut into", "0"), taken.Chunks),
                (new Measure("queries", "questions", "0"), queries.Count),
                (new Measure("ingestSeconds", "until all documents could be found", "0.0"), taken.Seconds),
                .. s_means.Select(m => (m, EvaluationResult.Mean(queries, m.Name)!.Value)),
                (new Measure("p50Ms", "time of a search, median", "0.00"), Quantiles.OfSorted(times, 0.5)),
                (new Measure("p99Ms", "time of a search, 99 % are faster", "0.00"), Quantiles.OfSorted(times, 0.99)),
            ],
            queries) { FailedDocuments = taken.Failed };
    }

    private SpanScore Score(SpanQuestion question, IReadOnlyList<TextSpan> wanted, IReadOnlyList<ScoredPassage> passages)
    {
        var here = passages.Where(p => set.Corpus.Of(p.Passage.Document).Id == question.Document).Select(p => new TextSpan(p.Passage.Start, p.Passage.End)).ToList();
        return SpanScore.Of(wanted, here, passages.Sum(p => p.Passage.End - p.Passage.Start) - here.Sum(s => s.End - s.Start));
    }

    /// <summary>Every chunk of every document: a search by vectors ranks all there are.</summary>
    private async Task<ILookup<string, TextSpan>> ChunksAsync(EvaluationNode node, int count, CancellationToken cancellationToken) =>
        (await node.SearchAsync(set.Questions[0].Text, SearchMode.Vector, count, cancellationToken))
            .ToLookup(p => set.Corpus.Of(p.Passage.Document).Id, p => new TextSpan(p.Passage.Start, p.Passage.End), StringComparer.Ordinal);

    /// <summary>The references as spans of the text that the node took out of the files, which is what its passages refer to.</summary>
    private async Task<IReadOnlyList<IReadOnlyList<TextSpan>>> LocateAsync(EvaluationNode node, CancellationToken cancellationToken)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var document in set.Corpus.Documents)
        {
            var text = await node.Documents.ReadTextAsync(node.Administrator, SourceIdentity.Of(document.Uri), null, cancellationToken);
            texts[document.Id] = text?.Text ?? throw new InvalidDataException($"The document \"{document.Id}\" could not be taken in.");
        }

        return [.. set.Questions.Select(q => (IReadOnlyList<TextSpan>)[.. q.References.Select(r => Locate(q, r, texts[q.Document]))])];
    }

    /// <summary>Where the content stands: at its place, or, as extraction squeezes white space and others count characters otherwise, next to it.</summary>
    internal static TextSpan Locate(SpanQuestion question, Reference reference, string text)
    {
        int? nearest = null;
        for (var at = text.IndexOf(reference.Content, StringComparison.Ordinal); at >= 0; at = text.IndexOf(reference.Content, at + 1, StringComparison.Ordinal))
        {
            if (nearest is null || Math.Abs(at - reference.Start) < Math.Abs(nearest.Value - reference.Start))
            {
                nearest = at;
            }
        }

        return nearest is { } start
            ? new TextSpan(start, start + reference.Content.Length)
            : throw question.Line.Wrong($"the reference \"{(reference.Content.Length > 60 ? reference.Content[..60] + "…" : reference.Content)}\" does not stand in \"{question.Document}\".");
    }
}
