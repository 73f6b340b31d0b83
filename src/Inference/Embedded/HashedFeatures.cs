using RagCluster.Inference.Language;
using RagCluster.Messages.Text;

namespace RagCluster.Inference.Embedded;

/// <summary>How much each kind of feature counts. A change of any of these makes another model: give it another id.</summary>
internal sealed record FeatureWeights
{
    /// <summary>Words themselves count little: word search finds them better. What pays beside it is what it does not see.</summary>
    public float Stem { get; init; } = 0.4f;

    public float Meaning { get; init; } = 0.5f;

    /// <summary>All character n-grams of a word together.</summary>
    public float Grams { get; init; } = 0.5f;

    public int GramLength { get; init; } = 4;

    /// <summary>Two content words that follow each other.</summary>
    public float Pair { get; init; } = 0.5f;

    /// <summary>Into how many dimensions a feature is hashed.</summary>
    public int Spread { get; init; } = 2;

    /// <summary>Chooses where features are hashed to: measured gains must not depend on it.</summary>
    public ulong Seed { get; init; }

    /// <summary>The term frequency at which half of its possible weight is reached.</summary>
    public float Saturation { get; init; } = 1.2f;
}

/// <summary>
/// A text as a sparse bag of features (stems, what they mean, character n-grams, word pairs), hashed with signs into a
/// fixed number of dimensions (K. Weinberger et al., "Feature hashing for large scale multitask learning", ICML 2009)
/// and normalised to length 1. Only additions, multiplications, divisions and square roots in a fixed order are used, so
/// that the result is the same to the last bit on every machine. Inner products estimate those of the sparse bags.
/// </summary>
internal sealed class HashedFeatures(int dimensions, FeatureWeights weights)
{
    [ThreadStatic]
    private static FeatureBag? t_bag;

    public int Dimensions { get; } = dimensions;

    /// <summary>Writes the vector of <paramref name="text"/> to <paramref name="vector"/>; all zeros if it has no word.</summary>
    public void Embed(ReadOnlySpan<char> text, Span<float> vector)
    {
        Accumulate(text, vector);
        Normalise(vector);
    }

    internal void Accumulate(ReadOnlySpan<char> text, Span<float> vector)
    {
        var bag = t_bag ??= new FeatureBag();
        bag.Clear();
        Collect(text, bag);
        vector.Clear();
        foreach (ref readonly var feature in bag.Features)
        {
            var count = (float)feature.Count;
            var value = feature.Weight * count * (weights.Saturation + 1) / (count + weights.Saturation);
            Add(vector, feature.Key, value);
            if (feature.Length > 0)
            {
                AddGrams(vector, bag.WordOf(feature), value / weights.Stem * weights.Grams);
            }
        }
    }

    private void Collect(ReadOnlySpan<char> text, FeatureBag bag)
    {
        var words = new WordReader(text, stackalloc char[WordReader.MaxWordLength]);
        Span<char> stem = stackalloc char[WordReader.MaxWordLength];
        ulong previous = 0;
        var previousWeight = 0f;
        while (words.MoveNext() && !bag.IsFull)
        {
            var weight = WordTable.Weight(words.Word);
            if (WordTable.IsFunctionWeight(weight))
            {
                continue;
            }

            words.Word.CopyTo(stem);
            var key = WordTable.StemHash(stem[..PorterStemmer.Stem(stem[..words.Word.Length])]);
            bag.Add(key, weight * weights.Stem, words.Word);
            var meaning = WordTable.Meaning(key);
            if (meaning != 0)
            {
                bag.Add(meaning, weight * weights.Meaning, default);
            }

            if (previous != 0)
            {
                bag.Add(WordHash.Of(previous, key), MathF.Min(weight, previousWeight) * weights.Pair, default);
            }

            previous = key;
            previousWeight = weight;
        }
    }

    /// <summary>Shares the weight of a word among its n-grams, its beginning and end marked, so that a typo costs only a few of them.</summary>
    private void AddGrams(Span<float> vector, ReadOnlySpan<char> word, float weight)
    {
        Span<char> marked = stackalloc char[WordReader.MaxWordLength + 2];
        marked[0] = '<';
        word.CopyTo(marked[1..]);
        marked[word.Length + 1] = '>';
        marked = marked[..(word.Length + 2)];
        var count = marked.Length - weights.GramLength + 1;
        if (count <= 0)
        {
            return;
        }

        var value = weight / MathF.Sqrt(count);
        for (var i = 0; i < count; i++)
        {
            Add(vector, WordHash.Of(marked.Slice(i, weights.GramLength), 'g'), value);
        }
    }

    private void Add(Span<float> vector, ulong key, float value)
    {
        key = weights.Seed == 0 ? key : WordHash.Mix(key ^ weights.Seed);
        for (var i = 0; i < weights.Spread; i++)
        {
            var index = (int)(((key >> 32) * (ulong)vector.Length) >> 32);
            vector[index] += (key & 1) == 0 ? value : -value;
            key = WordHash.Mix(key + 0x9e3779b97f4a7c15);
        }
    }

    private static void Normalise(Span<float> vector)
    {
        var sum = 0d;
        foreach (var value in vector)
        {
            sum += (double)value * value;
        }

        if (sum > 0)
        {
            var scale = (float)(1 / Math.Sqrt(sum));
            foreach (ref var value in vector)
            {
                value *= scale;
            }
        }
    }
}
