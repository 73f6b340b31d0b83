using RagCluster.Messages;
using RagCluster.Messages.Text;
using RagCluster.Nodes.Evaluation;

namespace RagCluster.Nodes.Tests.Evaluation;

public sealed class MetricTests
{
    [Theory]
    [InlineData("The free look is 10 days.", "free look is 10 days", 1)]
    [InlineData("10 days", "ten days", 0)]
    [InlineData("an $1,500 fee", "1500 fee", 1)]
    [InlineData("", "A", 0)]
    public void An_exact_match_ignores_case_articles_and_punctuation(string answer, string expected, double match) =>
        AnswerMetrics.ExactMatch(answer, [expected]).ShouldBe(match);

    [Theory]
    [InlineData("ten days", "10 days", 0.5)]
    [InlineData("you have ten days", "ten days", 2.0 * 2 / 6)]
    [InlineData("days days days", "days", 2.0 * 1 / 4)]
    [InlineData("", "days", 0)]
    public void F1_counts_words_as_often_as_they_are_expected(string answer, string expected, double f1) =>
        AnswerMetrics.F1(answer, ["nothing like it", expected]).ShouldBe(f1, 1e-12);

    [Fact]
    public void An_answer_is_held_as_whole_words_only()
    {
        AnswerMetrics.Contains("Return it within 10 days, please.", ["30 days", "10 Days"]).ShouldBeTrue();
        AnswerMetrics.Contains("Return it within 110 days.", ["10 days"]).ShouldBeFalse();
        AnswerMetrics.Contains("anything", [""]).ShouldBeFalse();
    }

    [Fact]
    public void The_numbers_of_citations_are_no_words_of_the_answer() =>
        AnswerMetrics.WithoutMarkers("Ten days [1][2]. Ask us [3].").ShouldBe("Ten days. Ask us.");

    [Fact]
    public void A_citation_is_valid_where_the_text_is_its_quote_to_the_letter()
    {
        const string Text = "It is ten days.";
        var citation = new Citation(1, DocumentId.Of("d"), 1, 0, 6, 14, null, "ten days", "d");
        AnswerEvaluation.IsExact(citation, Text).ShouldBeTrue();
        AnswerEvaluation.IsExact(citation with { Start = 5 }, Text).ShouldBeFalse();
        AnswerEvaluation.IsExact(citation with { End = 99 }, Text).ShouldBeFalse();
        AnswerEvaluation.IsExact(citation with { Start = -1 }, Text).ShouldBeFalse();
        AnswerEvaluation.IsExact(citation, null).ShouldBeFalse();
    }

    [Fact]
    public void Spans_are_scored_over_characters()
    {
        // Wanted 0-10 and 20-30; retrieved 5-25, of which 5-10 and 20-25 are right, and 30 characters elsewhere.
        SpanScore.Of([new TextSpan(0, 10), new TextSpan(20, 30)], [new TextSpan(5, 25)], 30).ShouldBe(new SpanScore(10 / 20.0, 10 / 50.0, 10 / 60.0));
        SpanScore.Of([new TextSpan(0, 10)], [], 0).ShouldBe(new SpanScore(0, 0, 0));
    }

    [Fact]
    public void What_is_retrieved_twice_is_right_once() =>
        SpanScore.Of([new TextSpan(0, 10)], [new TextSpan(0, 10), new TextSpan(5, 15)], 0).ShouldBe(new SpanScore(1, 10 / 20.0, 10 / 20.0));

    /// <summary>Against counting characters one by one.</summary>
    [Fact]
    public void Spans_are_scored_as_sets_of_characters_are()
    {
        var random = new Random(7);
        for (var round = 0; round < 300; round++)
        {
            List<TextSpan> Spans() => [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(0, 40)).Select(start => new TextSpan(start, start + random.Next(1, 12)))];
            var (wanted, retrieved) = (Spans(), Spans());
            HashSet<int> Set(List<TextSpan> spans) => [.. spans.SelectMany(s => Enumerable.Range(s.Start, s.End - s.Start))];
            var right = Set(wanted).Intersect(Set(retrieved)).Count();
            var all = retrieved.Sum(s => s.End - s.Start);
            var expected = new SpanScore((double)right / Set(wanted).Count, (double)right / all, (double)right / (all + Set(wanted).Count - right));
            SpanScore.Of(wanted, retrieved, 0).ShouldBe(expected);
        }
    }

    [Fact]
    public void Passages_become_documents_in_the_order_of_their_best()
    {
        ScoredPassage Passage(string document, int ordinal) => new(new Passage(DocumentId.Of(document), 1, ordinal, 0, 1, "x"), 1);
        RetrievalEvaluation.RollUp([Passage("b", 0), Passage("a", 0), Passage("b", 1), Passage("c", 0)], id => id.Value.ToUpperInvariant()).ShouldBe(["B", "A", "C"]);
    }
}
