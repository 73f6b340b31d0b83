using System.Runtime.InteropServices;
using RagCluster.Messages;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Vectors;

namespace RagCluster.Retrieval.Segments;

/// <summary>Reads a segment file back into a segment that can be searched, and added to.</summary>
internal static class SegmentFileReader
{
    public static Segment Read(string directory, SegmentFile file, Analyzer analyzer)
    {
        var sections = SectionedFile.Read(directory, file);
        var segment = new Segment(analyzer);
        var documents = Documents(Open(file, sections, Section.Documents), file, analyzer);
        Chunks(file, sections, documents, segment);
        Terms(Open(file, sections, Section.Terms), Open(file, sections, Section.Postings), segment);
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

    private static void Terms(SectionReader terms, SectionReader postings, Segment segment)
    {
        var count = terms.Count();
        var lists = new (string Term, int Count)[count];
        var total = 0L;
        for (var i = 0; i < count; i++)
        {
            var term = terms.Text();
            if (i > 0 && string.CompareOrdinal(lists[i - 1].Term, term) >= 0)
            {
                throw terms.Corrupt("The terms are not in order.");
            }

            lists[i] = (term, terms.Number(segment.ChunkCount));
            total += lists[i].Count;
        }

        terms.ExpectEnd();
        if (total > postings.Length)
        {
            throw terms.Corrupt($"{total} postings are announced, more than the section can hold.");
        }

        var items = new ulong[total];
        var at = 0;
        foreach (var (term, length) in lists)
        {
            var chunk = -1;
            var first = at;
            for (var end = at + length; at < end; at++)
            {
                var head = postings.Number();
                var gap = head >> 1;
                if (gap >= (ulong)(segment.ChunkCount - chunk - 1))
                {
                    throw postings.Corrupt("A posting is of a chunk that does not exist.");
                }

                chunk += (int)gap + 1;
                var frequencies = (head & 1) == 0 ? Frequencies.Of(1, 0, 0) : Frequency(ref postings);
                items[at] = PostingList.Posting(chunk, frequencies);
            }

            segment.AddTerm(new PostingList(term, TermTable.HashOf(term), items, first, length));
        }

        postings.ExpectEnd();
    }

    private static Frequencies Frequency(ref SectionReader reader)
    {
        var body = reader.Number(Frequencies.MostInBody * 2 + 1);
        return (body & 1) == 0 ? Frequencies.Of(body >> 1, 0, 0) : Frequencies.Of(body >> 1, reader.Byte(), reader.Byte());
    }
}
