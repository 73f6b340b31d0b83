using System.Buffers.Binary;
using System.Text;

namespace RagCluster.Ingestion.Pdf.Fonts;

/// <summary>Reads from an embedded TrueType font which characters its glyphs show: the "cmap" table backwards (OpenType specification, formats 4, 6 and 12).</summary>
internal static class TrueTypeFont
{
    public static IReadOnlyDictionary<int, string> TextByGlyph(byte[] font)
    {
        var texts = new Dictionary<int, string>();
        if (Table(font, "cmap"u8) is not { } cmap || cmap.Length < 4)
        {
            return texts;
        }

        var count = U16(cmap, 2);
        for (var i = 0; i < count; i++)
        {
            var platform = U16(cmap, 4 + 8 * i);
            var encoding = U16(cmap, 6 + 8 * i);
            var offset = U32(cmap, 8 + 8 * i);
            // Unicode tables only.
            if ((platform == 0 || platform == 3 && encoding is 1 or 10) && offset < cmap.Length)
            {
                Read(cmap[(int)offset..], texts);
            }
        }

        return texts;
    }

    private static void Read(byte[] table, Dictionary<int, string> texts)
    {
        switch (U16(table, 0))
        {
            case 4:
                Segments(table, texts);
                break;
            case 6:
                for (var i = 0; i < U16(table, 8); i++)
                {
                    Put(texts, U16(table, 10 + 2 * i), U16(table, 6) + i);
                }

                break;
            case 12:
                for (var group = 0; group < Math.Min(U32(table, 12), 65_536); group++)
                {
                    var at = 16 + 12 * group;
                    long first = U32(table, at), last = Math.Min(U32(table, at + 4), first + 65_535), glyph = U32(table, at + 8);
                    for (var c = first; c <= last && glyph < 65_536; c++, glyph++)
                    {
                        Put(texts, (int)glyph, (int)Math.Min(c, int.MaxValue));
                    }
                }

                break;
        }
    }

    private static void Segments(byte[] table, Dictionary<int, string> texts)
    {
        var segments = U16(table, 6) / 2;
        for (var s = 0; s < segments; s++)
        {
            var end = U16(table, 14 + 2 * s);
            var start = U16(table, 16 + 2 * segments + 2 * s);
            var delta = U16(table, 16 + 4 * segments + 2 * s);
            var rangeAt = 16 + 6 * segments + 2 * s;
            var range = U16(table, rangeAt);
            for (var c = start; c <= end && c != 0xffff; c++)
            {
                var glyph = range == 0 ? c + delta & 0xffff : U16(table, rangeAt + range + 2 * (c - start));
                Put(texts, range == 0 || glyph == 0 ? glyph : glyph + delta & 0xffff, c);
            }
        }
    }

    private static void Put(Dictionary<int, string> texts, int glyph, int character)
    {
        if (glyph != 0 && Rune.IsValid(character))
        {
            texts.TryAdd(glyph, char.ConvertFromUtf32(character));
        }
    }

    private static byte[]? Table(byte[] font, ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < U16(font, 4); i++)
        {
            var at = 12 + 16 * i;
            if (at + 16 <= font.Length && font.AsSpan(at, 4).SequenceEqual(name))
            {
                var offset = U32(font, at + 8);
                return offset < font.Length ? font[(int)offset..(int)Math.Min(font.Length, offset + (long)U32(font, at + 12))] : null;
            }
        }

        return null;
    }

    // Outside of the data everything is 0.
    private static int U16(byte[] data, int at) => at >= 0 && at + 2 <= data.Length ? BinaryPrimitives.ReadUInt16BigEndian(data.AsSpan(at)) : 0;

    private static uint U32(byte[] data, int at) => at >= 0 && at + 4 <= data.Length ? BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(at)) : 0;
}
