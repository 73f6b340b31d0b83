using System.Text;

namespace RagCluster.Ingestion.Pdf.Fonts;

/// <summary>
/// Reads from an embedded Compact Font Format program which text its glyphs and codes show: charset, encoding and
/// glyph names (Adobe technical note 5176). OpenType wrappers are looked through.
/// </summary>
internal sealed class CompactFont
{
    private readonly byte[] _data;

    private CompactFont(byte[] data) => _data = data;

    /// <summary>The text of each code of a font with single-byte codes; null where it uses a predefined encoding.</summary>
    public string?[]? Encoding { get; private set; }

    public IReadOnlyDictionary<int, string> TextByGlyph { get; private set; } = new Dictionary<int, string>();

    /// <summary>Null where the program cannot be read.</summary>
    public static CompactFont? Read(byte[] program)
    {
        if (program.AsSpan().StartsWith("OTTO"u8))
        {
            var texts = TrueTypeFont.TextByGlyph(program);
            return new CompactFont(program) { TextByGlyph = texts };
        }

        try
        {
            var font = new CompactFont(program);
            font.Load();
            return font;
        }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentOutOfRangeException or OverflowException)
        {
            // A damaged font program leaves the font without this source of text; others may know.
            return null;
        }
    }

    private void Load()
    {
        var at = (int)_data[2];
        Index(ref at);
        var top = Index(ref at);
        var strings = Index(ref at);
        if (top.Count == 0)
        {
            return;
        }

        var dictionary = Dictionary(top[0]);
        var glyphs = 0;
        if (dictionary.TryGetValue(17, out var charStrings))
        {
            var count = (int)charStrings;
            glyphs = _data[count] << 8 | _data[count + 1];
        }

        if (dictionary.ContainsKey(1230))
        {
            // CID-keyed: the charset maps to CIDs of a collection, not to names.
            return;
        }

        var names = Charset((int)dictionary.GetValueOrDefault(15), glyphs);
        var texts = new Dictionary<int, string>();
        for (var glyph = 1; glyph < names.Length; glyph++)
        {
            var name = CompactFontStrings.Name(names[glyph]) ?? (names[glyph] - 391 is var own and >= 0 && own < strings.Count ? System.Text.Encoding.Latin1.GetString(_data, strings[own].Start, strings[own].Length) : null);
            if (name is not null && GlyphNames.Text(name) is { } text)
            {
                texts[glyph] = text;
            }
        }

        TextByGlyph = texts;
        var encoding = (int)dictionary.GetValueOrDefault(16);
        Encoding = encoding > 1 ? Codes(encoding, texts) : null;
    }

    private int[] Charset(int offset, int glyphs)
    {
        var sids = new int[Math.Max(1, glyphs)];
        if (offset <= 2)
        {
            // The predefined ISOAdobe charset; the expert ones have no letters of running text.
            for (var i = 0; i < sids.Length; i++)
            {
                sids[i] = i;
            }

            return sids;
        }

        var format = _data[offset++];
        for (var glyph = 1; glyph < glyphs;)
        {
            var sid = _data[offset] << 8 | _data[offset + 1];
            offset += 2;
            var left = 0;
            if (format == 1)
            {
                left = _data[offset++];
            }
            else if (format == 2)
            {
                left = _data[offset] << 8 | _data[offset + 1];
                offset += 2;
            }

            for (var i = 0; i <= left && glyph < glyphs; i++)
            {
                sids[glyph++] = sid + i;
            }
        }

        return sids;
    }

    private string?[] Codes(int offset, Dictionary<int, string> texts)
    {
        var codes = new string?[256];
        var format = _data[offset++] & 0x7f;
        var count = _data[offset++];
        var glyph = 1;
        for (var i = 0; i < count; i++)
        {
            int first = _data[offset++], left = format == 1 ? _data[offset++] : 0;
            for (var code = first; code <= first + left && code < 256; code++)
            {
                codes[code] = texts.GetValueOrDefault(glyph++);
            }
        }

        return codes;
    }

    private List<(int Start, int Length)> Index(ref int at)
    {
        var items = new List<(int, int)>();
        var count = _data[at] << 8 | _data[at + 1];
        at += 2;
        if (count == 0)
        {
            return items;
        }

        var size = _data[at++];
        var offsets = at;
        var data = offsets + (count + 1) * size - 1;
        for (var i = 0; i < count; i++)
        {
            var (start, end) = (Offset(offsets + i * size, size), Offset(offsets + (i + 1) * size, size));
            items.Add((data + start, Math.Max(0, end - start)));
        }

        at = data + Offset(offsets + count * size, size);
        return items;
    }

    private int Offset(int at, int size)
    {
        var value = 0;
        for (var i = 0; i < size; i++)
        {
            value = value << 8 | _data[at + i];
        }

        return value;
    }

    // The last operand of each operator; two-byte operators as 1200 + the second byte.
    private Dictionary<int, double> Dictionary((int Start, int Length) span)
    {
        var entries = new Dictionary<int, double>();
        var operand = 0.0;
        for (var at = span.Start; at < span.Start + span.Length;)
        {
            int b = _data[at++];
            switch (b)
            {
                case 12:
                    entries[1200 + _data[at++]] = operand;
                    break;
                case <= 21:
                    entries[b] = operand;
                    break;
                case 28:
                    operand = (short)(_data[at] << 8 | _data[at + 1]);
                    at += 2;
                    break;
                case 29:
                    operand = Offset(at, 4);
                    at += 4;
                    break;
                case 30:
                    while ((_data[at] & 15) != 15 && _data[at] >> 4 != 15)
                    {
                        at++;
                    }

                    at++;
                    break;
                case >= 32 and <= 246:
                    operand = b - 139;
                    break;
                case >= 247 and <= 250:
                    operand = (b - 247) * 256 + _data[at++] + 108;
                    break;
                case >= 251 and <= 254:
                    operand = -(b - 251) * 256 - _data[at++] - 108;
                    break;
            }
        }

        return entries;
    }
}

/// <summary>The standard strings 0 to 228: the glyph names of Latin text (technical note 5176, appendix A).</summary>
internal static class CompactFontStrings
{
    private static readonly string[] Names = (
        ".notdef space exclam quotedbl numbersign dollar percent ampersand quoteright parenleft parenright asterisk plus comma hyphen period slash zero one two three four five six seven eight nine colon semicolon less equal greater question at "
        + "A B C D E F G H I J K L M N O P Q R S T U V W X Y Z bracketleft backslash bracketright asciicircum underscore quoteleft a b c d e f g h i j k l m n o p q r s t u v w x y z braceleft bar braceright asciitilde "
        + "exclamdown cent sterling fraction yen florin section currency quotesingle quotedblleft guillemotleft guilsinglleft guilsinglright fi fl endash dagger daggerdbl periodcentered paragraph bullet quotesinglbase quotedblbase quotedblright guillemotright ellipsis perthousand questiondown "
        + "grave acute circumflex tilde macron breve dotaccent dieresis ring cedilla hungarumlaut ogonek caron emdash AE ordfeminine Lslash Oslash OE ordmasculine ae dotlessi lslash oslash oe germandbls "
        + "onesuperior logicalnot mu trademark Eth onehalf plusminus Thorn onequarter divide brokenbar degree thorn threequarters twosuperior registered minus eth multiply threesuperior copyright "
        + "Aacute Acircumflex Adieresis Agrave Aring Atilde Ccedilla Eacute Ecircumflex Edieresis Egrave Iacute Icircumflex Idieresis Igrave Ntilde Oacute Ocircumflex Odieresis Ograve Otilde Scaron Uacute Ucircumflex Udieresis Ugrave Yacute Ydieresis Zcaron "
        + "aacute acircumflex adieresis agrave aring atilde ccedilla eacute ecircumflex edieresis egrave iacute icircumflex idieresis igrave ntilde oacute ocircumflex odieresis ograve otilde scaron uacute ucircumflex udieresis ugrave yacute ydieresis zcaron").Split(' ');

    /// <summary>Null for expert glyphs and a font's own strings (391 and above).</summary>
    public static string? Name(int sid) => sid >= 0 && sid < Names.Length ? Names[sid] : null;
}
