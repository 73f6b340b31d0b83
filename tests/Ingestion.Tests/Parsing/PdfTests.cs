using System.Globalization;
using System.IO.Compression;
using System.Text;
using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Documents;
using static RagCluster.Ingestion.Tests.Parse;

namespace RagCluster.Ingestion.Tests.Parsing;

public class PdfTests
{
    [Fact]
    public async Task Lines_become_paragraphs_and_pages_are_counted()
    {
        var document = await DocumentAsync(PdfBytes.Of("The insurer pays the sum insu-\nred when the insured person\ndies within the term.", "Second page."), "a.pdf");
        document.Text.ShouldBe("The insurer pays the sum insured when the insured person dies within the term.\n\nSecond page.");
        document.Pages.ShouldBe(2);
        document.Blocks.Select(b => b.Page).ShouldBe([1, 2]);
    }

    [Fact]
    public async Task Headings_lists_and_tables_are_seen()
    {
        const string page = """
            BT /F2 20 Tf 72 740 Td (Policy Guide) Tj ET
            BT /F2 14 Tf 72 700 Td (Fees) Tj ET
            BT /F1 10 Tf 12 TL 72 680 Td (Fees are charged every month, in advance,) Tj T* (and shown on the statement.) Tj ET
            BT /F1 10 Tf 72 640 Td (\225 by debit) Tj 0 -12 Td (\225 by transfer) Tj ET
            BT /F2 10 Tf 72 600 Td (Product) Tj 150 0 Td (Fee) Tj ET
            BT /F1 10 Tf 72 588 Td (Term Life) Tj 150 0 Td (12 EUR) Tj ET
            BT /F1 10 Tf 72 576 Td (Whole Life) Tj 150 0 Td (20 EUR) Tj ET
            """;
        var document = await DocumentAsync(PdfBytes.OfContents(page), "a.pdf");
        document.Title.ShouldBe("Policy Guide");
        document.Blocks.Where(b => b.Kind == BlockKind.Heading).Select(b => (b.Level, document.Of(b))).ShouldBe([(1, "Policy Guide"), (2, "Fees")]);
        document.Texts(BlockKind.Paragraph).ShouldBe(["Fees are charged every month, in advance, and shown on the statement."]);
        document.Texts(BlockKind.ListItem).ShouldBe(["- by debit", "- by transfer"]);
        document.Texts(BlockKind.TableRow).ShouldBe(["Product: Term Life; Fee: 12 EUR", "Product: Whole Life; Fee: 20 EUR"]);
        document.Blocks[^1].Headings.ShouldBe(["Policy Guide", "Fees"]);
    }

    [Theory]
    [InlineData("BT /F1 12 Tf 72 700 Td [(Wo) 20 (rd) -400 (gap)] TJ ET", "Word gap")]
    [InlineData("BT /F1 12 Tf 72 700 Td (W) Tj 11.3 0 Td (ord) Tj 25 0 Td (gap) Tj ET", "Word gap")]
    [InlineData("BT /F1 12 Tf 1 0 0 1 72 700 Tm (one) Tj ET BT /F1 12 Tf 1 0 0 1 300 700 Tm (two) Tj ET", "one two")]
    [InlineData("BT /F1 12 Tf 72 700 Td (twice) Tj ET BT /F1 12 Tf 72.3 700 Td (twice) Tj ET", "twice")]
    [InlineData("q 2 0 0 2 0 0 cm BT /F1 6 Tf 36 350 Td (scaled) Tj 20 0 Td (text) Tj ET Q", "scaled text")]
    [InlineData("BT /F1 12 Tf 0 1 -1 0 300 100 Tm (up) Tj ET", "up")]
    [InlineData("BT /F1 12 Tf 72 700 Td <48656C6C6F> Tj (\\040w\\157rld\\)) Tj ET", "Hello world)")]
    [InlineData("BT /F1 12 Tf 72 700 Td (caf\\351 \\200 \\223x\\224) Tj ET", "café € “x”")]
    [InlineData("BT /F1 12 Tf 72 700 Td /Span << /ActualText <FEFF00660069> >> BDC (\\001) Tj EMC (nd) Tj ET", "find")]
    [InlineData("BT /F1 12 Tf 72 700 Td (before) Tj ET BI /W 2 /H 2 ID \u0001EI\u00ffBT EI BT /F1 12 Tf 72 650 Td (after) Tj ET", "before\n\nafter")]
    public async Task Operators_show_what_viewers_show(string content, string text) =>
        (await DocumentAsync(PdfBytes.OfContents(content), "a.pdf")).Text.ShouldBe(text);

    [Fact]
    public async Task Fonts_tell_what_their_codes_mean()
    {
        const string toUnicode = "1 begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfchar <0005> <00DC> endbfchar 2 beginbfrange <0001> <0003> <0041> <0010> <0011> [<0066006C> <D83DDE00>] endbfrange";
        var document = await DocumentAsync(
            PdfBytes.OfObjects(
                [
                    "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
                    "<< /Type /Page /Contents 4 0 R /Resources << /Font << /A 5 0 R /B 6 0 R >> >> >>",
                    Stream("BT /A 12 Tf 72 700 Td <000100020003000500100011> Tj /B 12 Tf 0 -14 Td (ab\\001) Tj ET"),
                    "<< /Type /Font /Subtype /Type0 /BaseFont /X /Encoding /Identity-H /ToUnicode 7 0 R /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /DW 500 /W [1 [600 600] 3 5 550] >>] >>",
                    "<< /Type /Font /Subtype /Type1 /BaseFont /Y /Encoding << /Differences [1 /ffi 97 /Aacute /uni20AC] >> >>",
                    Stream(toUnicode),
                ],
                "/Root 1 0 R"),
            "a.pdf");
        document.Text.ShouldBe("ABCÜfl😀 Á€ffi");
    }

    [Fact]
    public async Task Filters_and_their_chains_are_undone()
    {
        const string content = "BT /F1 12 Tf 72 700 Td (packed) Tj ET";
        var flate = Zlib(Encoding.Latin1.GetBytes(content));
        var hex = Convert.ToHexString(flate) + ">";
        foreach (var (filter, data) in ((string, string)[])
        [
            ("/FlateDecode", Encoding.Latin1.GetString(flate)), ("[/ASCIIHexDecode /FlateDecode]", hex), ("/RunLengthDecode", (char)(content.Length - 1) + content + "\u0080"),
            ("/ASCII85Decode", Ascii85(Encoding.Latin1.GetBytes(content))), ("/LZWDecode", Encoding.Latin1.GetString(Lzw(content))),
            // Cut off and damaged at the end: what there is, counts.
            ("/FlateDecode", Encoding.Latin1.GetString(flate[..^5])),
        ])
        {
            (await DocumentAsync(WithContent($"<< /Length {data.Length} /Filter {filter} >>\nstream\n{data}\nendstream"), "a.pdf")).Text.ShouldBe("packed", filter);
        }
    }

    [Fact]
    public async Task Objects_in_streams_are_found_by_a_stream_of_references()
    {
        var inside = (string[])["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", "<< /Type /Page /Contents 5 0 R /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>"];
        var index = "";
        var offset = 0;
        for (var i = 0; i < inside.Length; i++)
        {
            index += string.Create(CultureInfo.InvariantCulture, $"{i + 1} {offset} ");
            offset += inside[i].Length + 1;
        }

        var pdf = new StringBuilder("%PDF-1.5\n");
        var containerAt = pdf.Length;
        var container = index + string.Join(' ', inside);
        pdf.Append(CultureInfo.InvariantCulture, $"4 0 obj\n<< /Type /ObjStm /N 3 /First {index.Length} /Length {container.Length} >>\nstream\n{container}\nendstream\nendobj\n");
        var contentAt = pdf.Length;
        pdf.Append(CultureInfo.InvariantCulture, $"5 0 obj\n{Stream("BT /F1 12 Tf 72 700 Td (inside) Tj ET")}\nendobj\n");
        var xrefAt = pdf.Length;
        string Row(int kind, int second, int third) => string.Concat((char)kind, (char)(second >> 8), (char)(second & 255), (char)third);
        // With PNG's "up" predictor, as producers write it.
        var rows = Row(0, 0, 0) + Row(2, 4, 0) + Row(2, 4, 1) + Row(2, 4, 2) + Row(1, containerAt, 0) + Row(1, contentAt, 0) + Row(1, xrefAt, 0);
        var predicted = new List<byte>();
        for (var at = 0; at < rows.Length; at++)
        {
            if (at % 4 == 0)
            {
                predicted.Add(2);
            }

            predicted.Add((byte)(rows[at] - (at >= 4 ? rows[at - 4] : 0)));
        }

        var packed = Encoding.Latin1.GetString(Zlib([.. predicted]));
        pdf.Append(CultureInfo.InvariantCulture, $"6 0 obj\n<< /Type /XRef /Size 7 /W [1 2 1] /Root 1 0 R /Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 4 >> /Length {packed.Length} >>\nstream\n{packed}\nendstream\nendobj\nstartxref\n{xrefAt}\n%%EOF");
        var document = await DocumentAsync(Encoding.Latin1.GetBytes(pdf.ToString()), "a.pdf");
        document.Text.ShouldBe("inside");
        document.Warnings.ShouldBeEmpty();
    }

    [Fact]
    public async Task Damaged_references_are_rebuilt()
    {
        var whole = Encoding.Latin1.GetString(PdfBytes.Of("Still here."));
        foreach (var damaged in (string[])[whole[..whole.IndexOf("xref", StringComparison.Ordinal)], whole.Replace("startxref\n", "startxref\n9", StringComparison.Ordinal), "junk before it all\n" + whole.Replace("00000 n", "00001 n", StringComparison.Ordinal), whole.Replace("/Length ", "/Length 9", StringComparison.Ordinal)])
        {
            (await DocumentAsync(Encoding.Latin1.GetBytes(damaged), "a.pdf")).Text.ShouldBe("Still here.");
        }
    }

    [Fact]
    public async Task Running_heads_and_page_numbers_are_left_out()
    {
        var pages = Enumerable.Range(1, 5).Select(n => $"BT /F1 9 Tf 72 770 Td (Example Life - Policy Wording) Tj ET BT /F1 12 Tf 72 700 Td (Clause {(char)('A' + n)} stands here.) Tj 0 -30 Td (And {n} more.) Tj 0 -30 Td (More text {n}.) Tj 0 -30 Td (Still more {(char)('a' + n)} text.) Tj 0 -30 Td (Filler {(char)('k' + n)} goes on.) Tj 0 -30 Td (Here it {(char)('p' + n)} ends.) Tj ET BT /F1 9 Tf 300 40 Td (Page {n} of 5) Tj ET").ToArray();
        var document = await DocumentAsync(PdfBytes.OfContents(pages), "a.pdf");
        document.Text.ShouldNotContain("Policy Wording");
        document.Text.ShouldNotContain("Page 3");
        document.Text.ShouldContain("Clause C stands here.");
    }

    [Fact]
    public async Task Rows_of_a_table_over_many_pages_are_no_running_heads()
    {
        var pages = Enumerable.Range(0, 4).Select(p => string.Concat(Enumerable.Range(0, 8).Select(r => $"BT /F1 10 Tf 72 {700 - 14 * r} Td (Age {20 + 8 * p + r}) Tj 150 0 Td ({(20 + 8 * p + r) * 3}.50) Tj ET "))).ToArray();
        var document = await DocumentAsync(PdfBytes.OfContents(pages), "a.pdf");
        document.Blocks.Count.ShouldBe(32);
    }

    [Fact]
    public async Task Numbered_headings_are_headings_and_feet_of_two_pages_are_left_out()
    {
        static string Page(int n) => $"BT /F2 15 Tf 72 740 Td ({n}. The free look period) Tj ET BT /F1 10 Tf 12 TL 72 715 Td (You may return the policy within ten days after you receive it.) Tj T* (Number {n} says so.) Tj ET "
            + $"BT /F2 10 Tf 72 650 Td (Persistency after 13 months) Tj 250 0 Td (Yearly bonus) Tj ET BT /F1 10 Tf 72 636 Td (below {80 - n} %) Tj 250 0 Td (none) Tj ET BT /F1 8 Tf 72 40 Td (BL-U40, 01/2026) Tj 300 0 Td (Page {n} of 2) Tj ET";
        var document = await DocumentAsync(PdfBytes.OfContents(Page(1), Page(2)), "a.pdf");
        document.Texts(BlockKind.Heading).ShouldBe(["1. The free look period", "2. The free look period"]);
        document.Texts(BlockKind.TableRow).ShouldBe(["Persistency after 13 months: below 79 %; Yearly bonus: none", "Persistency after 13 months: below 78 %; Yearly bonus: none"]);
        document.Text.ShouldNotContain("BL-U40");
    }

    [Fact]
    public async Task Pages_without_text_are_told()
    {
        (await FailureAsync(PdfBytes.OfContents("q 1 0 0 1 0 0 cm Q"), "scan.pdf")).Code.ShouldBe(FailureCodes.NoText);
        var half = await DocumentAsync(PdfBytes.OfContents("", "BT /F1 12 Tf 72 700 Td (text) Tj ET"), "half.pdf");
        half.Warnings.ShouldHaveSingleItem().ShouldContain("1 of 2 pages hold no text");
    }

    [Fact]
    public async Task A_password_is_asked_for_by_name()
    {
        var pdf = Encoding.Latin1.GetString(PdfBytes.Of("secret")).Replace("/Root 1 0 R", $"/Root 1 0 R /ID [<00> <00>] /Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <{new string('0', 64)}> /U <{new string('1', 64)}> >>", StringComparison.Ordinal);
        (await FailureAsync(Encoding.Latin1.GetBytes(pdf), "a.pdf")).Code.ShouldBe(FailureCodes.Encrypted);
    }

    private static string Stream(string content) => $"<< /Length {content.Length} >>\nstream\n{content}\nendstream";

    private static byte[] WithContent(string stream) => PdfBytes.OfObjects(
        ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", "<< /Type /Page /Contents 4 0 R /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>", stream], "/Root 1 0 R");

    private static byte[] Zlib(byte[] data)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            zlib.Write(data);
        }

        return packed.ToArray();
    }

    private static string Ascii85(byte[] data)
    {
        var text = new StringBuilder();
        for (var at = 0; at < data.Length; at += 4)
        {
            var count = Math.Min(4, data.Length - at);
            var group = 0u;
            for (var i = 0; i < 4; i++)
            {
                group = group << 8 | (i < count ? data[at + i] : 0u);
            }

            var digits = new char[5];
            for (var i = 4; i >= 0; i--, group /= 85)
            {
                digits[i] = (char)('!' + group % 85);
            }

            text.Append(digits, 0, count + 1);
        }

        return text.Append("~>").ToString();
    }

    // Codes of nine bits, none of them longer than one byte: valid, if not small.
    private static byte[] Lzw(string text)
    {
        var bits = new List<bool>();
        void Code(int code)
        {
            for (var bit = 8; bit >= 0; bit--)
            {
                bits.Add((code >> bit & 1) == 1);
            }
        }

        Code(256);
        foreach (var c in text)
        {
            Code(c);
        }

        Code(257);
        var bytes = new byte[(bits.Count + 7) / 8];
        for (var i = 0; i < bits.Count; i++)
        {
            bytes[i / 8] |= (byte)(bits[i] ? 128 >> i % 8 : 0);
        }

        return bytes;
    }
}
