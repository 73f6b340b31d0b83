using System.Buffers.Binary;

namespace RagCluster.Retrieval.Segments;

/// <summary>The parts of index files. The numbers are a frozen format: add, never change.</summary>
internal enum Section : uint
{
    Header = 0,
    Documents = 1,
    Chunks = 2,
    Texts = 3,

    /// <summary>Of format 1, as was 5.</summary>
    Terms = 4,
    Postings = 5,
    Vectors = 6,
    State = 7,
    Dictionary = 8,
    PackedPostings = 9,

    /// <summary>A graph of vectors: its upper levels.</summary>
    Graph = 20,

    /// <summary>The links of its lowest level, 32 bits each.</summary>
    GraphLinks = 21,

    /// <summary>What an index of vectors alone is like, and what was removed from it.</summary>
    VectorIndex = 22,

    /// <summary>Its vectors, row by row, as they are in memory: it can be mapped.</summary>
    VectorValues = 23,

    /// <summary>Which segments a graph is over, and which of its nodes are theirs.</summary>
    GraphPlaces = 24,
}

/// <summary>
/// The container of all index files: a header that lists the sections with their lengths and checksums, and ends in a
/// checksum of its own; then the sections. The header's checksum, kept in the manifest, therefore vouches for
/// every byte of the file.
/// </summary>
/// <remarks>
/// Header: "RCINDEX1", section count (4 bytes), then for each section: kind (4), checksum (4), length (8); then the
/// header's checksum (4). All little-endian.
/// </remarks>
internal static class SectionedFile
{
    private const int FixedHeader = 12;
    private const int Entry = 16;
    private const int MaxSections = 64;

    private static ReadOnlySpan<byte> Magic => "RCINDEX1"u8;

    /// <summary>Writes the sections so that either the whole file is there under its name, on the disk, or none of it.</summary>
    public static SegmentFile Write(string directory, string extension, IReadOnlyList<SectionWriter> sections)
    {
        var header = new byte[FixedHeader + (sections.Count * Entry) + 4];
        Magic.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(8), sections.Count);
        long length = header.Length;
        for (var i = 0; i < sections.Count; i++)
        {
            var entry = header.AsSpan(FixedHeader + (i * Entry), Entry);
            BinaryPrimitives.WriteUInt32LittleEndian(entry, (uint)sections[i].Section);
            BinaryPrimitives.WriteUInt32LittleEndian(entry[4..], Crc32C.Of(sections[i].Written));
            BinaryPrimitives.WriteInt64LittleEndian(entry[8..], sections[i].Length);
            length += sections[i].Length;
        }

        var checksum = Crc32C.Of(header.AsSpan(0, header.Length - 4));
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(header.Length - 4), checksum);
        var file = new SegmentFile($"{checksum:x8}-{length:x}.{extension}", length, checksum);
        DurableFile.Write(Path.Combine(directory, file.Name), stream =>
        {
            stream.Write(header);
            foreach (var section in sections)
            {
                stream.Write(section.Written);
            }
        });
        return file;
    }

    /// <exception cref="SegmentCorruptException">The manifest's name leads out of the folder.</exception>
    public static string PathOf(string directory, SegmentFile file) =>
        Path.GetFileName(file.Name) == file.Name && file.Name.Length > 0
            ? Path.Combine(directory, file.Name)
            : throw new SegmentCorruptException(file.Name, "file", "The manifest names something that is not a plain file name.");

    /// <summary>Reads every section, having compared all lengths and checksums.</summary>
    /// <exception cref="SegmentCorruptException">The file is not, byte for byte, the one that was written.</exception>
    public static Dictionary<Section, byte[]> Read(string directory, SegmentFile file)
    {
        try
        {
            using var stream = new FileStream(PathOf(directory, file), FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            if (stream.Length != file.Length)
            {
                throw new SegmentCorruptException(file.Name, "file", $"It has {stream.Length} bytes instead of {file.Length}.");
            }

            return ReadSections(stream, file);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SegmentCorruptException(file.Name, "file", "It is missing.", e);
        }
        catch (EndOfStreamException e)
        {
            throw new SegmentCorruptException(file.Name, "file", "It ends too early.", e);
        }
    }

    /// <summary>Where each section of a file is, having compared all lengths and checksums of the file's bytes.</summary>
    /// <exception cref="SegmentCorruptException">The bytes are not those that were written.</exception>
    public static Dictionary<Section, (nint Start, int Length)> Locate(SegmentFile expected, ReadOnlySpan<byte> file)
    {
        var name = expected.Name;
        var count = file.Length >= FixedHeader ? BinaryPrimitives.ReadInt32LittleEndian(file[8..]) : -1;
        var at = FixedHeader + (count * Entry) + 4;
        if (count is < 0 or > MaxSections || file.Length < at || !file[..8].SequenceEqual(Magic))
        {
            throw new SegmentCorruptException(name, "header", "It does not begin as an index file does.");
        }

        var checksum = Crc32C.Of(file[..(at - 4)]);
        if (file.Length != expected.Length || checksum != expected.Checksum || checksum != BinaryPrimitives.ReadUInt32LittleEndian(file[(at - 4)..]))
        {
            throw new SegmentCorruptException(name, "header", "Its checksum or length is wrong.");
        }

        var sections = new Dictionary<Section, (nint, int)>();
        for (var i = 0; i < count; i++)
        {
            var entry = file.Slice(FixedHeader + (i * Entry), Entry);
            var section = (Section)BinaryPrimitives.ReadUInt32LittleEndian(entry);
            var length = BinaryPrimitives.ReadInt64LittleEndian(entry[8..]);
            if (length < 0 || length > file.Length - at || !sections.TryAdd(section, (at, (int)length)))
            {
                throw new SegmentCorruptException(name, "header", "Its table of sections makes no sense.");
            }

            if (Crc32C.Of(file.Slice(at, (int)length)) != BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]))
            {
                throw new SegmentCorruptException(name, section.ToString(), "Its checksum is wrong.");
            }

            at += (int)length;
        }

        return at == file.Length ? sections : throw new SegmentCorruptException(name, "file", "There are bytes behind the last section.");
    }

    private static Dictionary<Section, byte[]> ReadSections(FileStream stream, SegmentFile file)
    {
        var begin = new byte[FixedHeader];
        stream.ReadExactly(begin);
        var count = BinaryPrimitives.ReadInt32LittleEndian(begin.AsSpan(8));
        if (!begin.AsSpan(0, 8).SequenceEqual(Magic) || count is < 0 or > MaxSections)
        {
            throw new SegmentCorruptException(file.Name, "header", "It does not begin as an index file does.");
        }

        var header = new byte[FixedHeader + (count * Entry) + 4];
        begin.CopyTo(header, 0);
        stream.ReadExactly(header.AsSpan(FixedHeader));
        var checksum = Crc32C.Of(header.AsSpan(0, header.Length - 4));
        if (checksum != BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(header.Length - 4)) || checksum != file.Checksum)
        {
            throw new SegmentCorruptException(file.Name, "header", "Its checksum is wrong.");
        }

        var sections = new Dictionary<Section, byte[]>();
        for (var i = 0; i < count; i++)
        {
            var entry = header.AsSpan(FixedHeader + (i * Entry), Entry);
            var section = (Section)BinaryPrimitives.ReadUInt32LittleEndian(entry);
            var length = BinaryPrimitives.ReadInt64LittleEndian(entry[8..]);
            if (length < 0 || length > Math.Min(stream.Length - stream.Position, Array.MaxLength) || sections.ContainsKey(section))
            {
                throw new SegmentCorruptException(file.Name, "header", "Its table of sections makes no sense.");
            }

            var bytes = GC.AllocateUninitializedArray<byte>((int)length);
            stream.ReadExactly(bytes);
            if (Crc32C.Of(bytes) != BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]))
            {
                throw new SegmentCorruptException(file.Name, section.ToString(), "Its checksum is wrong.");
            }

            sections.Add(section, bytes);
        }

        return stream.Position == stream.Length
            ? sections
            : throw new SegmentCorruptException(file.Name, "file", "There are bytes behind the last section.");
    }
}
