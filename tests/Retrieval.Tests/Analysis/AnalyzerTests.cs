using FsCheck;
using FsCheck.Fluent;
using RagCluster.Retrieval.Analysis;

namespace RagCluster.Retrieval.Tests.Analysis;

/// <summary>What analysis loses, nobody finds again; an offset that is off highlights the wrong words.</summary>
public class AnalyzerTests
{
    [Theory]
    [InlineData("The insured's policies were lapsing", "insur polici laps")]
    [InlineData("Crème brûlée ﬁnance ＡＢＣ Straße Åland", "creme brule financ abc strass aland")]
    [InlineData("policy LF-2041-B.", "polici lf-2041-b lf 2041 b")]
    [InlineData("pay $1,250.50 or 1,250, or 3,000,000", "pay 1250.50 1250 1250 3000000")]
    [InlineData("on 2024-03-15", "2024-03-15 2024 03 15")]
    [InlineData("mail Jane.Doe@Example.com now", "mail jane.doe@example.com jane doe exampl com now")]
    [InlineData("free-look and/or U.S. law", "freelook free look us law")]
    [InlineData("don’t O’Brien", "o'brien")]
    [InlineData("1,2,3 and 10-20", "1,2,3 1 2 3 10-20 10 20")]
    [InlineData("section 4.2.1 3.5%", "section 4.2.1 4 2 1 3.5 3")]
    [InlineData("保険 カタカナ", "保 険 カタカナ")]
    [InlineData("  ... \uD83D\uDE00 -- ", "")]
    public void Terms_are(string text, string expected) => string.Join(' ', Terms(text)).ShouldBe(expected);

    [Theory]
    [InlineData("Policy LF-2041-B, pays.", "Policy", "LF-2041-B", "LF", "2041", "B", "pays")]
    [InlineData("Café\u0301s cost $1,250.50!", "Café\u0301s", "cost", "1,250.50", "1,250")]
    public void Offsets_name_the_characters_that_the_term_came_from(string text, params string[] expected)
    {
        var spans = new List<string>();
        var tokens = Analyzer.English.Analyze(text);
        while (tokens.MoveNext())
        {
            spans.Add(text[tokens.Start..tokens.End]);
        }

        spans.ShouldBe(expected);
    }

    [Fact]
    public void Whole_compounds_share_the_position_of_their_first_part()
    {
        var tokens = Analyzer.English.Analyze("see LF-2041-B today");
        var seen = new List<(string, int, bool)>();
        while (tokens.MoveNext())
        {
            seen.Add((tokens.Term.ToString(), tokens.Position, tokens.IsWhole));
        }

        seen.ShouldBe([("see", 0, false), ("lf-2041-b", 1, true), ("lf", 1, false), ("2041", 2, false), ("b", 3, false), ("today", 4, false)]);
    }

    [Fact]
    public void Any_text_gives_bounded_terms_with_spans_inside_it_in_order()
    {
        var pieces = Gen.Elements("a", "Zed", "1", "23", ",", ".", "-", "@", "_", "'", "’", ":", "/", " ", "\n", "é", "e\u0301", "ﬃ", "保", "カ", "א", "\"", "\uD83D\uDE00", "\uD83D", "\uDE00", "\u200D", "\u00AD", "𝐀", "ß", new string('x', 100), "1,000");
        Prop.ForAll(pieces.ArrayOf().Select(parts => string.Concat(parts)).ToArbitrary(), text =>
        {
            var (start, position) = (0, -1);
            var tokens = Analyzer.English.Analyze(text);
            while (tokens.MoveNext())
            {
                tokens.Term.Length.ShouldBeInRange(1, TokenStream.MaxTermLength);
                tokens.Start.ShouldBeGreaterThanOrEqualTo(start);
                tokens.End.ShouldBeInRange(tokens.Start + 1, text.Length);
                tokens.Position.ShouldBeGreaterThanOrEqualTo(position);
                (start, position) = (tokens.Start, tokens.Position);
            }
        }).QuickCheckThrowOnFailure();
    }

    private static List<string> Terms(string text)
    {
        var terms = new List<string>();
        var tokens = Analyzer.English.Analyze(text);
        while (tokens.MoveNext())
        {
            terms.Add(tokens.Term.ToString());
        }

        return terms;
    }
}
