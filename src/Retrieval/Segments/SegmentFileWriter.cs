using System.Runtime.InteropServices;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Segments;

/// <summary>Writes a segment as a snapshot saw it, deleted chunks included: which those are stands in the state file.</summary>
internal static class SegmentFileWriter
{
    public const string Extension = "segment";

    public static SegmentFile Write(string directory, SegmentView view)
    {
        var texts = new SectionWriter(Section.Texts);
        var chunks = Chunks(view, texts);
        var (terms, postings) = Terms(view);
        return SectionedFile.Write(directory, Extension, [Documents(view), chunks, texts, terms, postings, Vectors(view)]);
    }

    private static SectionWriter Documents(SegmentView view)
    {
        var writer = new SectionWriter(Section.Documents);
        writer.Text(view.Segment.Analyzer.Id);
        writer.Number(view.DocumentCount);
        foreach (var document in view.Documents.AsSpan(0, view.DocumentCount))
        {
            writer.Text(document.Document.Value);
            writer.Number(document.Version);
            writer.Text(document.Title);
            writer.Text(document.Model);
            writer.Number(document.Metadata.Count);
            foreach (var (key, value) in document.Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                writer.Text(key);
                writer.Text(value);
            }

            writer.Number(document.Count);
        }

        return writer;
    }

    private static SectionWriter Chunks(SegmentView view, SectionWriter texts)
    {
        var writer = new SectionWriter(Section.Chunks);
        writer.Number(view.Count);
        IReadOnlyList<string> before = [];
        for (var i = 0; i < view.Count; i++)
        {
            ref readonly var chunk = ref view.Chunks[i];
            writer.Signed(chunk.Ordinal);
            writer.Signed(chunk.Start);
            writer.Signed(chunk.End);
            writer.Signed(chunk.Page ?? int.MinValue);
            writer.Number(view.Lengths.Body[i]);
            writer.Number(view.Lengths.Title[i]);
            writer.Number(view.Lengths.Headings[i]);
            writer.Signed(texts.Characters(chunk.Text));

            // Neighbours mostly stand under the same headings: 0 means those of the chunk before.
            if (chunk.Headings.SequenceEqual(before))
            {
                writer.Number(0);
                continue;
            }

            before = chunk.Headings;
            writer.Number(before.Count + 1);
            foreach (var heading in before)
            {
                writer.Text(heading);
            }
        }

        return writer;
    }

    private static (SectionWriter Terms, SectionWriter Postings) Terms(SegmentView view)
    {
        var terms = new SectionWriter(Section.Terms);
        var postings = new SectionWriter(Section.Postings);

        // Sorted, so that equal segments are equal files. Terms that came after the snapshot have no postings in it.
        var lists = view.Segment.Terms.All().Where(list => list.Below(view.Count).Length > 0).ToArray();
        Array.Sort(lists, (x, y) => string.CompareOrdinal(x.Term, y.Term));
        terms.Number(lists.Length);
        foreach (var list in lists)
        {
            terms.Text(list.Term);
            var before = -1;
            var items = list.Below(view.Count);
            terms.Number(items.Length);
            foreach (var item in items)
            {
                Posting(postings, PostingList.ChunkOf(item) - before - 1, PostingList.FrequenciesOf(item));
                before = PostingList.ChunkOf(item);
            }
        }

        return (terms, postings);
    }

    /// <summary>The gap to the chunk before, and one bit that says "once, in the body", which most postings are.</summary>
    private static void Posting(SectionWriter writer, int gap, Frequencies frequencies)
    {
        var once = frequencies.Bits == 1;
        writer.Number(((ulong)gap << 1) | (once ? 0UL : 1UL));
        if (!once)
        {
            writer.Number(((ulong)frequencies.Body << 1) | (frequencies.IsBodyOnly ? 0UL : 1UL));
            if (!frequencies.IsBodyOnly)
            {
                writer.Byte((byte)frequencies.Title);
                writer.Byte((byte)frequencies.Headings);
            }
        }
    }

    /// <summary>A byte says that a vector follows, with its dimensions where they differ from those of the one before.</summary>
    private static SectionWriter Vectors(SegmentView view)
    {
        var writer = new SectionWriter(Section.Vectors);
        var dimensions = 0;
        for (var chunk = 0; chunk < view.Count; chunk++)
        {
            var vector = view.Segment.VectorOf(chunk);
            writer.Byte(vector.IsEmpty ? (byte)0 : vector.Length == dimensions ? (byte)1 : (byte)2);
            if (!vector.IsEmpty && vector.Length != dimensions)
            {
                dimensions = vector.Length;
                writer.Number(dimensions);
            }

            writer.Bytes(MemoryMarshal.AsBytes(vector));
        }

        return writer;
    }
}
