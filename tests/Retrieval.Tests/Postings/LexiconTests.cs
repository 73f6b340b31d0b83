using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Postings;
using RagCluster.Retrieval.Scoring;

namespace RagCluster.Retrieval.Tests.Postings;

/// <summary>Terms are kept in three ways: as they grow, packed, and packed and merged. They must say the same.</summary>
public class LexiconTests
{
    private static readonly string[] s_words = ["premium", "the", "loan", "café", "保険", "LF-2041-B", "$1,250.50", "non-smoker", "U.S.A", "rider"];

    [Fact]
    public void Packed_terms_have_the_postings_and_positions_of_those_that_grew()
    {
        var (growing, lengths, terms) = Grown(seed: 1, chunks: 1000);
        var packed = growing.Pack(1000, lengths);
        LexiconCheck.Run(packed, lengths);
        packed.TermCount.ShouldBe(growing.TermCount);
        foreach (var limit in new[] { 1000, 999, 500, 129, 1 })
        {
            foreach (var term in terms)
            {
                Describe(packed.Find(term, limit)).ShouldBe(Describe(growing.Find(term, limit)), term);
            }
        }

        packed.Find("nowhere", 1000).ShouldBeNull();
        packed.TermsWith("w1").ShouldBe(growing.TermsWith("w1").Order(StringComparer.Ordinal));
        packed.TermsWith("").Count().ShouldBe(packed.TermCount);
    }

    [Fact]
    public void Merged_terms_are_those_that_growing_together_would_have_given()
    {
        var (first, firstLengths, terms) = Grown(seed: 2, chunks: 700);
        var (second, secondLengths, _) = Grown(seed: 3, chunks: 500);
        var random = new Random(4);
        var next = 0;
        int[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(4) == 0 ? -1 : next++)];
        var (firstNumbers, secondNumbers) = (Numbers(700), Numbers(500));
        var lengths = new Lengths(new int[next], new int[next], new int[next]);
        foreach (var (numbers, from) in new[] { (firstNumbers, firstLengths), (secondNumbers, secondLengths) })
        {
            foreach (var (number, chunk) in numbers.Select((n, i) => (n, i)).Where(pair => pair.n >= 0))
            {
                (lengths.Body[number], lengths.Title[number], lengths.Headings[number]) = (from.Body[chunk], from.Title[chunk], from.Headings[chunk]);
            }
        }

        var merged = LexiconMerger.Merge([(first.Pack(700, firstLengths), firstNumbers), (second.Pack(500, secondLengths), secondNumbers)], next, lengths);
        LexiconCheck.Run(merged, lengths);
        foreach (var term in terms)
        {
            var expected = Renumbered(first.Find(term, 700), firstNumbers).Concat(Renumbered(second.Find(term, 500), secondNumbers)).ToList();
            Describe(merged.Find(term, next)).ShouldBe(expected, term);
        }

        static IEnumerable<string> Renumbered(TermPostings? postings, int[] numbers) => Describe(postings)
            .Select(line => line.Split(' ', 2))
            .Select(parts => (Number: numbers[int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture)], Tail: parts[1]))
            .Where(entry => entry.Number >= 0)
            .Select(entry => $"{entry.Number} {entry.Tail}");
    }

    [Fact]
    public void Terms_of_any_characters_come_back_in_the_order_of_strings()
    {
        string[] terms = ["", "a", "a\0", "\u0001key\0value", "\uD83D", "\uD83D\uDE00", "\uFFFF", "é", "z", new('x', 300), new string('x', 300) + "y"];
        var encoded = terms.Select(term =>
        {
            var bytes = new byte[TermBytes.MostFor(term.Length)];
            return bytes[..TermBytes.Encode(term, bytes)];
        }).ToArray();
        encoded.Select(bytes => TermBytes.Decode(bytes)).ShouldBe(terms);
        foreach (var (x, xBytes) in terms.Zip(encoded))
        {
            foreach (var (y, yBytes) in terms.Zip(encoded))
            {
                Math.Sign(xBytes.AsSpan().SequenceCompareTo(yBytes)).ShouldBe(Math.Sign(string.CompareOrdinal(x, y)));
            }
        }

        TermBytes.Decode([0xC0, 0x80]).ShouldBeNull();
        TermBytes.Decode([0xE0]).ShouldBeNull();
    }

    private static (GrowingLexicon Lexicon, Lengths Lengths, string[] Terms) Grown(int seed, int chunks)
    {
        var random = new Random(seed);
        var lexicon = new GrowingLexicon(Analyzer.English);
        var lengths = new Lengths(new int[chunks], new int[chunks], new int[chunks]);
        string Words(int most) => string.Join(' ', Enumerable.Range(0, random.Next(most)).Select(_ =>
            random.Next(8) == 0 ? s_words[random.Next(s_words.Length)] : $"w{(int)(300 * Math.Pow(random.NextDouble(), 3))}x"));
        for (var chunk = 0; chunk < chunks; chunk++)
        {
            var text = chunk == 17 ? string.Concat(Enumerable.Repeat("premium ", 3000)) : Words(60);
            var title = chunk == 18 ? string.Concat(Enumerable.Repeat("premium ", 100)) : Words(6);
            var metadata = new Dictionary<string, string> { ["even"] = (chunk % 2 == 0).ToString() };
            var length = lexicon.Add(chunk, text, title, [Words(4), Words(4)], metadata);
            (lengths.Body[chunk], lengths.Title[chunk], lengths.Headings[chunk]) = (length.Body, length.Title, length.Headings);
        }

        return (lexicon, lengths, [.. lexicon.TermsWith("")]);
    }

    private static List<string> Describe(TermPostings? postings)
    {
        var found = new List<string>();
        if (postings is null)
        {
            return found;
        }

        var block = new PostingBlock();
        var positions = postings.Positions();
        for (var number = 0; number < postings.BlockCount; number++)
        {
            postings.Load(number, block);
            for (var i = 0; i < block.Count; i++)
            {
                var (chunk, frequencies) = (block.ChunkAt(i), block.FrequenciesAt(i));
                postings.At(chunk).ShouldBe(frequencies);
                (positions.MoveTo(chunk) || frequencies.Bits == 0).ShouldBeTrue();
                positions.In(Field.Body).Length.ShouldBe(frequencies.Body);
                found.Add($"{chunk} {frequencies.Body} {frequencies.Title} {frequencies.Headings} [{string.Join(',', positions.In(Field.Body).ToArray())}] [{string.Join(',', positions.In(Field.Title).ToArray())}] [{string.Join(',', positions.In(Field.Headings).ToArray())}]");
            }
        }

        found.Count.ShouldBe(postings.Count);
        return found;
    }
}
