using System.Runtime.InteropServices;
using RagCluster.Messages;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Postings;
using RagCluster.Retrieval.Vectors;

namespace RagCluster.Retrieval.Segments;

/// <summary>Reads a segment file back into a segment that can be searched.</summary>
internal static class SegmentFileReader
{
    public static Segment Read(string directory, SegmentFile file, Analyzer analyzer)
    {
        var sections = SectionedFile.Read(directory, file);
        var segment = new Segment(analyzer);
        var documents = Documents(Open(file, sections, Section.Documents), file, analyzer);
        Chunks(file, sections, documents, segment);
        segment.Seal(Lexicon(file, sections, segment));
        return segment;
    }

    public static SectionReader Open(SegmentFile file, Dictionary<Section, byte[]> sections, Section section) =>
        new(file.Name, section, Payload(file, sections, section));

    private static byte[] Payload(SegmentFile file, Dictionary<Section, byte[]> sections, Section section) =>
        sections.TryGetValue(section, out var bytes) ? bytes : throw new SegmentCorruptException(file.Name, section.ToString(), "The section is missing.");

    private static List<StoredDocument> Documents(SectionReader reader, SegmentFile file, Analyzer analyzer)
    {
        var id = reader.Text();
        if (id != analyzer.Id)
        {
            throw new SegmentCorruptException(file.Name, nameof(Section.Documents), $"Its terms were made by the analyzer \"{id}\"; this index uses \"{analyzer.Id}\".");
        }

        var count = reader.Count();
        var documents = new List<StoredDocument>(count);
        var first = 0;
        for (var i = 0; i < count; i++)
        {
            var name = reader.Text();
            if (name.Length is 0 or > 256)
            {
                throw reader.Corrupt("A document's id is empty or too long.");
            }

            var version = reader.Number(int.MaxValue);
            var title = reader.Text();
            var model = reader.Text();
            var metadata = new Dictionary<string, string>(StringComparer.Ordinal);
            for (var m = reader.Count(); m > 0; m--)
            {
                metadata[reader.Text()] = reader.Text();
            }

            var chunks = reader.Number(int.MaxValue - first);
            documents.Add(new StoredDocument(DocumentId.Of(name), version, title, metadata, model, first, chunks));
            first += chunks;
        }

        reader.ExpectEnd();
        return documents;
    }

    private static void Chunks(SegmentFile file, Dictionary<Section, byte[]> sections, List<StoredDocument> documents, Segment segment)
    {
        var reader = Open(file, sections, Section.Chunks);
        var vectors = Open(file, sections, Section.Vectors);
        var texts = Payload(file, sections, Section.Texts);
        var dimensions = 0;
        var count = reader.Count();
        if (count != documents.Sum(document => (long)document.Count))
        {
            throw reader.Corrupt($"There are {count} chunks, which is not what the documents have.");
        }

        var textStart = 0;
        IReadOnlyList<string> headings = [];
        foreach (var document in documents)
        {
            for (var i = 0; i < document.Count; i++)
            {
                var ordinal = reader.Signed();
                var start = reader.Signed();
                var end = reader.Signed();
                var page = reader.Signed();
                var body = reader.Number(int.MaxValue);
                var title = reader.Number(int.MaxValue);
                var heading = reader.Number(int.MaxValue);
                var textLength = reader.Signed();
                if (textLength == int.MinValue || Math.Abs(textLength) > texts.Length - textStart || (textLength < 0 && textLength % 2 != 0))
                {
                    throw reader.Corrupt("A chunk's text lies outside the texts.");
                }

                headings = Headings(ref reader, headings);
                segment.AddStored(
                    new StoredChunk(document, ordinal, start, end, page == int.MinValue ? null : page, headings, texts, textStart, textLength),
                    body,
                    title,
                    heading,
                    Vector(ref vectors, ref dimensions));
                textStart += Math.Abs(textLength);
            }

            segment.AddDocument(document);
        }

        reader.ExpectEnd();
        vectors.ExpectEnd();
    }

    private static IReadOnlyList<string> Headings(ref SectionReader reader, IReadOnlyList<string> before)
    {
        var count = reader.Count();
        if (count == 0)
        {
            return before;
        }

        var headings = new string[count - 1];
        for (var i = 0; i < headings.Length; i++)
        {
            headings[i] = reader.Text();
        }

        return headings;
    }

    private static ReadOnlySpan<Half> Vector(ref SectionReader reader, ref int dimensions)
    {
        switch (reader.Byte())
        {
            case 0:
                return [];
            case 1 when dimensions > 0:
                break;
            case 2:
                dimensions = reader.Number(VectorMath.MaxDimensions);
                break;
            default:
                throw reader.Corrupt("A vector begins with an unknown mark.");
        }

        var values = MemoryMarshal.Cast<byte, Half>(reader.Take(dimensions * 2));
        foreach (var value in values)
        {
            if (!Half.IsFinite(value))
            {
                throw reader.Corrupt("A vector has a component that is not a number.");
            }
        }

        return values;
    }

    private static PackedLexicon Lexicon(SegmentFile file, Dictionary<Section, byte[]> sections, Segment segment)
    {
        try
        {
            var lexicon = PackedLexicon.Open(Payload(file, sections, Section.Dictionary), Payload(file, sections, Section.PackedPostings), segment.ChunkCount);
            LexiconCheck.Run(lexicon, segment.Lengths);
            return lexicon;
        }
        catch (InvalidDataException e)
        {
            throw new SegmentCorruptException(file.Name, nameof(Section.PackedPostings), e.Message, e);
        }
    }
}
