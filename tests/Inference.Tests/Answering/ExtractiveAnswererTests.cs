using RagCluster.Inference.Answering;
using RagCluster.Inference.Prompting;

namespace RagCluster.Inference.Tests.Answering;

public class ExtractiveAnswererTests
{
    /// <summary>One sentence only, so that it is the best.</summary>
    private readonly ExtractiveAnswerer _answerer = new(new AnswererWeights { MaxSentences = 1 });

    [Theory]
    [InlineData("What multiple of income applies at age 45?", "40 to 49 25 times", "Age: 18 to 39; Largest multiple of income: 30 times\nAge: 40 to 49; Largest multiple of income: 25 times\nAge: 71 and over; Largest multiple of income: 5 times")]
    [InlineData("What multiple of income applies at age 80?", "71 and over", "Age: 18 to 39; Largest multiple of income: 30 times\nAge: 40 to 49; Largest multiple of income: 25 times\nAge: 71 and over; Largest multiple of income: 5 times")]
    [InlineData("Which bonus is paid for a persistency of 90%?", "5%", "Persistency: below 80%; Bonus: none\nPersistency: 80% to 87.9%; Bonus: 2%\nPersistency: 88% to 92.9%; Bonus: 5%")]
    public void A_number_finds_the_row_whose_range_holds_it(string question, string expected, string table)
    {
        var answer = First(question, table);
        expected.Split(' ').ShouldAllBe(word => answer.Contains(word, StringComparison.Ordinal), answer);
    }

    [Theory]
    [InlineData("When was the company founded?", "The company was founded by two brothers in Hartford. The company was founded in 1897 in spite of the war.", "1897")]
    [InlineData("How much does a duplicate policy cost?", "A duplicate policy is sent by mail. A duplicate policy costs $35 per copy.", "$35")]
    [InlineData("Who signs the claim form?", "The claim form is signed on its last page. The claim form is signed by the Insured and Physician.", "Physician")]
    [InlineData("How long is the appeal period?", "An appeal is made in writing within the appeal period. The appeal period is 180 days.", "180 days")]
    public void Of_two_sentences_about_it_the_one_with_the_kind_of_thing_asked_for_answers(string question, string passage, string expected) =>
        First(question, passage).ShouldContain(expected);

    [Fact]
    public void A_heading_says_what_its_sentences_are_about() =>
        First(
            "How long is the free look period?",
            "1. The free look period\n\nYou may return a new policy for any reason within 10 days after you receive it. The free look period is 30 days if the policy replaces another one.\n\n2. Premiums\n\nPremiums are due on the first day of the month.")
        .ShouldContain("10 days");

    [Fact]
    public void A_question_of_a_faq_leads_to_its_answer() =>
        First("Can I change my beneficiary?", "How do I pay?\nYou pay by bank draft.\n\nCan I change my beneficiary?\nYes, at any time, with form BL-110.\n\nWho is insured?\nThe person named in the schedule.")
        .ShouldContain("BL-110");

    [Fact]
    public void Misspelt_words_still_count() =>
        First("Who can be a benificiary of a polcy?", "Premiums are due monthly. Any person can be named as the beneficiary of a policy.").ShouldContain("Any person");

    [Fact]
    public void Circumstances_before_the_question_weigh_less() =>
        First("My sister lives in Ohio and we talked about ships. How long is the contestable period?", "The contestable period is two years. Ships are insured elsewhere.").ShouldContain("two years");

    [Fact]
    public void The_same_sentence_in_two_passages_is_given_once()
    {
        const string Text = "The contestable period is two years from the issue date.";
        Answer("How long is the contestable period?", Text, Text).Count.ShouldBe(1);
    }

    [Fact]
    public void Every_sentence_lies_in_its_passage_whatever_the_text()
    {
        string[] texts = ["", " ", "\n\n|a|b|\n", "no punctuation at all about policies", new string('x', 100_000), string.Concat(Enumerable.Repeat("policy period is 1 to 2 days. ", 2000)), "policy\ud800 period", "- policy\n- period\n-"];
        var passages = Passages.Of(texts);
        foreach (var sentence in _answerer.Answer(new GroundedPrompt("How long is the policy period of 2 days?", passages)).Sentences)
        {
            sentence.Span.Of(passages[sentence.N - 1].Text).Length.ShouldBeGreaterThan(0);
        }

        _answerer.Answer(new GroundedPrompt("", passages)).Sentences.ShouldBeEmpty();
        _answerer.Answer(new GroundedPrompt("the of and", passages)).Sentences.ShouldBeEmpty();
    }

    private string First(string question, params string[] passages) => Answer(question, passages)[0].Text;

    private IReadOnlyList<AnswerSentence> Answer(string question, params string[] passages) =>
        _answerer.Answer(new GroundedPrompt(question, Passages.Of(passages))).Sentences;
}
