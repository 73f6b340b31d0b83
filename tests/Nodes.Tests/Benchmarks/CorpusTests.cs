using RagCluster.Nodes.Benchmarks;

namespace RagCluster.Nodes.Tests.Benchmarks;

public sealed class CorpusTests
{
    [Fact]
    public void The_generated_corpus_is_the_same_every_time_and_has_no_open_places()
    {
        var corpus = GeneratedCorpus.Make(500);
        corpus.Entries.ShouldBe(GeneratedCorpus.Make(500).Entries);
        corpus.Entries.Select(e => e.Id).Distinct().Count().ShouldBe(500);
        corpus.Entries.ShouldAllBe(e => !e.Text.Contains('{') && !e.Title!.Contains('{'));
        corpus.Entries.Average(e => e.Text.Split(' ').Length).ShouldBeInRange(70, 120);
    }

    [Fact]
    public void A_line_that_is_no_document_is_named()
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllLines(file, ["""{"id": "a", "title": "", "text": "one two three"}""", "", """{"id": "b"}"""]);
            Should.Throw<InvalidDataException>(() => Corpus.Read(file)).Message.ShouldContain($"{file}:3:");
            File.WriteAllLines(file, ["""{"id": "a", "title": "", "text": "one two three"}"""]);
            Corpus.Read(file).Entries.ShouldHaveSingleItem().Question.ShouldBe("one two three");
        }
        finally
        {
            File.Delete(file);
        }
    }
}
