using System.Text.Json;
using RagCluster.Inference.Answering;
using RagCluster.Inference.Citations;
using RagCluster.Inference.Embedded;
using RagCluster.Inference.Prompting;
using RagCluster.Messages;

namespace RagCluster.Inference.Tests.Evaluation;

/// <summary>
/// Measures the embedded answerer on public questions about encyclopedia paragraphs: with the five best paragraphs by
/// BM25 it should answer; with the right one withheld it should abstain. Run with RAGCLUSTER_SHARED_DATA set to see the figures.
/// </summary>
public class AnswerEvaluation(ITestOutputHelper output)
{
    /// <summary>A part of the questions, for speed; 1 for all.</summary>
    private const int Every = 4;

    [Fact]
    public async Task Questions_are_answered_from_the_right_paragraph_and_not_without_it()
    {
        var folder = SharedData.Find("qa/xquad");
        var paragraphs = Json(Path.Combine(folder, "corpus.jsonl"))
            .Select(p => Passage(p.GetProperty("id").GetString()!, p.GetProperty("title").GetString()!, p.GetProperty("text").GetString()!))
            .ToList();
        var gold = File.ReadLines(Path.Combine(folder, "qrels.tsv")).Select(l => l.Split('\t')).ToDictionary(p => p[0], p => p[1]);
        var words = new Bm25([.. paragraphs.Select(p => p.Text)]);
        int questions = 0, answered = 0, right = 0, withheld = 0, exact = 0, citations = 0;
        foreach (var query in Json(Path.Combine(folder, "queries.jsonl")).Where((_, i) => i % Every == 0))
        {
            var text = query.GetProperty("text").GetString()!;
            var expected = query.GetProperty("answer")[0].GetString()!;
            var source = gold[query.GetProperty("id").GetString()!];
            var found = Bm25.Top(words.Score(text), 6).Select(i => paragraphs[i]).ToList();
            var parsed = await Answer(text, [.. found.Take(5)]);
            questions++;
            answered += parsed.Abstained ? 0 : 1;
            right += parsed.Citations.Any(c => c.Document.Value == source && c.Quote.Contains(expected, StringComparison.OrdinalIgnoreCase)) ? 1 : 0;
            withheld += (await Answer(text, [.. found.Where(p => p.Document.Value != source).Take(5)])).Abstained ? 1 : 0;
            foreach (var citation in parsed.Citations)
            {
                citations++;
                exact += paragraphs.Single(p => p.Document == citation.Document).Text[citation.Start..citation.End] == citation.Quote ? 1 : 0;
            }
        }

        output.WriteLine($"{questions} questions: answered {(double)answered / questions:F3}, a cited sentence holds the answer {(double)right / questions:F3}, abstained without the paragraph {(double)withheld / questions:F3}, exact citations {exact} of {citations}");
        exact.ShouldBe(citations);
        ((double)answered / questions).ShouldBeGreaterThan(0.85);
        ((double)right / questions).ShouldBeGreaterThan(0.75);
        ((double)withheld / questions).ShouldBeGreaterThan(0.75);
    }

    private static async Task<CitedAnswer> Answer(string question, IReadOnlyList<Passage> passages)
    {
        var response = await new EmbeddedChatClient().GetResponseAsync(
            new GroundedPrompt(question, passages).ToMessages(),
            cancellationToken: TestContext.Current.CancellationToken);
        return CitationParser.Parse(response.Text, passages);
    }

    private static Passage Passage(string id, string title, string text) =>
        new(DocumentId.Of(id), 1, 0, 0, text.Length, text) { Title = title };

    private static IEnumerable<JsonElement> Json(string path) => File.ReadLines(path).Select(line => JsonDocument.Parse(line).RootElement);
}
