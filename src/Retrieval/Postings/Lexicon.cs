namespace RagCluster.Retrieval.Postings;

/// <summary>The terms of a segment with their postings. Any number of threads may read.</summary>
internal abstract class Lexicon
{
    public abstract int TermCount { get; }

    /// <summary>What it takes in memory, roughly.</summary>
    public abstract long Bytes { get; }

    /// <summary>The term's postings in chunks below <paramref name="limit"/>; null where there are none.</summary>
    public abstract TermPostings? Find(ReadOnlySpan<char> term, int limit);

    /// <summary>
    /// The terms that begin with <paramref name="prefix"/>, in no particular order; perhaps some whose chunks all came
    /// later than a snapshot.
    /// </summary>
    public abstract IEnumerable<string> TermsWith(string prefix);
}
