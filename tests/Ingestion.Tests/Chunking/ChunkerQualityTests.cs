using System.Text.Json;
using RagCluster.Ingestion.Chunking;
using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Text;
using static RagCluster.Ingestion.Tests.Parse;

namespace RagCluster.Ingestion.Tests.Chunking;

/// <summary>
/// Scores chunks as the published chunking evaluation does: for each question the best chunks are retrieved, and the
/// characters of its reference spans that they hold are recall, and held / (held or referenced) is IoU. Retrieval
/// here is plain BM25 over stemless words, so the figures compare chunkers, not retrievers.
/// </summary>
public class ChunkerQualityTests(ITestOutputHelper output)
{
    private const int Retrieved = 5;

    [Fact]
    public async Task Questions_find_their_passages_in_few_chunks()
    {
        var folder = SharedData.Folder("chunking");
        var corpora = new Dictionary<string, ParsedDocument>();
        foreach (var file in Directory.GetFiles(Path.Combine(folder, "corpora")))
        {
            // As plain text, whose offsets are the file's own.
            var document = await DocumentAsync(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken), Path.GetFileNameWithoutExtension(file) + ".txt");
            corpora[Path.GetFileNameWithoutExtension(file)] = document;
        }

        var questions = File.ReadLines(Path.Combine(folder, "queries.jsonl")).Select(Question.Read).ToList();
        Figures Measure(string what, Func<ParsedDocument, IReadOnlyList<Chunk>> split)
        {
            var figures = Score(corpora, questions, split);
            output.WriteLine($"{what}: recall {figures.Recall:0.000} precision {figures.Precision:0.000} IoU {figures.Iou:0.000}, {figures.Chunks} chunks of {figures.Tokens:0} tokens");
            return figures;
        }

        var standing = Measure("default", new Chunker(new ChunkerOptions()).Split);
        var baseline = Measure($"fixed length of the same {standing.Tokens:0} tokens", d => FixedLength(d, (int)(standing.Characters + 0.5)));
        // Set to compare sizes; too slow for every run.
        foreach (var target in (Environment.GetEnvironmentVariable("RAGCLUSTER_CHUNK_TARGETS") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse))
        {
            Measure($"target {target}", new Chunker(new ChunkerOptions { TargetTokens = target, MaxTokens = target * 8 / 5 }).Split);
        }

        standing.Recall.ShouldBeGreaterThan(0.85);
        standing.Recall.ShouldBeGreaterThan(baseline.Recall);
        standing.Iou.ShouldBeGreaterThan(baseline.Iou * 0.95);
    }

    private sealed record Figures(double Recall, double Precision, double Iou, int Chunks, double Tokens, double Characters);

    private static List<Chunk> FixedLength(ParsedDocument document, int characters)
    {
        var chunks = new List<Chunk>();
        for (var at = 0; at < document.Text.Length; at += characters)
        {
            var end = Math.Min(document.Text.Length, at + characters);
            chunks.Add(new Chunk(chunks.Count, at, end, document.Text[at..end]) { Tokens = TokenCounter.Count(document.Text.AsSpan(at, end - at)) });
        }

        return chunks;
    }

    private static Figures Score(Dictionary<string, ParsedDocument> corpora, List<Question> questions, Func<ParsedDocument, IReadOnlyList<Chunk>> split)
    {
        // One index over all documents, as in the published evaluation.
        var chunks = corpora.SelectMany(c => split(c.Value).Select(chunk => (Corpus: c.Key, Chunk: chunk))).ToList();
        var index = new Bm25([.. chunks.Select(c => c.Chunk.Text)]);
        double recall = 0, precision = 0, iou = 0;
        foreach (var question in questions)
        {
            var found = new HashSet<int>();
            var wanted = new HashSet<int>(question.Spans.SelectMany(s => Enumerable.Range(s.Start, s.Length)));
            var total = 0;
            foreach (var hit in index.Search(question.Text, Retrieved))
            {
                var (corpus, chunk) = chunks[hit];
                total += chunk.End - chunk.Start;
                if (corpus == question.Corpus)
                {
                    found.UnionWith(Enumerable.Range(chunk.Start, chunk.End - chunk.Start));
                }
            }

            found.IntersectWith(wanted);
            recall += (double)found.Count / wanted.Count;
            precision += (double)found.Count / Math.Max(1, total);
            iou += (double)found.Count / (total + wanted.Count - found.Count);
        }

        return new Figures(recall / questions.Count, precision / questions.Count, iou / questions.Count, chunks.Count, chunks.Average(c => c.Chunk.Tokens), chunks.Average(c => c.Chunk.Text.Length));
    }

    private sealed record Question(string Text, string Corpus, List<TextSpan> Spans)
    {
        public static Question Read(string line)
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            return new Question(
                root.GetProperty("text").GetString()!,
                root.GetProperty("corpus_id").GetString()!,
                [.. root.GetProperty("references").EnumerateArray().Select(r => new TextSpan(r.GetProperty("start_index").GetInt32(), r.GetProperty("end_index").GetInt32()))]);
        }
    }

    private sealed class Bm25
    {
        private readonly Dictionary<string, List<(int Document, int Count)>> _postings = [];
        private readonly int[] _lengths;

        public Bm25(string[] texts)
        {
            _lengths = new int[texts.Length];
            for (var d = 0; d < texts.Length; d++)
            {
                foreach (var word in Words(texts[d]).GroupBy(w => w))
                {
                    (_postings.TryGetValue(word.Key, out var list) ? list : _postings[word.Key] = []).Add((d, word.Count()));
                    _lengths[d] += word.Count();
                }
            }
        }

        public IEnumerable<int> Search(string query, int count)
        {
            var average = _lengths.Average();
            var scores = new Dictionary<int, double>();
            foreach (var word in Words(query).Distinct())
            {
                if (_postings.TryGetValue(word, out var list))
                {
                    var idf = Math.Log(1 + (_lengths.Length - list.Count + 0.5) / (list.Count + 0.5));
                    foreach (var (d, tf) in list)
                    {
                        scores[d] = scores.GetValueOrDefault(d) + idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * _lengths[d] / average));
                    }
                }
            }

            return scores.OrderByDescending(s => s.Value).ThenBy(s => s.Key).Take(count).Select(s => s.Key);
        }

        private static IEnumerable<string> Words(string text) =>
            System.Text.RegularExpressions.Regex.Matches(text.ToLowerInvariant(), @"\w+").Select(m => m.Value.Length > 4 && m.Value.EndsWith('s') ? m.Value[..^1] : m.Value);
    }
}
