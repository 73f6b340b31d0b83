using FsCheck;
using FsCheck.Fluent;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Queries;

namespace RagCluster.Retrieval.Tests.Queries;

/// <summary>What people type is taken as meant, or as text; never as an error.</summary>
public class QueryReaderTests
{
    [Theory]
    [InlineData("What is a non-smoker policy?")]
    [InlineData("call +49 170 or -5 degrees, 20-30 % (see above")]
    [InlineData("\"unclosed quote and a * or ~ alone")]
    [InlineData("a+b -  + - ) ( )( foo:bar https://example.com/x?y=1 title:")]
    [InlineData("C++ c# a~9 *x x* ~1")]
    public void What_is_no_operator_is_text(string text)
    {
        var plain = QueryReader.Read(text, QuerySyntax.Plain);
        var read = QueryReader.Read(text, QuerySyntax.Operators);
        read.Terms.ShouldBe(plain.Terms);
        read.Patterns.ShouldBeEmpty();
        read.Constraint.ShouldBeNull();
    }

    [Theory]
    [InlineData("+premium", "has premium")]
    [InlineData("-premium", "not(has premium)")]
    [InlineData("+premium -loan rider", "all(has premium, not(has loan))")]
    [InlineData("\"surrender value\"", "\"surrend@0 valu@1\"")]
    [InlineData("\"cost of living\"", "\"cost@0 live@2\"")]
    [InlineData("\"surrender value\"~3", "\"surrend@0 valu@1\"~3")]
    [InlineData("-\"surrender value\"", "not(\"surrend@0 valu@1\")")]
    [InlineData("+title:annuity", "has annuiti in Title")]
    [InlineData("title:\"whole life\"", "\"whole@0 life@1\" in Title")]
    [InlineData("+(annuity pension)", "any(has annuiti, has pension)")]
    [InlineData("+(annuity OR (+whole +life))", "any(has annuiti, all(has whole, has life))")]
    [InlineData("+(annuity -variable)", "all(has annuiti, not(has variabl))")]
    [InlineData("(annuity pension)", "")]
    [InlineData("+non-smoker", "\"non@0 smoker@1\"")]
    [InlineData("+insur*", "like insur*")]
    [InlineData("+policies*", "any(like policies*, has polici)")]
    [InlineData("+premum~", "like premum~1")]
    [InlineData("+premiums~2", "like premium~2")]
    [InlineData("insur* premum~1", "")]
    [InlineData("+the -of \"and\"", "")]
    public void Operators_demand(string text, string demand) => Describe(QueryReader.Read(text, QuerySyntax.Operators).Constraint).ShouldBe(demand);

    [Fact]
    public void Words_count_wherever_they_stand_but_where_they_are_excluded()
    {
        var read = QueryReader.Read("loan +loan \"surrender value\" title:loan (rider) -annuity -(a b) insur* premum~1", QuerySyntax.Operators);
        read.Terms.Select(t => (t.Term, t.Count, t.Field)).ShouldBe(
            [("loan", 2, null), ("surrend", 1, null), ("valu", 1, null), ("loan", 1, Field.Title), ("rider", 1, (Field?)null), ("insur", 1, null), ("premum", 1, null)]);
        read.Patterns.ShouldBe([new TermPattern("insur", null, null), new TermPattern("premum", 1, null)]);
        read.Text.ShouldBe("loan loan surrender value loan rider insur premum");
    }

    [Fact]
    public void Any_text_whatever_is_read_within_its_limits()
    {
        var pieces = Gen.Elements("+", "-", "\"", "(", ")", "~", "~2", "*", "title:", "body:", " ", "  ", "premium", "loan", "the", "é", "\uD83D", "\0", "OR", "5").ArrayOf().Select(string.Concat);
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(pieces.Resize(60).ToArbitrary(), text =>
        {
            var read = QueryReader.Read(text, QuerySyntax.Operators);
            read.Terms.Count.ShouldBeLessThanOrEqualTo(Analyzer.MaxQueryTerms);
            (read.AllPatterns.Count() <= QueryReader.MostClauses).ShouldBeTrue();
        }));
        var deep = new string('(', 3000) + "premium" + new string(')', 3000);
        QueryReader.Read("+" + deep, QuerySyntax.Operators).Terms.Select(t => t.Term).ShouldBe(["premium"]);
        QueryReader.Read(string.Concat(Enumerable.Repeat("+premium ", 3000)), QuerySyntax.Operators).Terms.Single().Count.ShouldBe(3000);
    }

    [Theory]
    [InlineData("premium", "premium", 0)]
    [InlineData("premum", "premium", 1)]
    [InlineData("permium", "premium", 1)]
    [InlineData("prmum", "premium", 2)]
    [InlineData("loan", "premium", 3)]
    [InlineData("", "ab", 2)]
    public void Edits_are_counted(string x, string y, int distance)
    {
        EditDistance.Of(x, y, 2).ShouldBe(distance);
        EditDistance.Of(y, x, 2).ShouldBe(distance);
    }

    private static string Describe(Constraint? constraint) => constraint switch
    {
        null => "",
        Constraint.Has has => $"has {has.Term}{In(has.Field)}",
        Constraint.Like like => $"like {like.Pattern.Text}{(like.Pattern.Edits is { } n ? $"~{n}" : "*")}{In(like.Pattern.Field)}",
        Constraint.Phrase phrase => $"\"{string.Join(' ', phrase.Words.Select(w => $"{w.Term}@{w.Place - phrase.Words[0].Place}"))}\"{(phrase.Slop is { } n ? $"~{n}" : "")}{In(phrase.Field)}",
        Constraint.All all => $"all({string.Join(", ", all.Of.Select(Describe))})",
        Constraint.Any any => $"any({string.Join(", ", any.Of.Select(Describe))})",
        Constraint.Not not => $"not({Describe(not.Of)})",
        _ => "?",
    };

    private static string In(Field? field) => field is null ? "" : $" in {field}";
}
