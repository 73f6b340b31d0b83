using FsCheck;
using FsCheck.Fluent;
using RagCluster.Inference.Citations;
using RagCluster.Inference.Prompting;
using RagCluster.Messages;

namespace RagCluster.Inference.Tests.Citations;

public class CitationParserTests
{
    private static readonly IReadOnlyList<Passage> s_passages = Passages.Of(
        "Premiums are due monthly. A grace period of 31 days applies to every premium.",
        "The free-look period is 30 days from delivery. Afterwards surrender charges apply.",
        "Smokers pay a higher premium.\nApplicants must be between 18 and 65 years old.");

    [Fact]
    public void A_citation_points_at_the_sentence_that_supports_it()
    {
        var parsed = CitationParser.Parse("You have 30 days from delivery to look at the policy [2]. There is a grace period of 31 days. [1]", s_passages);
        parsed.Citations.Count.ShouldBe(2);
        parsed.Citations[0].Quote.ShouldBe("The free-look period is 30 days from delivery.");
        parsed.Citations[0].N.ShouldBe(2);
        parsed.Citations[0].Start.ShouldBe(100);
        parsed.Citations[1].Quote.ShouldBe("A grace period of 31 days applies to every premium.");
        parsed.Citations[1].Start.ShouldBe("Premiums are due monthly. ".Length);
        parsed.Unsupported.ShouldBeEmpty();
    }

    [Fact]
    public void Passages_that_do_not_exist_are_not_cited()
    {
        var parsed = CitationParser.Parse("Premiums are due monthly [1, 9]. Smokers pay a higher premium [4].", s_passages);
        parsed.Text.ShouldBe("Premiums are due monthly [1]. Smokers pay a higher premium.");
        parsed.Citations.Single().N.ShouldBe(1);
        parsed.Unsupported.ShouldBe(["Smokers pay a higher premium."]);
    }

    [Fact]
    public void A_marker_whose_passage_has_nothing_to_do_with_its_sentence_is_taken_out()
    {
        var parsed = CitationParser.Parse("Volcanoes erupt without warning [2]. Premiums are due monthly [1].", s_passages);
        parsed.Text.ShouldBe("Volcanoes erupt without warning. Premiums are due monthly [1].");
        parsed.Unsupported.ShouldBe(["Volcanoes erupt without warning."]);
    }

    [Fact]
    public void Two_markers_in_one_sentence_support_their_own_parts()
    {
        var parsed = CitationParser.Parse("Smokers pay a higher premium [3] and the grace period applies to every premium [1].", s_passages);
        parsed.Citations.Select(c => c.Quote).ShouldBe(["Smokers pay a higher premium.", "A grace period of 31 days applies to every premium."]);
    }

    [Fact]
    public void Unsupported_sentences_are_named_by_their_place_in_the_text_as_it_is_shown()
    {
        var parsed = CitationParser.Parse("Volcanoes erupt [9] without warning [2]. Premiums are due monthly [1]. The moon orbits the quiet earth.", s_passages);
        parsed.UnsupportedSpans.Select(s => s.Of(parsed.Text).ToString()).ShouldBe(["Volcanoes erupt without warning.", "The moon orbits the quiet earth."]);
    }

    [Theory]
    [InlineData(GroundedPrompt.Abstention, true)]
    [InlineData("the documents do not answer this question", true)]
    [InlineData("Premiums are due monthly [1].", false)]
    public void An_abstention_is_recognised(string text, bool abstained) => CitationParser.Parse(text, s_passages).Abstained.ShouldBe(abstained);

    [Fact]
    public void Whatever_the_answer_every_citation_is_the_exact_span_of_a_passage_that_exists()
    {
        var cited = 0;
        var pieces = Gen.Elements(
            "Premiums are due", " monthly", " smokers pay", ". ", "? ", "\n- ", " 30 days", "[1]", "[2]", " [3]", "[99]", "[0]", "[1, 2]", "[2-3]", "[", "]", "[[1]]",
            "[1", "\ud800", "", " the free-look period", " volcano", "[^2]", "| a | b |\n", "e\u0301", "[-1]", "[1234567890123]");
        var answers = Gen.ArrayOf(pieces).Select(string.Concat).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500), Prop.ForAll(answers, answer =>
        {
            var parsed = CitationParser.Parse(answer, s_passages);
            foreach (var citation in parsed.Citations)
            {
                cited++;
                var passage = s_passages[citation.N - 1];
                citation.Document.ShouldBe(passage.Document);
                passage.Text[(citation.Start - passage.Start)..(citation.End - passage.Start)].ShouldBe(citation.Quote);
                citation.Quote.ShouldNotBeNullOrWhiteSpace();
                parsed.Text.ShouldContain($"[{citation.N}]");
            }

            var end = 0;
            foreach (var span in parsed.UnsupportedSpans)
            {
                span.Start.ShouldBeGreaterThanOrEqualTo(end);
                span.Length.ShouldBeGreaterThan(0);
                end = span.End;
            }

            end.ShouldBeLessThanOrEqualTo(parsed.Text.Length);
            foreach (var marker in Marker.In(parsed.Text))
            {
                parsed.Citations.ShouldContain(c => c.N == marker.N);
            }
        }));
        cited.ShouldBeGreaterThan(100);
    }

    [Fact]
    public void However_a_stream_is_cut_the_text_is_the_same()
    {
        var pieces = Gen.Elements("a", "[", "1", "]", " ", ",", "2", "-", "9", "b", "[1]", " [2, 7]", "\n", "^", "[x]");
        var texts = Gen.ArrayOf(pieces).ToArbitrary();
        var marked = 0;
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(texts, cut =>
        {
            var whole = new CitationFilter(3);
            var streamed = new CitationFilter(3);
            var expected = whole.Push(string.Concat(cut)) + whole.Complete();
            (string.Concat(cut.Select(piece => streamed.Push(piece))) + streamed.Complete()).ShouldBe(expected);
            marked += expected.Contains("[1]", StringComparison.Ordinal) ? 1 : 0;
        }));
        marked.ShouldBeGreaterThan(100);
    }

    [Theory]
    [InlineData("a [1, 2].", "a [1][2].")]
    [InlineData("a [1-3]", "a [1][2][3]")]
    [InlineData("a [^2] b", "a [2] b")]
    [InlineData("a [9]. b", "a. b")]
    [InlineData("a[0] [7] b", "a b")]
    [InlineData("see [section 4] and [] here", "see [section 4] and [] here")]
    [InlineData("open [1", "open [1")]
    public void Markers_come_out_in_one_form(string text, string expected)
    {
        var filter = new CitationFilter(3);
        (filter.Push(text) + filter.Complete()).ShouldBe(expected);
    }
}
