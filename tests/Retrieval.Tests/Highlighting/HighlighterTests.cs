using FsCheck;
using FsCheck.Fluent;
using RagCluster.Retrieval.Highlighting;

namespace RagCluster.Retrieval.Tests.Highlighting;

/// <summary>The page marks these ranges in the source: off by one, and the reader sees the wrong words.</summary>
public class HighlighterTests
{
    [Theory]
    [InlineData("policy lapse", "A lapsed Policy's value; policies lapse.", "lapsed|Policy's|policies|lapse")]
    [InlineData("LF-2041-B", "See LF-2041-B, not LF-2042-B.", "LF-2041-B|LF|B")]
    [InlineData("1250", "It costs $1,250.50 a year", "1,250")]
    [InlineData("cafe", "Le Cafe\u0301 noir", "Cafe\u0301")]
    [InlineData("the", "the the", "")]
    public void Matches_are_the_words_that_searching_would_match(string query, string text, string expected) =>
        string.Join('|', new Highlighter(query).Matches(text).Select(m => text[m.Start..m.End])).ShouldBe(expected);

    [Fact]
    public void The_snippet_is_the_sentence_with_most_of_the_query()
    {
        const string Text = "Premiums are due monthly. After 31 days without a premium the policy lapses. A lapsed policy may be reinstated.";
        var snippet = new Highlighter("when does a policy lapse without premium").Snippet(Text);
        Text[snippet.Start..snippet.End].ShouldBe("After 31 days without a premium the policy lapses.");
        var first = new Highlighter("policy").Snippet("No word of it. One policy. Two policies.");
        "No word of it. One policy. Two policies."[first.Start..first.End].ShouldBe("One policy.");
        var rare = new Highlighter("reinstated premium policy lapse", weights: new Dictionary<string, double> { ["reinstat"] = 9 }).Snippet(Text);
        Text[rare.Start..rare.End].ShouldBe("A lapsed policy may be reinstated.");
    }

    [Fact]
    public void A_long_sentence_is_cut_around_its_matches_at_white_space()
    {
        var text = string.Concat(Enumerable.Repeat("filler words here ", 40)) + "the surrender charge falls each year " + string.Concat(Enumerable.Repeat("more filler words ", 40));
        var snippet = new Highlighter("surrender charge").Snippet(text, 60);
        snippet.Length.ShouldBeInRange(40, 60);
        text[snippet.Start..snippet.End].ShouldContain("the surrender charge falls");
        text[snippet.Start - 1].ShouldBe(' ');
        text[snippet.End].ShouldBe(' ');
    }

    [Fact]
    public void Any_text_gets_matches_inside_it_and_a_bounded_snippet()
    {
        var pieces = Gen.Elements("policy", "LF-2041-B", " ", ". ", "\n", "é", "\uD83D\uDE00", "\uD83D", "x", "premium", "1,250.50", "-");
        var cases = Gen.Zip(pieces.ArrayOf().Select(p => string.Concat(p)), Gen.Choose(1, 20)).ToArbitrary();
        Prop.ForAll(cases, c =>
        {
            var (text, most) = c;
            var highlighter = new Highlighter("policy premium 1250 LF-2041-B");
            var end = -1;
            foreach (var match in highlighter.Matches(text))
            {
                match.Start.ShouldBeGreaterThan(end);
                match.End.ShouldBeInRange(match.Start + 1, text.Length);
                end = match.End;
            }

            var snippet = highlighter.Snippet(text, most);
            snippet.Length.ShouldBeInRange(string.IsNullOrWhiteSpace(text) ? 0 : most == 1 ? 0 : 1, most);
            snippet.End.ShouldBeLessThanOrEqualTo(text.Length);
        }).QuickCheckThrowOnFailure();
    }
}
