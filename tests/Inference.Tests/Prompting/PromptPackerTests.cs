using FsCheck;
using FsCheck.Fluent;
using RagCluster.Inference.Prompting;
using RagCluster.Messages;
using RagCluster.Messages.Text;

namespace RagCluster.Inference.Tests.Prompting;

public class PromptPackerTests
{
    private static readonly string[] s_words = ["premium", "period", "surrender", "smoker", "charge", "delivery", "policy", "month", "grace", "claim", "table", "age"];

    [Fact]
    public void Where_all_fits_all_is_taken_as_it_is()
    {
        var found = Scored((1, "Premiums are due monthly."), (0.5, "Premiums are due monthly."));
        var packed = Packer(3_000).Pack("How often?", found, [new PastTurn("Hello?", "Hi.")]);
        packed.Sources.ShouldBe(found);
        packed.LeftOut.ShouldBe(0);
        packed.Prompt.History.Count.ShouldBe(1);
    }

    [Fact]
    public void What_says_the_same_again_gives_way_to_what_says_something_else()
    {
        var first = "The grace period is 31 days and applies to every premium that is due after the first one was paid.";
        var found = Scored((1, first), (0.95, first + " It is 31 days."), (0.6, "Smokers pay a higher premium, by a table that depends on the age at which the policy began."));
        var packed = Packer(Fixed("How long?") + PromptPacker.Count(found[0].Passage) + PromptPacker.Count(found[2].Passage) + 5).Pack("How long?", found, []);
        packed.Sources.ShouldBe([found[0], found[2]]);
        packed.LeftOut.ShouldBe(1);
        packed.Prompt.Passages.ShouldBe([found[0].Passage, found[2].Passage]);
    }

    [Fact]
    public void One_large_passage_does_not_keep_out_several_small_ones_that_are_worth_more_together()
    {
        var large = string.Join(' ', Enumerable.Repeat("surrender charges of the table by year", 30));
        var found = Scored((1, "The policy period is ten years."), (0.6, large), (0.5, "Smokers pay more."), (0.5, "Claims are paid monthly."), (0.5, "Delivery begins the grace."));
        var packed = Packer(Fixed("Q?") + PromptPacker.Count(found[0].Passage) + PromptPacker.Count(found[1].Passage) + 2).Pack("Q?", found, []);
        packed.Sources.ShouldBe([found[0], found[2], found[3], found[4]]);
    }

    [Fact]
    public void A_best_passage_that_is_too_long_is_cut_behind_a_sentence_and_stays_a_span_of_its_document()
    {
        var text = string.Concat(Enumerable.Range(1, 100).Select(i => $"In year {i} the surrender charge is {i} percent. "));
        var found = Scored((1, text), (0.9, "Short."));
        var packed = Packer(700).Pack("Q?", found, []);
        var passage = packed.Prompt.Passages.ShouldHaveSingleItem();
        passage.Text.ShouldEndWith(" percent.");
        text.ShouldStartWith(passage.Text);
        (passage.End - passage.Start).ShouldBe(passage.Text.Length);
        Size(packed.Prompt).ShouldBeLessThanOrEqualTo(700);
    }

    [Fact]
    public void The_newest_turns_are_kept_and_a_long_answer_is_shortened_to_its_beginning()
    {
        var long1 = string.Concat(Enumerable.Range(1, 200).Select(i => $"This is sentence {i} of it. "));
        PastTurn[] history = [new("Oldest?", "Gone."), new("Old?", long1), new("New?", "Newest answer.")];
        var packed = new PromptPacker(new PromptBudget { MaxTokens = 3_000, HistoryTokens = 100 }, PromptTemplates.BuiltIn).Pack("Q?", [], history);
        packed.Prompt.History.Select(h => h.Question).ShouldBe(["Old?", "New?"]);
        packed.Prompt.History[0].Answer.ShouldStartWith("This is sentence 1 of it.");
        packed.Prompt.History[0].Answer.ShouldEndWith("of it.");
        packed.Prompt.History.Sum(h => TokenCounter.Count(h.Question) + TokenCounter.Count(h.Answer)).ShouldBeLessThanOrEqualTo(100);
    }

    [Fact]
    public void Whatever_is_found_the_prompt_stays_within_its_budget_in_order_and_begins_with_the_best()
    {
        var passages = Gen.Choose(1, 200).SelectMany(n => Gen.Elements(s_words).ArrayOf(n)).Select(w => string.Join(' ', w) + ".").ListOf().Select(texts => texts.Take(12).ToList());
        var cut = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(200), Prop.ForAll(passages.ToArbitrary(), Gen.Choose(500, 2_500).ToArbitrary(), (texts, most) =>
        {
            var found = Scored([.. texts.Select((text, i) => (1.0 / (i + 1), text))]);
            var packed = Packer(most).Pack("How long is the grace period?", found, [new PastTurn("Before?", "It was."), new PastTurn("And?", "Yes.")]);
            Size(packed.Prompt).ShouldBeLessThanOrEqualTo(most);
            packed.Sources.Select(s => s.Passage).ShouldBe(packed.Prompt.Passages);
            packed.Sources.Select(s => found.FindIndex(f => f.Passage.Id == s.Passage.Id)).ShouldBeInOrder();
            if (texts.Count > 0)
            {
                packed.Sources[0].Passage.Id.ShouldBe(found[0].Passage.Id);
            }

            cut += packed.LeftOut > 0 ? 1 : 0;
        }));
        cut.ShouldBeGreaterThan(20);
    }

    private static PromptPacker Packer(int most) => new(new PromptBudget { MaxTokens = most, HistoryTokens = 100 }, PromptTemplates.BuiltIn);

    private static int Fixed(string question) => Size(new GroundedPrompt(question, []));

    private static int Size(GroundedPrompt prompt) => prompt.ToMessages().Sum(m => TokenCounter.Count(m.Text));

    private static List<ScoredPassage> Scored(params (double Score, string Text)[] found) =>
        [.. Passages.Of([.. found.Select(f => f.Text)]).Select((p, i) => new ScoredPassage(p, found[i].Score))];
}
