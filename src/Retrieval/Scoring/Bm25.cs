using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Postings;
using RagCluster.Retrieval.Queries;

namespace RagCluster.Retrieval.Scoring;

/// <summary>
/// BM25F with its constants worked out for one query and one set of global statistics. Every score is a sum in the
/// order of the query's terms, in single precision without fused operations: whichever partition computes it, and
/// however it prunes, the same chunk gets the same bits.
/// </summary>
internal sealed class Bm25
{
    private readonly float _k1;
    private readonly PerField<float> _constant;    // 1 - b
    private readonly PerField<float> _slope;       // b / average length
    private readonly PerField<float> _weight;

    private Bm25(Bm25Options options, TermStatistics global, IReadOnlyList<WeightedTerm> terms)
    {
        _k1 = options.K1;
        _weight = options.Weight;
        _constant = new PerField<float>(1 - options.B.Body, 1 - options.B.Title, 1 - options.B.Headings);
        _slope = new PerField<float>(
            Slope(options.B.Body, global, FieldNames.Body),
            Slope(options.B.Title, global, FieldNames.Title),
            Slope(options.B.Headings, global, FieldNames.Headings));
        Terms = terms;
    }

    /// <summary>The query's terms that occur anywhere, in the query's order.</summary>
    public IReadOnlyList<WeightedTerm> Terms { get; }

    public static Bm25 For(IReadOnlyList<QueryTerm> query, TermStatistics global, Bm25Options options) =>
        For(new Query("", [.. query.Select(term => new QueryClause(term.Term, term.Count, null))], [], null), null, global, options);

    /// <param name="expansion">What is scored in place of the query's own terms; null for those.</param>
    public static Bm25 For(Query query, IReadOnlyList<ExpandedTerm>? expansion, TermStatistics global, Bm25Options options)
    {
        var terms = new List<WeightedTerm>();
        foreach (var (term, weight) in expansion ?? [])
        {
            Add(term, weight, null, null);
        }

        foreach (var (term, count, field) in expansion is null ? query.Terms : [])
        {
            Add(term, count, field, null);
        }

        foreach (var pattern in expansion is null ? query.Patterns : [])
        {
            // As rare as all that it stands for together: a misspelling must not count for more than the word.
            var expanded = Expansions.Of(pattern, global);
            var together = Math.Min(global.Documents, expanded.Sum(term => global.DocumentFrequency[term]));
            foreach (var term in expanded)
            {
                Add(term, pattern.WeightOf(term), pattern.Field, together);
            }
        }

        return new Bm25(options, global, terms);

        void Add(string term, double count, Field? field, long? together)
        {
            if (global.DocumentFrequency.TryGetValue(term, out var frequency) && frequency > 0 && count > 0)
            {
                var counted = together ?? frequency;
                var idf = Math.Log(1 + ((Math.Max(global.Documents, counted) - counted + 0.5) / (counted + 0.5)));
                terms.Add(new WeightedTerm(term, count, frequency, (float)idf, (float)(count * idf * (options.K1 + 1)), field));
            }
        }
    }

    /// <summary>What a term adds to a chunk's score.</summary>
    public float Score(float termWeight, Frequencies frequencies, in Lengths lengths, int chunk)
    {
        var tf = _weight.Body * frequencies.Body / (_constant.Body + (_slope.Body * lengths.Body[chunk]));
        if (!frequencies.IsBodyOnly)
        {
            tf += _weight.Title * frequencies.Title / (_constant.Title + (_slope.Title * lengths.Title[chunk]));
            tf += _weight.Headings * frequencies.Headings / (_constant.Headings + (_slope.Headings * lengths.Headings[chunk]));
        }

        return termWeight * (tf / (_k1 + tf));
    }

    /// <summary>
    /// The scores of a block of postings, the same to the last bit as <see cref="Score"/> gives them one by one.
    /// </summary>
    /// <param name="scores">As many as the block has, up to the next multiple of eight; what is beyond the count means nothing.</param>
    /// <param name="field">Where alone the term counts; null for everywhere.</param>
    public void Score(float termWeight, PostingBlock block, in Lengths lengths, Field? field, Span<float> scores)
    {
        if (!Avx2.IsSupported || field is not null)
        {
            for (var i = 0; i < block.Count; i++)
            {
                scores[i] = Score(termWeight, block.FrequenciesAt(i).In(field), lengths, block.ChunkAt(i));
            }

            return;
        }

        // Chunks rise, and those behind the last one are 0: what is read below lies within the array.
        if (block.Count > 0 && block.ChunkAt(block.Count - 1) >= lengths.Body.Length)
        {
            throw new InvalidOperationException("A posting is of a chunk that its snapshot does not have.");
        }

        var (weight, constant, slope) = (Vector256.Create(_weight.Body), Vector256.Create(_constant.Body), Vector256.Create(_slope.Body));
        var (k1, total) = (Vector256.Create(_k1), Vector256.Create(termWeight));
        ref var chunks = ref MemoryMarshal.GetReference(MemoryMarshal.Cast<uint, int>(block.Chunks));
        ref var bodies = ref MemoryMarshal.GetReference(MemoryMarshal.Cast<uint, int>(block.Bodies));
        ref var target = ref MemoryMarshal.GetReference(scores);
        unsafe
        {
            fixed (int* bodyLengths = lengths.Body)
            {
                for (var i = 0; i < block.Count; i += 8)
                {
                    var length = Vector256.ConvertToSingle(Avx2.GatherVector256(bodyLengths, Vector256.LoadUnsafe(ref chunks, (nuint)i), sizeof(int)));
                    var tf = weight * Vector256.ConvertToSingle(Vector256.LoadUnsafe(ref bodies, (nuint)i)) / (constant + (slope * length));
                    (total * (tf / (k1 + tf))).StoreUnsafe(ref target, (nuint)i);
                }
            }
        }

        for (var i = 0; block.HasHeads && i < block.Count; i++)
        {
            if (block.Heads[i] != 0)
            {
                scores[i] = Score(termWeight, block.FrequenciesAt(i), lengths, block.ChunkAt(i));
            }
        }
    }

    /// <summary>
    /// At least the score of every posting that the impact is of. Rounding may lift a score above its bound by a few
    /// units in the last place, which <see cref="LexicalSearch"/> allows for.
    /// </summary>
    public float Bound(float termWeight, in Impact impact)
    {
        var (often, shortest) = (impact.MostOften, impact.Shortest);
        var tf = Part(_weight.Body, often.Body, _constant.Body, _slope.Body, shortest.Body)
            + Part(_weight.Title, often.Title, _constant.Title, _slope.Title, shortest.Title)
            + Part(_weight.Headings, often.Headings, _constant.Headings, _slope.Headings, shortest.Headings);

        // An infinite frequency (b is 1 and a field is empty) is bounded all the same.
        return float.IsFinite(tf) ? termWeight * (tf / (_k1 + tf)) : termWeight;

        static float Part(float weight, int frequency, float constant, float slope, int length) =>
            frequency == 0 ? 0 : weight * frequency / (constant + (slope * length));
    }

    /// <summary>The part of the term frequency that a field gives, after weight and length: for explanations.</summary>
    public PerField<float> TermFrequency(Frequencies frequencies, in Lengths lengths, int chunk) => new(
        _weight.Body * frequencies.Body / (_constant.Body + (_slope.Body * lengths.Body[chunk])),
        frequencies.Title == 0 ? 0 : _weight.Title * frequencies.Title / (_constant.Title + (_slope.Title * lengths.Title[chunk])),
        frequencies.Headings == 0 ? 0 : _weight.Headings * frequencies.Headings / (_constant.Headings + (_slope.Headings * lengths.Headings[chunk])));

    private static float Slope(float b, TermStatistics global, string field) =>
        global.Documents > 0 && global.TotalLength.TryGetValue(field, out var total) && total > 0 ? (float)(b * global.Documents / (double)total) : 0;
}

/// <param name="Count">How much the query asks for it.</param>
/// <param name="Weight">Count times idf times (k1 + 1): the score approaches it as the frequency grows.</param>
/// <param name="Field">Where alone it counts; null for everywhere.</param>
internal readonly record struct WeightedTerm(string Term, double Count, long DocumentFrequency, float Idf, float Weight, Field? Field);

/// <summary>The lengths of fields in terms, by chunk number.</summary>
internal readonly record struct Lengths(int[] Body, int[] Title, int[] Headings);
