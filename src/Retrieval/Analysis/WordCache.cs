namespace RagCluster.Retrieval.Analysis;

/// <summary>
/// What an analyzer made of words seen lately, of one thread: texts repeat few words most of the time, and to stem one
/// takes longer than all the rest. Of two words that share a slot the later one stays.
/// </summary>
internal sealed class WordCache
{
    /// <summary>In letters, which are ASCII and take a byte each.</summary>
    public const int LongestWord = 16;

    private const int Slots = 8192;

    /// <summary>By the analyzer's number.</summary>
    [ThreadStatic]
    private static WordCache?[]? t_instances;

    private readonly Entry[] _entries = new Entry[Slots];

    public static WordCache Of(Analyzer analyzer) => (t_instances ??= new WordCache?[Analyzer.Leaves])[analyzer.Number] ??= new WordCache();

    public ref Entry Slot(UInt128 word)
    {
        var hash = ((ulong)word * 0x9E3779B97F4A7C15UL) ^ ((ulong)(word >> 64) * 0xC2B2AE3D27D4EB4FUL);
        return ref _entries[hash >> 51];
    }

    /// <param name="Word">In lower case, the first letter in the lowest byte; never 0 in a slot that is taken.</param>
    /// <param name="Stem">In the same way.</param>
    /// <param name="Length">The stem's; 0 for a stop word.</param>
    public readonly record struct Entry(UInt128 Word, UInt128 Stem, int Length);
}
