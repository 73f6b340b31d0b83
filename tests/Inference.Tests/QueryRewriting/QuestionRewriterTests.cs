using RagCluster.Inference.Prompting;
using RagCluster.Inference.QueryRewriting;

namespace RagCluster.Inference.Tests.QueryRewriting;

public class QuestionRewriterTests
{
    [Theory]
    [InlineData("What is the premium for non-smokers?", "and for smokers?", "What is the premium for smokers?")]
    [InlineData("How long is the free-look period?", "Does it apply to annuities?", "Does the free-look period apply to annuities?")]
    [InlineData("How long is the grace period for annual premiums?", "What about monthly premiums?", "How long is the grace period for monthly premiums?")]
    [InlineData("What is the surrender charge in year 3?", "In year 5?", "What is the surrender charge in year 5?")]
    [InlineData("What is the cash value?", "How is it taxed?", "How is the cash value taxed?")]
    [InlineData("Can I borrow against my policy?", "What are its fees?", "What are the policy's fees?")]
    [InlineData("Is suicide covered?", "Why not?", "Why not: Is suicide covered?")]
    [InlineData("What is the waiting period?", "And who is the beneficiary by default?", "Who is the beneficiary by default?")]
    public void A_follow_up_is_made_to_stand_alone(string before, string question, string expected) =>
        QuestionRewriter.Rewrite(question, [new PastTurn(before, "Something [1].")]).ShouldBe(expected);

    [Theory]
    [InlineData("How long does it take to settle a claim?")]
    [InlineData("Which policies that pay dividends are offered?")]
    [InlineData("What documents are needed for a death claim?")]
    public void A_question_that_stands_alone_is_left_alone(string question) =>
        QuestionRewriter.Rewrite(question, [new PastTurn("What is the cash value?", "It is an amount [1].")]).ShouldBe(question);

    [Fact]
    public void Without_history_nothing_changes() => QuestionRewriter.Rewrite("Does  it apply?", []).ShouldBe("Does it apply?");

    [Fact]
    public void An_item_of_the_last_answer_is_meant_by_its_number() =>
        QuestionRewriter.Rewrite(
            "How much is the second one?",
            [new PastTurn("Which riders are there?", "- Waiver of premium [1]\n- Accidental death benefit [1]\n- Child rider [2]")])
        .ShouldBe("How much is Accidental death benefit?");

    [Fact]
    public void Follow_ups_of_follow_ups_lead_back_to_what_they_are_about() =>
        QuestionRewriter.Rewrite(
            "And in year 7?",
            [new PastTurn("What is the surrender charge in year 3?", "7% [1]."), new PastTurn("and in year 5?", "5% [1].")])
        .ShouldBe("What is the surrender charge in year 7?");

    [Fact]
    public void A_question_too_long_to_be_one_is_cut() =>
        QuestionRewriter.Rewrite(new string('x', 1_000_000), [new PastTurn(new string('y', 1_000_000), "")]).Length.ShouldBeLessThanOrEqualTo(QuestionRewriter.MaxLength);
}
