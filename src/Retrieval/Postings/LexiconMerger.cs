using RagCluster.Retrieval.Scoring;

namespace RagCluster.Retrieval.Postings;

/// <summary>Makes one lexicon of several, for a segment that takes over chunks of several others. Nothing is analysed again.</summary>
internal static class LexiconMerger
{
    /// <param name="sources">Each with the new numbers of its chunks: rising with the old ones, -1 for those that are not taken, and all beyond those of the sources before.</param>
    /// <param name="lengths">Of the target's chunks.</param>
    public static PackedLexicon Merge(IReadOnlyList<(PackedLexicon Lexicon, int[] Numbers)> sources, int chunkCount, Lengths lengths)
    {
        var writer = new LexiconWriter(lengths);
        var block = new PostingBlock();
        var walks = sources.Select(source => source.Lexicon.All()).ToArray();
        var alive = Array.ConvertAll(walks, walk => walk.MoveNext());
        var same = new bool[walks.Length];
        while (true)
        {
            var least = -1;
            for (var i = 0; i < walks.Length; i++)
            {
                least = alive[i] && (least < 0 || walks[i].Term.SequenceCompareTo(walks[least].Term) < 0) ? i : least;
            }

            if (least < 0)
            {
                return writer.Finish(chunkCount);
            }

            writer.Begin(walks[least].Term);
            for (var i = 0; i < walks.Length; i++)
            {
                same[i] = alive[i] && walks[i].Term.SequenceEqual(walks[least].Term);
                if (same[i])
                {
                    sources[i].Lexicon.PostingsAt(walks[i], sources[i].Lexicon.ChunkCount).CopyTo(writer, sources[i].Numbers, block);
                }
            }

            for (var i = 0; i < walks.Length; i++)
            {
                alive[i] = same[i] ? walks[i].MoveNext() : alive[i];
            }

            writer.End();
        }
    }
}
