using System.Text;
using System.Text.Unicode;

namespace RagCluster.Ingestion.Parsing;

/// <summary>
/// Finds a text's encoding: byte order mark (UTF-8, UTF-16, UTF-32), UTF-16 by its zero bytes, UTF-8 where the bytes
/// are valid UTF-8, else the encoding that the format declares (HTML), else Windows-1252, in which every byte is text.
/// </summary>
internal static class TextDecoder
{
    private const int Sample = 64 << 10;

    /// <param name="declared">A label such as "iso-8859-2"; unknown labels are ignored.</param>
    public static string Decode(ReadOnlySpan<byte> bytes, string? declared = null)
    {
        var (encoding, skip) = Detect(bytes, declared);
        return TextCleaner.Clean(encoding.GetString(bytes[skip..]));
    }

    /// <summary>Whether these bytes are something else than text: control characters where text has none.</summary>
    public static bool LooksBinary(ReadOnlySpan<byte> bytes)
    {
        var head = bytes[..Math.Min(bytes.Length, Sample)];
        if (Detect(head, null) is { Encoding: UnicodeEncoding or UTF32Encoding })
        {
            return false;
        }

        var controls = 0;
        foreach (var b in head)
        {
            if (b < 32 && b is not (9 or 10 or 12 or 13 or 27))
            {
                controls++;
            }
        }

        // Random bytes hold 10 % of them; a text file with some stray NULs stays below 4 %.
        return controls > 3 && controls > head.Length / 25;
    }

    private static (Encoding Encoding, int Skip) Detect(ReadOnlySpan<byte> bytes, string? declared)
    {
        switch (bytes)
        {
            case [0xef, 0xbb, 0xbf, ..]:
                return (Encoding.UTF8, 3);
            case [0xff, 0xfe, 0, 0, ..]:
                return (Encoding.UTF32, 4);
            case [0xff, 0xfe, ..]:
                return (Encoding.Unicode, 2);
            case [0xfe, 0xff, ..]:
                return (Encoding.BigEndianUnicode, 2);
        }

        if (WithoutMark(bytes) is { } utf16)
        {
            return (utf16, 0);
        }

        if (IsUtf8(bytes))
        {
            return (Encoding.UTF8, 0);
        }

        return (Named(declared) ?? Windows1252, 0);
    }

    private static Encoding Windows1252 { get; } = CodePagesEncodingProvider.Instance.GetEncoding(1252)!;

    // A file may be cut in the middle of a character; that does not make it Windows-1252.
    private static bool IsUtf8(ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes))
        {
            return true;
        }

        for (var cut = 1; cut <= 3 && cut < bytes.Length; cut++)
        {
            if (bytes[^cut] >= 0xc0)
            {
                return Utf8.IsValid(bytes[..^cut]) && bytes[..^cut].IndexOfAnyExceptInRange((byte)0, (byte)0x7f) >= 0;
            }
        }

        return false;
    }

    private static Encoding? WithoutMark(ReadOnlySpan<byte> bytes)
    {
        var head = bytes[..Math.Min(bytes.Length, 1024)];
        if (head.Length < 4)
        {
            return null;
        }

        int even = 0, odd = 0;
        for (var i = 0; i < head.Length; i++)
        {
            if (head[i] == 0)
            {
                _ = (i & 1) == 0 ? even++ : odd++;
            }
        }

        var half = head.Length / 2;
        return odd > half * 7 / 10 && even < half / 20 + 1 ? Encoding.Unicode
            : even > half * 7 / 10 && odd < half / 20 + 1 ? Encoding.BigEndianUnicode
            : null;
    }

    private static Encoding? Named(string? label)
    {
        if (string.IsNullOrWhiteSpace(label))
        {
            return null;
        }

        var name = label.Trim().Trim('"', '\'').ToLowerInvariant();
        if (name is "utf-8" or "utf8" or "iso-8859-1" or "latin1" or "us-ascii" or "ascii")
        {
            return null;
        }

        try
        {
            return CodePagesEncodingProvider.Instance.GetEncoding(name);
        }
        catch (ArgumentException)
        {
            // An unknown label says nothing; Windows-1252 is what browsers fall back to.
            return null;
        }
    }
}
