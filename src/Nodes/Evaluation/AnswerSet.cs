using RagCluster.Configuration.Options;
using RagCluster.Ingestion.Sources;
using RagCluster.Messages.Identity;
using RagCluster.Nodes.Intake;

namespace RagCluster.Nodes.Evaluation;

/// <summary>A question and what should be answered.</summary>
/// <param name="Answers">Any of them is right; empty where the documents do not answer.</param>
/// <param name="Answerable">Whether there is an answer that the asker may read.</param>
/// <param name="Roles">Those of the asker.</param>
internal sealed record TestQuestion(string Id, string Text, IReadOnlyList<string> Answers, bool Answerable, RoleSet Roles);

/// <summary>A folder of documents and questions: corpus.jsonl or library/, and queries.jsonl or questions.jsonl.</summary>
internal sealed record AnswerSet(string Name, IDocumentSource Documents, IReadOnlyList<TestQuestion> Questions)
{
    /// <exception cref="InvalidDataException">A file is missing or not as it should be; the message says where.</exception>
    public static AnswerSet Read(string folder, IngestionOptions ingestion)
    {
        var library = Path.Combine(folder, "library");
        var corpus = Path.Combine(folder, "corpus.jsonl");
        IDocumentSource documents = File.Exists(corpus) ? TestCorpus.Read(corpus)
            : Directory.Exists(library) ? new PathsSource([library], watch: false, ingestion.Watch, TimeProvider.System)
            : throw new InvalidDataException($"{folder} has no documents: expected a file corpus.jsonl or a folder library.");
        var file = Path.Combine(folder, "questions.jsonl");
        var lines = JsonLines.Read(File.Exists(file) ? file : Path.Combine(folder, "queries.jsonl"));
        var questions = lines.Select(line => (Line: line, Question: Question(line))).ToList();
        JsonLines.RequireDistinct(questions.Select(q => (q.Question.Id, q.Line)));
        return new AnswerSet(Path.GetFileName(Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar)), documents, [.. questions.Select(q => q.Question)]);
    }

    private static TestQuestion Question(JsonLine line)
    {
        var answerable = line.Find("answerable") switch
        {
            null or "true" => true,
            "false" => false,
            _ => throw line.Wrong("\"answerable\" is to be true or false."),
        };
        var answers = line.Texts("answers", "answer");
        if (answerable && !answers.Any(answer => AnswerMetrics.Normal(answer).Length > 0))
        {
            throw line.Wrong("expected \"answer\" or \"answers\", or \"answerable\": false.");
        }

        return new TestQuestion(line.Text("id", "_id"), line.Text("text", "question"), answerable ? answers : [], answerable, RoleSet.Of(line.Texts("roles")));
    }
}
