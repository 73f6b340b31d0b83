using System.IO.Compression;
using System.Text;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Parsing;

/// <summary>Names what is inside zip and OLE containers, and the formats that are recognised in order to be refused by name.</summary>
internal static class Containers
{
    private static readonly (byte[] Magic, string What)[] Signatures =
    [
        ([0x89, 0x50, 0x4e, 0x47], "a PNG picture"),
        ([0xff, 0xd8, 0xff], "a JPEG picture"),
        ("GIF8"u8.ToArray(), "a GIF picture"),
        ("II*\0"u8.ToArray(), "a TIFF picture"),
        ("MM\0*"u8.ToArray(), "a TIFF picture"),
        ("RIFF"u8.ToArray(), "a sound, film or WebP picture"),
        ("BM\0"u8.ToArray(), "a bitmap picture"),
        ([0x1f, 0x8b], "a gzip archive"),
        ("BZh"u8.ToArray(), "a bzip2 archive"),
        ([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], "an xz archive"),
        ([0x28, 0xb5, 0x2f, 0xfd], "a zstd archive"),
        ("7z\u00bc\u00af"u8.ToArray(), "a 7-zip archive"),
        ("Rar!"u8.ToArray(), "a RAR archive"),
        ([0x7f, 0x45, 0x4c, 0x46], "a program"),
        ("MZ\u0090"u8.ToArray(), "a program"),
        ("SQLite format 3"u8.ToArray(), "an SQLite database"),
        ("ID3"u8.ToArray(), "a sound"),
        ("OggS"u8.ToArray(), "a sound or film"),
        ("{\\rtf"u8.ToArray(), "an RTF document (save it as DOCX)"),
        ("%!PS"u8.ToArray(), "a PostScript document (save it as PDF)"),
    ];

    public static string? Signature(ReadOnlySpan<byte> content)
    {
        foreach (var (magic, what) in Signatures)
        {
            if (content.StartsWith(magic))
            {
                return what;
            }
        }

        return content.Length > 12 && content[4..8].SequenceEqual("ftyp"u8) ? "a film" : null;
    }

    /// <summary>DOCX, or a refusal that names what it is.</summary>
    public static string Zip(ReadOnlySpan<byte> content, string? hint)
    {
        // Entry names stand uncompressed before each entry, so a container that lost its directory is still known.
        if (content.IndexOf("word/document.xml"u8) >= 0 || content.IndexOf("word/"u8) >= 0 && content.IndexOf("[Content_Types].xml"u8) >= 0)
        {
            return MediaTypes.Docx;
        }

        if (hint == MediaTypes.Docx)
        {
            throw new ParseException(FailureCodes.Corrupt, "The document is called a DOCX, but its container holds no Word text (word/document.xml); it is damaged. Send it again from its source.");
        }

        var what = content.IndexOf("xl/workbook.xml"u8) >= 0 ? "an Excel workbook (save its sheets as CSV)"
            : content.IndexOf("ppt/presentation.xml"u8) >= 0 ? "a PowerPoint presentation (save it as PDF)"
            : content.IndexOf("application/epub+zip"u8) >= 0 ? "an EPUB book"
            : content.IndexOf("application/vnd.oasis.opendocument"u8) >= 0 ? "an OpenDocument file (save it as DOCX or PDF)"
            : "a zip archive (unpack it and add the files in it)";
        throw new ParseException(FailureCodes.Unsupported, $"This is {what}, which is not read. Text, Markdown, HTML, PDF, DOCX, CSV, JSON and JSON lines are.");
    }

    public static ParseException Ole(ReadOnlySpan<byte> content) =>
        content.IndexOf(Encoding.Unicode.GetBytes("EncryptedPackage")) >= 0
            ? new ParseException(FailureCodes.Encrypted, "The document is protected with a password. Remove the protection and send it again.")
            : new ParseException(FailureCodes.Unsupported, "This is a document of an old Office version (.doc, .xls, .ppt), which is not read. Save it as DOCX or PDF.");

    /// <summary>Opens a zip container after checking how many entries it has and what they would unpack to.</summary>
    public static ZipArchive Open(ReadOnlyMemory<byte> content, ParserLimits limits)
    {
        var archive = new ZipArchive(new MemoryStream(content.ToArray(), writable: false), ZipArchiveMode.Read);
        try
        {
            if (archive.Entries.Count > limits.ZipEntries)
            {
                throw new ParseException(FailureCodes.TooLarge, $"The container holds {archive.Entries.Count:N0} files; at most {limits.ZipEntries:N0} are read.");
            }

            long total = 0;
            foreach (var entry in archive.Entries)
            {
                total += Math.Max(0, entry.Length);
                if (total > limits.ZipBytes || entry.Length > 1 << 20 && entry.Length / Math.Max(1, entry.CompressedLength) > limits.ZipRatio)
                {
                    throw new ParseException(FailureCodes.TooLarge, $"The container would unpack to an unreasonable size ('{TextCleaner.OneLine(entry.FullName)}' from {entry.CompressedLength:N0} to {entry.Length:N0} bytes). It was not unpacked.");
                }
            }

            return archive;
        }
        catch
        {
            archive.Dispose();
            throw;
        }
    }
}
