using FsCheck;
using FsCheck.Fluent;
using RagCluster.Messages.Text;

namespace RagCluster.Retrieval.Tests.Text;

/// <summary>A sentence cut wrongly becomes a citation that starts or stops in the middle of what it should prove.</summary>
public class SentenceSplitterTests
{
    [Theory]
    [InlineData("It pays. It does not lapse!|Does it?", "It pays.", "It does not lapse!", "Does it?")]
    [InlineData("Dr. Smith paid $1,250.50 on Jan. 5 to J. Doe. He left.", "Dr. Smith paid $1,250.50 on Jan. 5 to J. Doe.", "He left.")]
    [InlineData("Riders (e.g. Waiver of Premium) cost extra. See Sec. 4.2 and No. 7.", "Riders (e.g. Waiver of Premium) cost extra.", "See Sec. 4.2 and No. 7.")]
    [InlineData("It is 30 days etc. The rest follows.", "It is 30 days etc.", "The rest follows.")]
    [InlineData("Is it \"paid?\" he asked. (Yes.) \"No.\" Fine.", "Is it \"paid?\" he asked.", "(Yes.)", "\"No.\"", "Fine.")]
    [InlineData("The U.S. Treasury pays. He lives in the U.S. The tax is low.", "The U.S. Treasury pays.", "He lives in the U.S.", "The tax is low.")]
    [InlineData("You chose Plan B. The premium rises.", "You chose Plan B.", "The premium rises.")]
    [InlineData("1. Notify us. 2. Send the form.", "1. Notify us.", "2. Send the form.")]
    [InlineData("Wait... what? Yes.", "Wait... what?", "Yes.")]
    [InlineData("at 5 p.m. on Monday. Then at 6 p.m. We close.", "at 5 p.m. on Monday.", "Then at 6 p.m.", "We close.")]
    [InlineData("一です。二です。", "一です。", "二です。")]
    public void Sentences_end_where_a_reader_would_end_them(string text, params string[] expected) =>
        Sentences(text.Replace('|', ' ')).ShouldBe(expected);

    [Fact]
    public void A_wrapped_line_goes_on_and_a_heading_a_list_and_a_table_row_do_not()
    {
        const string Text = """
            # Free look
            You may return the policy within thirty days after you have received it
            for a full refund. No reason is
            needed.

            - Send it back
            - Keep a copy. Always.
            1) first
            (ii) second
            | Age | Fee |
            | 40 | 1.25 |
            Surrender charges
            They fall each year.
            """;
        Sentences(Text.ReplaceLineEndings("\n")).ShouldBe([
            "# Free look",
            "You may return the policy within thirty days after you have received it\nfor a full refund.",
            "No reason is\nneeded.",
            "- Send it back",
            "- Keep a copy.",
            "Always.",
            "1) first",
            "(ii) second",
            "| Age | Fee |",
            "| 40 | 1.25 |",
            "Surrender charges",
            "They fall each year.",
        ]);
    }

    [Fact]
    public void Spans_are_ordered_trimmed_and_lose_nothing()
    {
        var pieces = Gen.Elements("Pay", "e.g.", "Dr.", "1.5", ".", "!", "?\"", " ", "  ", "\n", "\r\n", "\n\n", "- ", "| a | b |", "\t", "U.S.", "3.", "(", ")", "\uD83D\uDE00", "\uD83D", "。", "it", "#", "# H");
        var texts = pieces.ArrayOf().Select(parts => string.Concat(parts)).ToArbitrary();
        Prop.ForAll(texts, text =>
        {
            var end = 0;
            foreach (var span in SentenceSplitter.Split(text))
            {
                span.Start.ShouldBeGreaterThanOrEqualTo(end);
                span.Length.ShouldBeGreaterThan(0);
                text.AsSpan(end, span.Start - end).IsWhiteSpace().ShouldBeTrue();
                span.Of(text).Trim().Length.ShouldBe(span.Length);
                end = span.End;
            }

            text.AsSpan(end).IsWhiteSpace().ShouldBeTrue();
        }).QuickCheckThrowOnFailure();
    }

    private static string[] Sentences(string text) => [.. SentenceSplitter.Split(text).Select(s => text[s.Start..s.End])];
}
