using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Queries;

/// <summary>A query as it was understood: what is searched for, and what a passage must and must not have.</summary>
/// <param name="Text">Its words without operators and without what is excluded: for whoever needs plain language.</param>
/// <param name="Terms">What counts for the score, in order of first appearance.</param>
/// <param name="Patterns">What counts for the score through the terms that match.</param>
/// <param name="Constraint">Null where every passage will do.</param>
public sealed record Query(string Text, IReadOnlyList<QueryClause> Terms, IReadOnlyList<TermPattern> Patterns, Constraint? Constraint)
{
    /// <summary>All patterns, those of constraints included, none twice.</summary>
    public IEnumerable<TermPattern> AllPatterns => Patterns.Concat(Constraint?.Patterns ?? []).Distinct();

    /// <summary>All analysed terms, those of constraints included, none twice.</summary>
    public IEnumerable<string> AllTerms => Terms.Select(clause => clause.Term).Concat(Constraint?.Terms ?? []).Distinct(StringComparer.Ordinal);
}

/// <param name="Term">As analysed.</param>
/// <param name="Count">How often it is asked for.</param>
/// <param name="Field">Where alone it counts; null for everywhere.</param>
public sealed record QueryClause(string Term, int Count, Field? Field);

/// <summary>Stands for the terms of an index that match it.</summary>
/// <param name="Text">Folded; stemmed where it is a whole word.</param>
/// <param name="Edits">The most changes of a letter; null for terms that begin with the text.</param>
/// <param name="Field">Where alone matches count; null for everywhere.</param>
public sealed record TermPattern(string Text, int? Edits, Field? Field)
{
    /// <summary>No pattern stands for more terms than so many, the most frequent ones.</summary>
    public const int MostTerms = 50;

    /// <summary>A prefix is at least this long, and a word that may differ by n letters n times this.</summary>
    public const int Shortest = 2;

    /// <summary>With which every matching term begins.</summary>
    public string Prefix => Edits is null ? Text : Text[..1];

    public bool Matches(string term) =>
        Edits is { } most
            ? term.Length > 0 && term[0] == Text[0] && EditDistance.IsWithin(Text, Analyzer.Shown(term), most)
            : term.StartsWith(Text, StringComparison.Ordinal);

    /// <summary>What a matching term counts beside the word itself.</summary>
    public double WeightOf(string term) => Edits is { } most && Analyzer.Shown(term) != Text ? 1 - ((double)EditDistance.Of(Text, Analyzer.Shown(term), most) / Math.Max(Text.Length, 1)) : 1;
}

/// <summary>What a passage must be like, apart from its score.</summary>
public abstract record Constraint
{
    /// <summary>The term occurs.</summary>
    public sealed record Has(string Term, Field? Field) : Constraint;

    /// <summary>A term that matches occurs.</summary>
    public sealed record Like(TermPattern Pattern) : Constraint;

    /// <summary>The terms stand one after the other, or near each other, in one field.</summary>
    /// <param name="Words">At least one, with its place in the phrase, rising.</param>
    /// <param name="Slop">Null for exactly so; else all stand, in whatever order, within so many words more than they are.</param>
    public sealed record Phrase(IReadOnlyList<(string Term, int Place)> Words, int? Slop, Field? Field) : Constraint;

    public sealed record All(IReadOnlyList<Constraint> Of) : Constraint;

    public sealed record Any(IReadOnlyList<Constraint> Of) : Constraint;

    public sealed record Not(Constraint Of) : Constraint;

    internal IEnumerable<TermPattern> Patterns => this switch
    {
        Like like => [like.Pattern],
        All all => all.Of.SelectMany(c => c.Patterns),
        Any any => any.Of.SelectMany(c => c.Patterns),
        Not not => not.Of.Patterns,
        _ => [],
    };

    internal IEnumerable<string> Terms => this switch
    {
        Has has => [has.Term],
        Phrase phrase => phrase.Words.Select(word => word.Term),
        All all => all.Of.SelectMany(c => c.Terms),
        Any any => any.Of.SelectMany(c => c.Terms),
        Not not => not.Of.Terms,
        _ => [],
    };
}
