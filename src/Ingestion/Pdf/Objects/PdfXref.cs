using System.Buffers.Text;
using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Pdf.Objects;

/// <summary>Where each object is.</summary>
internal sealed record PdfXref(Dictionary<int, PdfXref.Entry> Entries, PdfDictionary Trailer)
{
    /// <param name="Offset">From the start of the file; meaningless inside a container.</param>
    /// <param name="Container">The object stream that holds the object, or null.</param>
    internal readonly record struct Entry(long Offset, int? Container = null, int Index = 0);
}

/// <summary>Reads cross-reference tables and streams (ISO 32000-1, 7.5.4 and 7.5.8), or finds objects without them.</summary>
internal static class PdfXrefReader
{
    private const int MaxSections = 4096;
    private const int MaxObjects = 8_388_607;

    /// <summary>Follows startxref and every previous section; null where that leads nowhere.</summary>
    public static PdfXref? Read(PdfFile file)
    {
        var data = file.Data.Span;
        var tail = Math.Max(0, data.Length - 2048);
        var at = data[tail..].LastIndexOf("startxref"u8);
        if (at < 0 || file.LexerAt(tail + at + 9).Read() is not double start)
        {
            return null;
        }

        // Offsets count from "%PDF-"; some files have bytes before it.
        var shift = Math.Max(0, data[..Math.Min(data.Length, 1024)].IndexOf("%PDF-"u8));
        var entries = new Dictionary<int, PdfXref.Entry>();
        PdfDictionary? trailer = null;
        var seen = new HashSet<long>();
        var sections = new Queue<double>([start]);
        while (sections.TryDequeue(out var offset) && seen.Count < MaxSections)
        {
            if (offset < 0 || offset >= data.Length || !seen.Add((long)offset))
            {
                continue;
            }

            var section = Section(file, (int)offset, entries) ?? (shift > 0 ? Section(file, (int)offset + shift, entries) : null);
            if (section is null)
            {
                return null;
            }

            trailer ??= section;
            if (section.Raw("XRefStm") is double hybrid)
            {
                sections.Enqueue(hybrid);
            }

            if (section.Raw("Prev") is double previous)
            {
                sections.Enqueue(previous);
            }
        }

        return trailer is not null && trailer.Has("Root") && entries.Count > 0 ? new PdfXref(entries, trailer) : null;
    }

    private static PdfDictionary? Section(PdfFile file, int offset, Dictionary<int, PdfXref.Entry> entries)
    {
        var lexer = file.LexerAt(offset);
        if (lexer.TryKeyword("xref"u8))
        {
            return Table(file, lexer, entries);
        }

        return file.ReadIndirect(offset, out var number) is PdfStream stream && number >= 0 && stream.Dictionary.Has("W")
            ? Stream(file, stream, entries)
            : null;
    }

    private static PdfDictionary? Table(PdfFile file, PdfLexer lexer, Dictionary<int, PdfXref.Entry> entries)
    {
        var plain = new PdfLexer(file.Data, null, 8) { Position = lexer.Position };
        while (!plain.TryKeyword("trailer"u8))
        {
            if (plain.Read() is not double first || plain.Read() is not double count || first < 0 || count < 0 || first + count > MaxObjects)
            {
                return null;
            }

            for (var i = 0; i < (int)count; i++)
            {
                if (plain.Read() is not double offset || plain.Read() is not double || plain.Read() is not PdfKeyword kind)
                {
                    return null;
                }

                if (kind.Value == "n" && offset > 0)
                {
                    entries.TryAdd((int)first + i, new PdfXref.Entry((long)offset));
                }
            }
        }

        return file.LexerAt(plain.Position).Read() as PdfDictionary;
    }

    private static PdfDictionary? Stream(PdfFile file, PdfStream stream, Dictionary<int, PdfXref.Entry> entries)
    {
        var widths = stream.Dictionary.Numbers("W", 3);
        if (widths is null || widths.Any(w => w is < 0 or > 8))
        {
            return null;
        }

        int w0 = (int)widths[0], w1 = (int)widths[1], w2 = (int)widths[2];
        var size = w0 + w1 + w2;
        if (size == 0)
        {
            return null;
        }

        var bytes = file.Decode(stream).AsSpan();
        var index = stream.Dictionary.Numbers("Index", 2) ?? [0, stream.Dictionary.Number("Size")];
        for (var i = 0; i + 1 < index.Length; i += 2)
        {
            for (var n = 0; n < index[i + 1] && bytes.Length >= size; n++, bytes = bytes[size..])
            {
                var kind = w0 == 0 ? 1 : Field(bytes[..w0]);
                var second = Field(bytes.Slice(w0, w1));
                var third = Field(bytes.Slice(w0 + w1, w2));
                var number = (int)Math.Clamp(index[i] + n, 0, MaxObjects);
                if (kind == 1)
                {
                    entries.TryAdd(number, new PdfXref.Entry(second));
                }
                else if (kind == 2 && second <= MaxObjects)
                {
                    entries.TryAdd(number, new PdfXref.Entry(0, (int)second, (int)Math.Min(third, MaxObjects)));
                }
            }
        }

        return stream.Dictionary;
    }

    private static long Field(ReadOnlySpan<byte> bytes)
    {
        var value = 0L;
        foreach (var b in bytes)
        {
            value = value << 8 | b;
        }

        return value;
    }

    /// <summary>Finds every "12 0 obj" in the file; the last of a number counts, as in a file that was updated.</summary>
    public static PdfXref Search(PdfFile file)
    {
        var data = file.Data.Span;
        var entries = new Dictionary<int, PdfXref.Entry>();
        var trailer = new PdfDictionary(file);
        for (var at = 0; at < data.Length;)
        {
            file.Cancellation.ThrowIfCancellationRequested();
            var hit = data[at..].IndexOf("obj"u8);
            if (hit < 0)
            {
                break;
            }

            at += hit;
            if (Header(data, at) is { } header)
            {
                entries[header.Number] = new PdfXref.Entry(header.Offset);
            }

            at += 3;
        }

        Trailers(file, trailer);
        Containers(file, entries, trailer);
        if (entries.Count == 0)
        {
            throw new ParseException(FailureCodes.Corrupt, "The PDF holds no objects; it is damaged or was cut off. Send it again from its source.");
        }

        return new PdfXref(entries, trailer);
    }

    // "obj" with two numbers before it, and not "endobj".
    private static (int Number, int Offset)? Header(ReadOnlySpan<byte> data, int obj)
    {
        var i = obj - 1;
        while (i >= 0 && PdfLexer.IsWhite(data[i]))
        {
            i--;
        }

        var generationEnd = i + 1;
        while (i >= 0 && data[i] is >= (byte)'0' and <= (byte)'9')
        {
            i--;
        }

        if (i + 1 == generationEnd || i < 0 || !PdfLexer.IsWhite(data[i]))
        {
            return null;
        }

        while (i >= 0 && PdfLexer.IsWhite(data[i]))
        {
            i--;
        }

        var numberEnd = i + 1;
        while (i >= 0 && numberEnd - i <= 8 && data[i] is >= (byte)'0' and <= (byte)'9')
        {
            i--;
        }

        return i + 1 < numberEnd && Utf8Parser.TryParse(data[(i + 1)..numberEnd], out int number, out _) && number <= MaxObjects ? (number, i + 1) : null;
    }

    private static void Trailers(PdfFile file, PdfDictionary trailer)
    {
        var data = file.Data.Span;
        for (var at = 0; at < data.Length && data[at..].IndexOf("trailer"u8) is var hit and >= 0; at += hit + 7)
        {
            if (file.LexerAt(at + hit + 7).Read() is PdfDictionary found)
            {
                Merge(found, trailer);
            }
        }
    }

    // Objects in object streams, and the root, where only the objects themselves tell.
    private static void Containers(PdfFile file, Dictionary<int, PdfXref.Entry> entries, PdfDictionary trailer)
    {
        foreach (var (number, entry) in entries.ToArray())
        {
            file.Cancellation.ThrowIfCancellationRequested();
            var value = file.ReadIndirect((int)entry.Offset, out _);
            var dictionary = value as PdfDictionary ?? (value as PdfStream)?.Dictionary;
            switch ((dictionary?.Raw("Type") as PdfName)?.Value)
            {
                case "XRef":
                    Merge(dictionary!, trailer);
                    break;
                case "Catalog" when !trailer.Has("Root"):
                    trailer["Root"] = new PdfReference(number, 0);
                    break;
                case "ObjStm" when value is PdfStream stream && !trailer.Has("Encrypt"):
                    var index = 0;
                    foreach (var inside in new PdfObjectStream(file, stream).Numbers)
                    {
                        entries.TryAdd(inside, new PdfXref.Entry(0, number, index++));
                    }

                    break;
            }
        }
    }

    private static void Merge(PdfDictionary found, PdfDictionary trailer)
    {
        foreach (var key in (string[])["Root", "Info", "Encrypt", "ID"])
        {
            if (found.Raw(key) is { } value)
            {
                trailer[key] = value;
            }
        }
    }
}
