using System.Diagnostics;
using System.Text.Json;
using RagCluster.Actors.Search;
using RagCluster.Configuration.Options;
using RagCluster.Nodes.Evaluation;

namespace RagCluster.Nodes.Tests.Evaluation;

/// <summary>Each evaluation from its folder to its figures, on documents so few that the figures are known beforehand.</summary>
public sealed class EvaluationTests
{
    private static readonly string[] s_corpus =
    [
        """{"id": "lapse", "title": "Lapse", "text": "A policy lapses when the premium is not paid within the grace period of 31 days."}""",
        """{"id": "loan", "title": "Loans", "text": "A policy loan bears interest of five percent."}""",
        """{"id": "surrender", "title": "Surrender", "text": "The surrender charge falls to zero after ten years."}""",
        """{"id": "blank", "title": "", "text": ""}""",
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Retrieval_is_measured_through_a_node()
    {
        using var folder = new TestFolder(
            ("corpus.jsonl", s_corpus),
            ("queries.jsonl", ["""{"id": "q1", "text": "grace period premium"}""", """{"id": "q2", "text": "interest of a loan"}""", """{"id": "q3", "text": "not judged"}"""]),
            ("qrels.tsv", ["q1\tlapse\t1", "q1\tgone\t1", "q2\tloan\t2", "q2\tlapse\t1"]));
        var evaluation = new RetrievalEvaluation(RetrievalSet.Read(folder.Path, null), SearchMode.Lexical, EvaluationProgress.Silent);
        EvaluationResult result;
        await using (var node = await folder.StartAsync())
        {
            result = await evaluation.RunAsync(node, Cancellation);
        }

        result["docs"].ShouldBe(3);
        result["queries"].ShouldBe(2);
        result["top1"].ShouldBe(1);
        result["mrr10"].ShouldBe(1);
        result["recall100"].ShouldBe((0.5 + result.Queries[1].Values["recall100"]) / 2);
        result.Queries[0].Values["map"].ShouldBe(0.5, "of two relevant documents one is first and the other is not in the corpus");
        result["p99Ms"].ShouldBeGreaterThanOrEqualTo(result["p50Ms"]);
        evaluation.Rankings.Select(r => (r.Query, r.Documents[0])).ShouldBe([("q1", "lapse"), ("q2", "loan")]);
        evaluation.Rankings.ShouldAllBe(r => r.Documents.Distinct().Count() == r.Documents.Count);
    }

    [Fact]
    public async Task Answers_are_measured_with_their_citations_and_the_askers_roles()
    {
        using var folder = new TestFolder(
            ("library/lapse.txt", ["A policy lapses when the premium is not paid within the grace period of 31 days."]),
            ("library/fees.txt", ["The commission of an adviser is four percent of the first premium."]),
            ("library/access.json", ["""{"fees.txt": ["adviser"]}"""]),
            ("questions.jsonl",
            [
                """{"id": "q1", "question": "How long is the grace period?", "answer": ["31 days", "thirty-one days"]}""",
                """{"id": "q2", "question": "What is the commission of an adviser?", "answer": "four percent", "roles": ["adviser"]}""",
                """{"id": "q3", "question": "What is the commission of an adviser?", "answerable": false, "roles": ["customer"]}""",
            ]));
        var set = AnswerSet.Read(folder.Path, new IngestionOptions());
        EvaluationResult result;
        await using (var node = await folder.StartAsync())
        {
            result = await new AnswerEvaluation(set, EvaluationProgress.Silent).RunAsync(node, Cancellation);
        }

        result["docs"].ShouldBe(2);
        result["unanswerable"].ShouldBe(1);
        result["found"].ShouldBe(1);
        result["containsAnswer"].ShouldBe(1);
        result["answered"].ShouldBe(1);
        result["abstained"].ShouldBe(1, result.Queries[2].Answer);
        result["citationValid"].ShouldBe(1);
        result["failed"].ShouldBe(0);
        result["f1"].ShouldBeInRange(0.01, 0.99);
        result.Queries[2].Values.Keys.ShouldBe(["abstained"]);
    }

    [Fact]
    public async Task Chunks_are_measured_over_exact_spans()
    {
        const string Answer = "The grace period is 31 days.";
        using var folder = new TestFolder(
            ("corpora/policy.md", ["# Policy", "", Answer, "", "The loan bears interest."]),
            ("corpora/other.md", ["Nothing of that kind is written here."]),
            ("queries.jsonl", [$$"""{"id": "q1", "text": "How long is the grace period?", "corpus_id": "policy", "references": [{"content": "{{Answer}}", "start_index": 10, "end_index": 38}]}"""]));
        EvaluationResult result;
        await using (var node = await folder.StartAsync())
        {
            result = await new ChunkingEvaluation(ChunkingSet.Read(folder.Path), SearchMode.Hybrid, 5, EvaluationProgress.Silent).RunAsync(node, Cancellation);
        }

        result["recall"].ShouldBe(1);
        result["recallTouched"].ShouldBe(1);
        result["precision"].ShouldBeInRange(0.2, 0.9);
        result["iou"].ShouldBe(result["precision"], 1e-9, "where everything is found they are the same");
        result["iouTouched"].ShouldBeGreaterThanOrEqualTo(result["iou"], "one passage holds it, and the other document is left out");
    }

    [Fact]
    public async Task The_command_prints_one_object_and_its_mistakes_have_exit_codes()
    {
        using var folder = new TestFolder(("corpus.jsonl", s_corpus), ("queries.jsonl", ["""{"id": "q1", "text": "grace period"}"""]), ("qrels.tsv", ["q1\tlapse\t1"]));
        var run = Path.Combine(folder.Path, "out.run");
        var (exitCode, output, error) = await RunAsync("eval", "retrieval", folder.Path, "--json", "--run", run, "--data", folder.Data);
        exitCode.ShouldBe(0, error);
        error.ShouldContain("1 documents have neither title nor text");
        using var json = JsonDocument.Parse(output);
        foreach (var name in "docs queries ingestSeconds map ndcg10 mrr10 recall100 top1 p50Ms p99Ms".Split(' '))
        {
            json.RootElement.GetProperty(name).GetDouble().ShouldBeGreaterThanOrEqualTo(0, name);
        }

        json.RootElement.GetProperty("perQuery")[0].GetProperty("id").GetString().ShouldBe("q1");
        File.ReadLines(run).First().ShouldStartWith("q1 Q0 lapse 1 ");
        Directory.Exists(folder.Data).ShouldBeFalse("the temporary folder goes");

        folder.Write("qrels.tsv", "q1 lapse");
        (exitCode, output, error) = await RunAsync("eval", "retrieval", folder.Path, "--data", folder.Data);
        exitCode.ShouldBe(2);
        output.ShouldBeEmpty();
        error.ShouldContain("qrels.tsv:1: expected query, document and grade");
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "ragcluster.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(Cancellation);
            var error = process.StandardError.ReadToEndAsync(Cancellation);
            await process.WaitForExitAsync(Cancellation);
            return (process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
