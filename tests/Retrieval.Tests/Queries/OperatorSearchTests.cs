using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Postings;
using RagCluster.Retrieval.Queries;

namespace RagCluster.Retrieval.Tests.Queries;

/// <summary>Queries with operators against an index and against the texts themselves.</summary>
public class OperatorSearchTests
{
    private static readonly string[] s_words = ["premium", "premiums", "policy", "policies", "lapse", "the", "rider", "surrender", "value", "loan", "non-smoker"];

    [Fact]
    public void Whatever_is_demanded_is_met_by_all_that_is_found_and_by_nothing_else()
    {
        var random = new Random(8);
        string Words(int most) => string.Join(' ', Enumerable.Range(0, random.Next(most)).Select(_ => s_words[random.Next(s_words.Length)]));
        var (growing, sealedIndex) = (new PartitionIndex(), new PartitionIndex(new IndexOptions { MaxSegmentChunks = 50, MinDeletedToRewrite = 4 }));
        var chunks = new Dictionary<ChunkId, Dictionary<Field, List<(string Term, int Position)>>>();
        for (var i = 0; i < 300; i++)
        {
            var (title, text, headings) = (Words(4), Words(9), new[] { Words(3), Words(3) });
            foreach (var index in new[] { growing, sealedIndex })
            {
                index.Apply(Samples.Indexed($"d{i}", 1, title, RoleSet.Empty, Samples.NoMetadata, Samples.Chunk(0, text, [1, 2], headings)));
            }

            chunks[new ChunkId(new DocumentId($"d{i}"), 1, 0)] = new()
            {
                [Field.Body] = Terms(text, 0),
                [Field.Title] = Terms(title, 0),
                [Field.Headings] = [.. Terms(headings[0], 0), .. Terms(headings[1], 1000)],
            };
        }

        for (var i = 0; i < 300; i += 7)
        {
            sealedIndex.Apply(new ChunksRemoved(new DocumentId($"d{i}"), 1));
            growing.Apply(new ChunksRemoved(new DocumentId($"d{i}"), 1));
            chunks.Remove(new ChunkId(new DocumentId($"d{i}"), 1, 0));
        }

        var met = 0;
        for (var q = 0; q < 250; q++)
        {
            var query = string.Join(' ', Enumerable.Range(0, random.Next(1, 4)).Select(_ => Clause(random, 0)));
            var read = QueryReader.Read(query, QuerySyntax.Operators);
            var expected = chunks.Where(pair => Meets(read.Constraint, pair.Value)).Select(pair => pair.Key.ToString()).Order().ToList();
            met += expected.Count > 0 && expected.Count < chunks.Count ? 1 : 0;
            foreach (var index in new[] { growing, sealedIndex })
            {
                var reader = index.Reader;
                var global = reader.Statistics(new CountTerms(query) { Syntax = QuerySyntax.Operators });
                var found = reader.Find(new FindPassages(query, Embedding.Of([1, 1]), global, RoleSet.Empty, SearchFilter.None, 1000) { Syntax = QuerySyntax.Operators });
                (query + ": " + string.Join(" ", found.Vector.Ids().Order())).ShouldBe(query + ": " + string.Join(" ", expected));
                found.Lexical.Ids().ShouldBeSubsetOf(expected);
                foreach (var passage in found.Lexical)
                {
                    passage.Score.ShouldBeGreaterThan(0);
                }
            }
        }

        met.ShouldBeGreaterThan(100);
    }

    [Fact]
    public void The_best_ten_are_the_first_ten_of_all_with_fields_and_patterns_too()
    {
        var random = new Random(9);
        var index = new PartitionIndex(new IndexOptions { MaxSegmentChunks = 1200 });
        string Words(int most) => string.Join(' ', Enumerable.Range(0, random.Next(1, most)).Select(_ => $"w{(int)(200 * Math.Pow(random.NextDouble(), 3))}x"));
        for (var i = 0; i < 3000; i++)
        {
            index.Apply(Samples.Indexed($"d{i}", 1, Words(3), RoleSet.Empty, Samples.NoMetadata, Samples.Chunk(0, Words(15), null, Words(3))));
        }

        foreach (var query in new[] { "title:w1x w3x", "w1* w50x", "+w1x w2x -w3x", "\"w1x w2x\" w9x", "w11x~1 headings:w0x", "+(w1x w2x) title:w0x w100x" })
        {
            var reader = index.Reader;
            var global = reader.Statistics(new CountTerms(query) { Syntax = QuerySyntax.Operators });
            var find = new FindPassages(query, null, global, RoleSet.Empty, SearchFilter.None, 10_000) { Syntax = QuerySyntax.Operators, Explain = true };
            var all = reader.Find(find);
            all.Lexical.Count.ShouldBeGreaterThan(10);
            reader.Find(find with { K = 10 }).Lexical.Select(p => (p.Passage.Id, p.Score)).ShouldBe(all.Lexical.Take(10).Select(p => (p.Passage.Id, p.Score)));
            foreach (var (passage, score) in all.Lexical.Take(20))
            {
                all.Explanations!.Single(e => e.Passage == passage.Id).Lexical.ShouldBe(score);
            }
        }
    }

    [Fact]
    public void A_misspelt_word_finds_what_was_meant_and_a_prefix_what_begins_so()
    {
        var index = new PartitionIndex();
        index.Apply(Samples.Indexed("a", 1, "", "The premium is due."));
        index.Apply(Samples.Indexed("b", 1, "", "Premises are insured."));
        index.Apply(Samples.Indexed("c", 1, "", "Nothing of the kind."));
        Find("premuim~").ShouldBe(["a@1#0"]);
        Find("prem*").ShouldBe(["a@1#0", "b@1#0"], ignoreOrder: true);
        Find("+insuring* loan").ShouldBe(["b@1#0"]);
        Find("zzzz~2").ShouldBeEmpty();

        IReadOnlyList<string> Find(string query)
        {
            var global = index.Reader.Statistics(new CountTerms(query) { Syntax = QuerySyntax.Operators });
            return index.Reader.Find(new FindPassages(query, null, global, RoleSet.Empty, SearchFilter.None, 10) { Syntax = QuerySyntax.Operators }).Lexical.Ids();
        }
    }

    private static string Clause(Random random, int depth)
    {
        var sign = random.Next(3) switch { 0 => "+", 1 => "-", _ => "" };
        var field = random.Next(5) switch { 0 => "title:", 1 => "headings:", 2 => "body:", _ => "" };
        var word = s_words[random.Next(s_words.Length)];
        return random.Next(6) switch
        {
            0 => $"{sign}{field}\"{word} {s_words[random.Next(s_words.Length)]}\"",
            1 => $"{sign}{field}\"{word} {s_words[random.Next(s_words.Length)]} {word}\"~{random.Next(4)}",
            2 => $"{sign}{field}{word[..3]}*",
            3 => $"{sign}{field}{word[..^1]}~",
            4 when depth < 2 => $"{sign}({Clause(random, depth + 1)} {Clause(random, depth + 1)})",
            _ => $"{sign}{field}{word}",
        };
    }

    private static bool Meets(Constraint? constraint, Dictionary<Field, List<(string Term, int Position)>> chunk)
    {
        return constraint switch
        {
            null => true,
            Constraint.Has has => In(has.Field).Any(field => field.Any(t => t.Term == has.Term)),
            Constraint.Like like => In(like.Pattern.Field).Any(field => field.Any(t => like.Pattern.Matches(t.Term))),
            Constraint.Phrase phrase => In(phrase.Field).Any(field => phrase.Slop is { } slop ? Near(field, phrase, slop) : Exact(field, phrase)),
            Constraint.All all => all.Of.All(c => Meets(c, chunk)),
            Constraint.Any any => any.Of.Any(c => Meets(c, chunk)),
            Constraint.Not not => !Meets(not.Of, chunk),
            _ => throw new ArgumentOutOfRangeException(nameof(constraint)),
        };

        IEnumerable<List<(string Term, int Position)>> In(Field? field) => chunk.Where(pair => field is null || pair.Key == field).Select(pair => pair.Value);

        static bool Exact(List<(string Term, int Position)> field, Constraint.Phrase phrase) =>
            field.Any(start => phrase.Words.All(word => field.Contains((word.Term, start.Position + word.Place - phrase.Words[0].Place))));

        static bool Near(List<(string Term, int Position)> field, Constraint.Phrase phrase, int slop)
        {
            var span = phrase.Words[^1].Place - phrase.Words[0].Place + 1 + slop;
            return field.Any(start => phrase.Words.GroupBy(word => word.Term).All(group =>
                field.Count(t => t.Term == group.Key && t.Position >= start.Position && t.Position < start.Position + span) >= group.Count()));
        }
    }

    private static List<(string Term, int Position)> Terms(string text, int start)
    {
        var terms = new List<(string, int)>();
        var tokens = Analyzer.English.Analyze(text);
        while (tokens.MoveNext())
        {
            terms.Add((tokens.Term.ToString(), start + tokens.Position));
        }

        return terms;
    }
}
