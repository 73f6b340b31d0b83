namespace RagCluster.Samples.Tests;

/// <summary>The questions measure the product; a question that the library cannot answer as claimed would measure nothing.</summary>
public sealed class QuestionTests
{
    private static readonly string[] Roles = ["customer", "adviser", "underwriter"];

    [Fact]
    public void There_are_sixty_of_which_a_tenth_cannot_be_answered()
    {
        SampleLibrary.Questions.Count.ShouldBe(60);
        SampleLibrary.Questions.Count(q => !q.Answerable).ShouldBe(6);
        SampleLibrary.Questions.Select(q => q.Id).ShouldBe(Enumerable.Range(1, 60).Select(i => $"Q{i:00}"));
        SampleLibrary.Questions.Select(q => SampleLibrary.Normal(q.Question)).ShouldBeUnique();
    }

    [Fact]
    public void Every_question_is_asked_by_somebody_and_says_what_is_expected()
    {
        foreach (var question in SampleLibrary.Questions)
        {
            question.Roles.ShouldNotBeEmpty(question.Id);
            question.Roles.ShouldBeSubsetOf(Roles, question.Id);
            question.Question.ShouldEndWith("?", customMessage: question.Id);
            question.Answer.ShouldNotBeNullOrWhiteSpace(question.Id);
            (question.Document is not null).ShouldBe(question.Answerable, question.Id);
            (question.Passage is not null).ShouldBe(question.Answerable, question.Id);
        }

        foreach (var role in Roles)
        {
            SampleLibrary.Questions.ShouldContain(q => q.Roles.Contains(role));
        }
    }

    [Fact]
    public void Every_passage_holds_its_answer_and_stands_in_a_document_that_the_asker_may_read()
    {
        foreach (var question in SampleLibrary.Questions.Where(q => q.Answerable))
        {
            SampleLibrary.Normal(question.Passage!).ShouldContain(SampleLibrary.Normal(question.Answer), Case.Sensitive, question.Id);
            SampleLibrary.Documents.ShouldContain(question.Document!, question.Id);
            SampleLibrary.MayRead(question.Roles, question.Document!).ShouldBeTrue($"{question.Id}: {question.Document} is closed to {string.Join(", ", question.Roles)}.");
        }
    }

    [Fact]
    public void Questions_are_asked_of_every_format()
    {
        SampleLibrary.Questions.Where(q => q.Answerable).Select(q => Path.GetExtension(q.Document!)).Distinct().Order()
            .ShouldBe([".csv", ".docx", ".html", ".json", ".jsonl", ".md", ".pdf", ".txt"]);
    }
}
