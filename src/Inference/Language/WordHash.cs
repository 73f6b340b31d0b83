namespace RagCluster.Inference.Language;

/// <summary>
/// A 64-bit hash of short character runs that is the same on every machine and in every run: FNV-1a (Fowler, Noll, Vo)
/// over UTF-16 code units, then the finaliser of MurmurHash3 (A. Appleby) so that all bits are usable.
/// </summary>
internal static class WordHash
{
    private const ulong Offset = 14695981039346656037;
    private const ulong Prime = 1099511628211;

    /// <param name="kind">Keeps equal runs of different kinds (a word, a character n-gram) apart.</param>
    public static ulong Of(ReadOnlySpan<char> run, char kind)
    {
        var hash = (Offset ^ kind) * Prime;
        foreach (var c in run)
        {
            hash = (hash ^ c) * Prime;
        }

        return Mix(hash);
    }

    /// <summary>The hash of an ordered pair.</summary>
    public static ulong Of(ulong first, ulong second) => Mix((first * 31) + second);

    public static ulong Mix(ulong hash)
    {
        hash ^= hash >> 33;
        hash *= 0xff51afd7ed558ccd;
        hash ^= hash >> 33;
        hash *= 0xc4ceb9fe1a85ec53;
        return hash ^ (hash >> 33);
    }
}
