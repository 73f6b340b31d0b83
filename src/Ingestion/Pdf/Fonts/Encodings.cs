using System.Text;

namespace RagCluster.Ingestion.Pdf.Fonts;

/// <summary>The named single-byte encodings (ISO 32000-1, annex D): the text of each of 256 codes, null where there is none.</summary>
internal static class Encodings
{
    public static string?[] WinAnsi { get; } = FromCodePage(1252, winAnsi: true);

    public static string?[] MacRoman { get; } = FromCodePage(10000, winAnsi: false);

    public static string?[] Standard { get; } = BuildStandard();

    public static string?[] Symbol { get; } = BuildSymbol();

    public static string?[] ZapfDingbats { get; } = BuildDingbats();

    public static string?[]? Named(string? name) => name switch
    {
        "WinAnsiEncoding" => WinAnsi,
        "MacRomanEncoding" => MacRoman,
        "StandardEncoding" => Standard,
        _ => null,
    };

    private static string?[] FromCodePage(int page, bool winAnsi)
    {
        var encoding = CodePagesEncodingProvider.Instance.GetEncoding(page)!;
        var table = new string?[256];
        for (var i = 32; i < 256; i++)
        {
            var text = encoding.GetString([(byte)i]);
            table[i] = text.Length == 0 || char.IsControl(text[0]) ? winAnsi ? "•" : null : text;
        }

        table[0xad] = winAnsi ? "-" : table[0xad];
        table[winAnsi ? 0xa0 : 0xca] = " ";
        return table;
    }

    private static string?[] BuildStandard()
    {
        var table = new string?[256];
        for (var i = 32; i < 127; i++)
        {
            table[i] = ((char)i).ToString();
        }

        (table[0x27], table[0x60]) = ("’", "‘");
        Fill(table, 0xa1, "¡¢£⁄¥ƒ§¤'“«‹›");
        (table[0xae], table[0xaf]) = ("fi", "fl");
        Fill(table, 0xb1, "–†‡·\0¶•‚„”»…‰\0¿\0`´ˆ˜¯˘˙¨\0˚¸\0˝˛ˇ—");
        table[0xe1] = "Æ";
        table[0xe3] = "ª";
        Fill(table, 0xe8, "ŁØŒº");
        table[0xf1] = "æ";
        table[0xf5] = "ı";
        Fill(table, 0xf8, "łøœß");
        return table;
    }

    private static string?[] BuildSymbol()
    {
        var table = new string?[256];
        Fill(table, 0x20, " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_\0αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼");
        Fill(table, 0xa0, "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…\0\0↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈®©™∑");
        return table;
    }

    private static string?[] BuildDingbats()
    {
        // What documents use it for: check marks, crosses, squares, bullets; the rest says nothing to a reader of text.
        var table = new string?[256];
        table[0x20] = " ";
        (table[0x33], table[0x34], table[0x35], table[0x36], table[0x37], table[0x38]) = ("✓", "✔", "✕", "✖", "✗", "✘");
        (table[0x6c], table[0x6d], table[0x6e], table[0x6f], table[0x71], table[0x75]) = ("●", "❍", "■", "❏", "❑", "◆");
        table[0xd5] = table[0xe0] = "→";
        return table;
    }

    private static void Fill(string?[] table, int at, string characters)
    {
        foreach (var c in characters)
        {
            table[at++] = c == '\0' ? null : c.ToString();
        }
    }
}
