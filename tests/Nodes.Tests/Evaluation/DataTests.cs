using RagCluster.Configuration.Options;
using RagCluster.Nodes.Evaluation;

namespace RagCluster.Nodes.Tests.Evaluation;

/// <summary>Somebody's first own set has mistakes; a figure made from half of it would be believed.</summary>
public sealed class DataTests
{
    private const string Document = """{"id": "d1", "title": "One", "text": "first"}""";
    private const string Query = """{"id": "q1", "text": "which?"}""";

    [Theory]
    [InlineData("corpus.jsonl", "{\"id\": \"d1\", \"text\": \"x\"}|nonsense", "corpus.jsonl:2: not valid JSON")]
    [InlineData("corpus.jsonl", "[1]", "corpus.jsonl:1: expected a JSON object")]
    [InlineData("corpus.jsonl", "{\"id\": \"d1\", \"text\": \"x\"}||{\"id\": \"d2\"}", "corpus.jsonl:3: expected \"text\"")]
    [InlineData("corpus.jsonl", "{\"id\": \"d1\", \"text\": \"x\"}|{\"id\": \"d1\", \"text\": \"y\"}", "corpus.jsonl:2: the id \"d1\" is that of line 1 already")]
    [InlineData("corpus.jsonl", "{\"id\": \"d1\", \"text\": \" \"}", "No document of the corpus has a title or a text")]
    [InlineData("corpus.jsonl", "", "corpus.jsonl is empty")]
    [InlineData("queries.jsonl", "{\"id\": \"q1\", \"text\": [1]}", "queries.jsonl:1: \"text\" is to be text")]
    [InlineData("queries.jsonl", "{\"id\": \"other\", \"text\": \"x\"}", "No query of")]
    [InlineData("qrels.tsv", "q1\td1\t1|q1\td2", "qrels.tsv:2: expected query, document and grade")]
    [InlineData("qrels.tsv", "q1\td1\t1|q1\td2\tgood", "qrels.tsv:2: the grade is to be a whole number")]
    [InlineData("qrels.tsv", "q1\td1\t1|q1\td1\t2", "qrels.tsv:2: \"d1\" has the grades 1 and 2")]
    [InlineData("qrels.tsv", "q1\td1\t0", "has a relevant document in qrels.tsv")]
    public void A_mistake_is_named_with_its_line(string file, string lines, string message)
    {
        using var folder = Set();
        folder.Write(file, lines.Split('|'));
        Should.Throw<InvalidDataException>(() => RetrievalSet.Read(folder.Path, null)).Message.ShouldContain(message);
    }

    [Theory]
    [InlineData("corpus.jsonl")]
    [InlineData("queries.jsonl")]
    [InlineData("qrels.tsv")]
    public void A_missing_file_is_named(string file)
    {
        using var folder = Set();
        File.Delete(Path.Combine(folder.Path, file));
        Should.Throw<InvalidDataException>(() => RetrievalSet.Read(folder.Path, null)).Message.ShouldContain($"{file} is not there");
    }

    [Fact]
    public void Judgments_are_read_with_a_header_in_TRECs_form_and_with_grades()
    {
        using var folder = new TestFolder(("a", ["query-id\tcorpus-id\tscore", "q1\td1\t2", "q1\td2\t-1"]), ("b", ["q1 0 d1 2", "q1 0 d2 -1"]));
        foreach (var name in (string[])["a", "b"])
        {
            var judgments = Judgments.Read(Path.Combine(folder.Path, name));
            judgments.Of("q1").ShouldBe(new Dictionary<string, int> { ["d1"] = 2, ["d2"] = -1 }, ignoreOrder: true);
            judgments.HasRelevant("q1").ShouldBeTrue();
            judgments.HasRelevant("q2").ShouldBeFalse();
        }
    }

    [Fact]
    public void Queries_can_be_chosen_by_a_property()
    {
        using var folder = Set();
        folder.Write("queries.jsonl", """{"_id": 1, "text": "a", "complete": true}""", """{"_id": 2, "text": "b", "complete": false}""");
        folder.Write("qrels.tsv", "1\td1\t1", "2\td1\t1");
        RetrievalSet.Read(folder.Path, null).Queries.Select(q => q.Id).ShouldBe(["1", "2"]);
        RetrievalSet.Read(folder.Path, ("complete", "true")).Queries.ShouldHaveSingleItem().ShouldBe(new TestQuery("1", "a"));
        Should.Throw<InvalidDataException>(() => RetrievalSet.Read(folder.Path, ("complete", "maybe"))).Message.ShouldContain("with complete=maybe has a relevant document");
    }

    [Fact]
    public void A_documents_title_is_its_name_whatever_is_in_it()
    {
        new TestDocument("d", "Fees / costs\n2024", "x").FileName.ShouldBe("Fees   costs 2024.txt");
        new TestDocument("d", " ", "x").FileName.ShouldBe("d.txt");
        new TestDocument("d", new string('x', 199) + "\U0001F600", "x").FileName.ShouldBe(new string('x', 199) + ".txt");
    }

    [Theory]
    [InlineData("""{"id": "q1", "text": "a"}""", "questions.jsonl:1: expected \"answer\" or \"answers\"")]
    [InlineData("""{"id": "q1", "text": "a", "answer": "..."}""", "questions.jsonl:1: expected \"answer\" or \"answers\"")]
    [InlineData("""{"id": "q1", "text": "a", "answerable": "no"}""", "\"answerable\" is to be true or false")]
    [InlineData("""{"id": "q1", "answer": "a"}""", "questions.jsonl:1: expected \"text\"")]
    public void A_question_without_what_is_needed_is_named(string line, string message)
    {
        using var folder = new TestFolder(("corpus.jsonl", [Document]), ("questions.jsonl", [line]));
        Should.Throw<InvalidDataException>(() => AnswerSet.Read(folder.Path, new IngestionOptions())).Message.ShouldContain(message);
    }

    [Fact]
    public void A_folder_without_documents_is_told_what_is_expected()
    {
        using var folder = new TestFolder(("questions.jsonl", [Query]));
        Should.Throw<InvalidDataException>(() => AnswerSet.Read(folder.Path, new IngestionOptions())).Message.ShouldContain("expected a file corpus.jsonl or a folder library");
        Should.Throw<InvalidDataException>(() => ChunkingSet.Read(folder.Path)).Message.ShouldContain("has no folder corpora");
    }

    [Theory]
    [InlineData("""{"id": "q1", "text": "a", "corpus_id": "b", "references": [{"content": "x", "start_index": 0}]}""", "queries.jsonl:1: corpora has no document \"b\"")]
    [InlineData("""{"id": "q1", "text": "a", "corpus_id": "a", "references": []}""", "queries.jsonl:1: expected \"references\"")]
    [InlineData("""{"id": "q1", "text": "a", "corpus_id": "a", "references": [{"content": "x"}]}""", "queries.jsonl:1: a reference is")]
    public void Wrong_spans_are_named(string line, string message)
    {
        using var folder = new TestFolder(("corpora/a.md", ["Some text."]), ("queries.jsonl", [line]));
        Should.Throw<InvalidDataException>(() => ChunkingSet.Read(folder.Path)).Message.ShouldContain(message);
    }

    [Fact]
    public void A_reference_is_where_its_content_stands_next_to_its_place()
    {
        using var folder = new TestFolder(
            ("corpora/a.md", ["one two one two one"]),
            ("queries.jsonl", ["""{"id": "q1", "text": "a", "corpus_id": "a", "references": [{"content": "one", "start_index": 9}, {"content": "three", "start_index": 9}]}"""]));
        var set = ChunkingSet.Read(folder.Path);
        var question = set.Questions.ShouldHaveSingleItem();
        ChunkingEvaluation.Locate(question, question.References[0], set.Corpus.Documents[0].Text).Start.ShouldBe(8);
        Should.Throw<InvalidDataException>(() => ChunkingEvaluation.Locate(question, question.References[1], set.Corpus.Documents[0].Text)).Message.ShouldContain("queries.jsonl:1: the reference \"three\" does not stand in \"a\"");
    }

    [Fact]
    public void A_run_has_a_line_for_each_document_and_no_ties()
    {
        using var output = new StringWriter();
        RunFile.Write(output, [("q1", ["b", "a"]), ("q2", [])]);
        output.ToString().ShouldBe("q1 Q0 b 1 2 ragcluster\nq1 Q0 a 2 1 ragcluster\n");
        RunFile.RequireUsable(["q1", "a-b.c"]);
        Should.Throw<InvalidDataException>(() => RunFile.RequireUsable(["q1", "q 1"])).Message.ShouldContain("\"q 1\" cannot stand in a TREC run");
    }

    private static TestFolder Set() => new(("corpus.jsonl", [Document]), ("queries.jsonl", [Query]), ("qrels.tsv", ["q1\td1\t1"]));
}
