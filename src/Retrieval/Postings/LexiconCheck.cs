using RagCluster.Retrieval.Scoring;

namespace RagCluster.Retrieval.Postings;

/// <summary>
/// Looks at every byte of a lexicon that comes from a file, once, so that searching it cannot leave the data, and cannot
/// be led past a hit by a bound that is too low. Checksums have been compared already.
/// </summary>
internal static class LexiconCheck
{
    /// <exception cref="InvalidDataException">Something is not what a <see cref="LexiconWriter"/> makes.</exception>
    public static void Run(PackedLexicon lexicon, Lengths lengths)
    {
        if (lexicon.Postings[^BitPacking.Overrun..].ContainsAnyExcept((byte)0))
        {
            throw new InvalidDataException("What follows the postings is not empty.");
        }

        var block = new PostingBlock();
        try
        {
            for (var walk = lexicon.All(); walk.MoveNext();)
            {
                if (TermBytes.Decode(walk.Term) is null || walk.Count > lexicon.ChunkCount)
                {
                    throw new InvalidDataException("A term is no text, or has more postings than there are chunks.");
                }

                lexicon.PostingsAt(walk, lexicon.ChunkCount).Check(lengths, block);
            }
        }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentOutOfRangeException or OverflowException)
        {
            // Every access is checked; one that fails here would have failed a search.
            throw new InvalidDataException("A term's data leads outside the segment's.", e);
        }
    }
}
