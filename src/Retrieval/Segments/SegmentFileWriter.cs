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
        var lexicon = Segment.PackedOf(view);
        return SectionedFile.Write(directory, Extension, [Documents(view), chunks, texts, Bytes(Section.Dictionary, lexicon.Dictionary), Bytes(Section.PackedPostings, lexicon.Postings), Vectors(view)]);
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

    private static SectionWriter Bytes(Section section, ReadOnlySpan<byte> bytes)
    {
        var writer = new SectionWriter(section);
        writer.Bytes(bytes);
        return writer;
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

        // The vectors lie outside the collected heap, and only their segment keeps them there.
        GC.KeepAlive(view.Segment);
        return writer;
    }
}
