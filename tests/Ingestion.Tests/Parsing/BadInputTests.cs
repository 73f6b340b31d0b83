using System.Diagnostics;
using System.IO.Compression;
using System.Text;
using RagCluster.Ingestion.Chunking;
using RagCluster.Ingestion.Parsing;
using RagCluster.Ingestion.Tests.Chunking;
using RagCluster.Messages.Documents;
using static RagCluster.Ingestion.Tests.Parse;

namespace RagCluster.Ingestion.Tests.Parsing;

/// <summary>
/// Whatever comes in ends in a result with a reason: no exception, no hang, no crash. Parsers' own faults
/// (<see cref="FailureCodes.ParserCrashed"/>) are caught too, and count as bugs here.
/// </summary>
public class BadInputTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Every_file_of_the_corpus_ends_in_a_result()
    {
        var folder = SharedData.Folder("ingest");
        var count = 0;
        foreach (var file in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order())
        {
            var content = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            // By its own name and by a wrong one.
            foreach (var name in (string[])[Path.GetFileName(file), "notes.txt"])
            {
                var watch = Stopwatch.StartNew();
                var result = await AnyAsync(content, name);
                if (result is ParseFailure failure)
                {
                    output.WriteLine($"{watch.ElapsedMilliseconds} ms {Path.GetFileName(file)} as {name}: {failure.Code}: {failure.Detail}");
                    failure.Code.ShouldBeOneOf(FailureCodes.Empty, FailureCodes.Corrupt, FailureCodes.Encrypted, FailureCodes.NoText, FailureCodes.TooLarge, FailureCodes.Unsupported);
                    failure.Detail.Length.ShouldBeGreaterThan(20);
                }
                else if (file.Contains("broken", StringComparison.Ordinal) && name != "notes.txt")
                {
                    var document = ((ParseSuccess)result).Document;
                    output.WriteLine($"{watch.ElapsedMilliseconds} ms {Path.GetFileName(file)} as {name}: {document.MediaType} {document.Pages} {document.Text.Length}: {document.Text[..Math.Min(60, document.Text.Length)].ReplaceLineEndings(" ")} {string.Join(" ", document.Warnings)}");
                }

                count++;
            }
        }

        output.WriteLine($"{count} parses");
        count.ShouldBeGreaterThan(200);
    }

    [Theory]
    [InlineData("a.txt", "", FailureCodes.Empty)]
    [InlineData("a.txt", "  \n\t ", FailureCodes.NoText)]
    [InlineData("a.json", "{ 'a': 1 }", FailureCodes.Corrupt)]
    [InlineData("a.json", "{\"a\": 1", FailureCodes.Corrupt)]
    [InlineData("a.csv", " \n \n", FailureCodes.NoText)]
    [InlineData("a.html", "<html><body><script>x</script></body></html>", FailureCodes.NoText)]
    [InlineData("a.pdf", "%PDF-1.4\nnothing else", FailureCodes.Corrupt)]
    [InlineData("a.docx", "PK\u0003\u0004 cut off", FailureCodes.Corrupt)]
    public async Task Small_things_have_their_reasons(string name, string content, string code) =>
        (await FailureAsync(Encoding.Latin1.GetBytes(content), name)).Code.ShouldBe(code);

    [Fact]
    public async Task A_malformed_line_is_named_by_its_number()
    {
        var failure = await FailureAsync("{\"a\":1}\n\n{\"a\":2}\n{\"a\":\n{\"a\":4}\n", "records.jsonl");
        failure.Code.ShouldBe(FailureCodes.Corrupt);
        failure.Detail.ShouldStartWith("Line 4,");
    }

    [Fact]
    public async Task Names_with_tricks_are_only_names()
    {
        foreach (var name in (string[])["../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd.md", "a\0b.txt", new string('x', 10_000) + ".txt", "", ".", "con", "\ud800.txt"])
        {
            var document = await DocumentAsync("# Hello\n\nworld", name);
            document.Text.ShouldContain("world");
            document.Title.Length.ShouldBeInRange(1, 200);
        }
    }

    [Fact]
    public async Task Binary_content_is_refused_whatever_its_name()
    {
        var junk = new byte[100_000];
        new Random(1).NextBytes(junk);
        (await FailureAsync(junk, "notes.txt")).Code.ShouldBe(FailureCodes.Unsupported);
        (await FailureAsync(junk, "data.csv")).Code.ShouldBe(FailureCodes.Unsupported);
        (await FailureAsync(junk, "scan.pdf")).Code.ShouldBe(FailureCodes.Corrupt);
        (await FailureAsync([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 0], "notes.txt")).Detail.ShouldContain("PNG");
        (await FailureAsync([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, .. Encoding.Unicode.GetBytes("EncryptedPackage")], "a.docx")).Code.ShouldBe(FailureCodes.Encrypted);
        (await FailureAsync(DocxBytes.Zip(("xl/workbook.xml", "<x/>")), "a.txt")).Detail.ShouldContain("Excel");
    }

    [Fact]
    public async Task Zip_bombs_are_not_unpacked()
    {
        var bomb = DocxBytes.Of(DocxBytes.Paragraph(new string('a', 16 << 20)));
        bomb.Length.ShouldBeLessThan(1 << 18);
        (await FailureAsync(bomb, "a.docx")).Code.ShouldBe(FailureCodes.TooLarge);
        var many = DocxBytes.Zip([.. Enumerable.Range(0, 5000).Select(i => ($"word/{i}", "x")), ("word/document.xml", "<x/>"), ("[Content_Types].xml", "<x/>")]);
        (await FailureAsync(many, "a.docx")).Code.ShouldBe(FailureCodes.TooLarge);
        // A directory that lies about sizes does not help.
        var liar = (byte[])bomb.Clone();
        for (var i = 0; i + 30 < liar.Length; i++)
        {
            if (liar.AsSpan(i).StartsWith("PK\u0001\u0002"u8))
            {
                BitConverter.TryWriteBytes(liar.AsSpan(i + 24), 1000);
            }
        }

        (await AnyAsync(liar, "a.docx")).ShouldBeOfType<ParseFailure>().Code.ShouldBeOneOf(FailureCodes.TooLarge, FailureCodes.Corrupt, FailureCodes.NoText);
    }

    [Fact]
    public async Task Xml_bombs_and_outside_entities_are_refused()
    {
        var entities = string.Concat(Enumerable.Range(1, 9).Select(i => $"<!ENTITY l{i} \"{string.Concat(Enumerable.Repeat($"&l{i - 1};", 10))}\">"));
        foreach (var doctype in (string[])[$"<!DOCTYPE x [<!ENTITY l0 \"lol\">{entities}]>", "<!DOCTYPE x [<!ENTITY l9 SYSTEM \"file:///etc/passwd\">]>"])
        {
            var docx = DocxBytes.Zip(("[Content_Types].xml", "<x/>"), ("word/document.xml", doctype + "<w:document xmlns:w=\"w\"><w:body><w:p><w:r><w:t>&l9;</w:t></w:r></w:p></w:body></w:document>"));
            (await FailureAsync(docx, "a.docx")).Code.ShouldBe(FailureCodes.Corrupt);
        }

        var deep = DocxBytes.Of(string.Concat(Enumerable.Repeat("<w:sdt>", 20_000)) + DocxBytes.Paragraph("x") + string.Concat(Enumerable.Repeat("</w:sdt>", 20_000)));
        await AnyAsync(deep, "a.docx");
        var deepRuns = DocxBytes.Of("<w:p>" + string.Concat(Enumerable.Repeat("<w:smartTag>", 20_000)) + "<w:r><w:t>x</w:t></w:r>" + string.Concat(Enumerable.Repeat("</w:smartTag>", 20_000)) + "</w:p>");
        (await FailureAsync(deepRuns, "a.docx")).Code.ShouldBe(FailureCodes.TooLarge);
    }

    [Fact]
    public async Task Deep_nesting_ends_in_a_reason()
    {
        (await FailureAsync(new string('[', 100_000) + new string(']', 100_000), "a.json")).Code.ShouldBe(FailureCodes.TooLarge);
        (await FailureAsync(string.Concat(Enumerable.Repeat("{\"a\":", 100_000)) + "1" + new string('}', 100_000), "a.json")).Code.ShouldBe(FailureCodes.TooLarge);
        (await FailureAsync("{\"a\":" + new string('[', 100_000) + new string(']', 100_000) + "}\n{\"a\":1}\n", "a.jsonl")).Code.ShouldBe(FailureCodes.TooLarge);
        (await FailureAsync(string.Concat(Enumerable.Repeat("<div>", 100_000)) + "text", "a.html")).Code.ShouldBe(FailureCodes.TooLarge);
        await AnyAsync(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("<p><b><i>", 300)) + "text"), "a.html");
        await AnyAsync(Encoding.UTF8.GetBytes(new string('>', 20_000) + " text"), "a.md");
        await AnyAsync(Encoding.UTF8.GetBytes(new string('[', 20_000) + " text"), "a.md");
        await AnyAsync(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("- ", 2_000)) + " text"), "a.md");
        await AnyAsync(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("**a _b ", 2_000))), "a.md");
        await AnyAsync(PdfBytes.OfContents("BT /F1 12 Tf 72 720 Td " + new string('[', 100_000) + "(x) TJ ET"), "a.pdf");
        await AnyAsync(PdfBytes.OfObjects([string.Concat(Enumerable.Repeat("<< /A ", 100_000))], "/Root 1 0 R"), "a.pdf");
    }

    [Fact]
    public async Task Loops_in_a_pdf_end()
    {
        await AnyAsync(PdfBytes.OfObjects(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R 2 0 R] >>"], "/Root 1 0 R"), "pages.pdf");
        await AnyAsync(PdfBytes.OfObjects(["2 0 R", "1 0 R"], "/Root 1 0 R"), "references.pdf");
        await AnyAsync(PdfBytes.OfObjects(["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] >>", "<< /Type /Page /Contents 4 0 R /Resources << /XObject << /A 4 0 R >> >> >>", "<< /Subtype /Form /Length 5 0 R >>\nstream\n/A Do /A Do /A Do\nendstream", "5 0 R"], "/Root 1 0 R /Prev 9 0 R"), "forms.pdf", limits: new ParserLimits { Time = TimeSpan.FromSeconds(2) });
        (await FailureAsync(PdfBomb(), "bomb.pdf", limits: new ParserLimits { PdfStreamBytes = 8 << 20 })).Code.ShouldBe(FailureCodes.TooLarge);
    }

    [Fact]
    public async Task A_line_of_fifty_megabytes_costs_little()
    {
        var line = new byte[50 << 20];
        for (var i = 0; i < line.Length; i++)
        {
            line[i] = (byte)(i % 7 == 0 ? ' ' : 'a' + i % 23);
        }

        (await FailureAsync(line, "a.txt")).Code.ShouldBe(FailureCodes.TooLarge);
        var watch = Stopwatch.StartNew();
        var document = await DocumentAsync(line[..(2 << 20)], "a.txt");
        var chunks = new Chunker(new ChunkerOptions()).Split(document);
        output.WriteLine($"2 MiB in one line: {chunks.Count} chunks in {watch.ElapsedMilliseconds} ms");
        ChunkerTests.CheckChunks(document, chunks, new ChunkerOptions());
        await AnyAsync(line[..(2 << 20)], "a.csv");
        await AnyAsync(line[..(2 << 20)], "a.html");
        (await FailureAsync(line[..(2 << 20)], "a.md")).Code.ShouldBe(FailureCodes.TooLarge);
    }

    [Fact]
    public async Task Damaged_bytes_never_get_past_a_result()
    {
        var seeds = new (byte[] Content, string Name)[]
        {
            (PdfBytes.Of("The free-look period\nis thirty days.", "Second page"), "a.pdf"),
            (DocxBytes.Of(DocxBytes.Paragraph("Hello", "<w:pStyle w:val=\"Heading1\"/>") + DocxBytes.Paragraph("world")), "a.docx"),
            ("# Title\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- x\n  - y\n\n```\ncode\n```\n[l](u) ![i](j) <b>x</b> [^1]\n\n[^1]: note\n"u8.ToArray(), "a.md"),
            ("<html><body><table><tr><td rowspan=9>a<td>b</table><ul><li>x<ul><li>y</ul></ul><p>t&amp;&#x110000;</html>"u8.ToArray(), "a.html"),
            ("a,b\n\"1,\"\"x\",2\n"u8.ToArray(), "a.csv"),
            ("{\"a\":[1,{\"b\":\"\\ud800\"}]}\n{\"title\":\"t\"}\n"u8.ToArray(), "a.jsonl"),
        };
        var random = new Random(20_261_120);
        var outcomes = new Dictionary<string, int>();
        foreach (var (content, name) in seeds)
        {
            for (var round = 0; round < 200; round++)
            {
                var mutated = Mutate(content, random);
                var result = await AnyAsync(mutated, name, limits: new ParserLimits { Time = TimeSpan.FromSeconds(5) });
                var outcome = (result as ParseFailure)?.Code ?? "parsed";
                outcomes[outcome] = outcomes.GetValueOrDefault(outcome) + 1;
                if (outcome is FailureCodes.ParserCrashed or FailureCodes.ParserTimeout)
                {
                    throw new ShouldAssertException($"{name}, round {round}: {((ParseFailure)result).Detail}\n{Convert.ToBase64String(mutated)}");
                }
            }
        }

        output.WriteLine(string.Join(", ", outcomes.Select(o => $"{o.Key} {o.Value}")));
        outcomes["parsed"].ShouldBeGreaterThan(100);
        outcomes[FailureCodes.Corrupt].ShouldBeGreaterThan(50);
    }

    private static byte[] Mutate(byte[] content, Random random)
    {
        var bytes = content.ToList();
        for (var changes = random.Next(1, 8); changes > 0 && bytes.Count > 4; changes--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 30), bytes.Count - at));
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 60), bytes.Count - at)));
                    break;
                default:
                    // Numbers are what structures hang on.
                    bytes.InsertRange(at, "99999999999"u8.ToArray());
                    break;
            }
        }

        return [.. bytes];
    }

    private static byte[] PdfBomb()
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
        {
            var zeros = new byte[1 << 20];
            for (var i = 0; i < 64; i++)
            {
                zlib.Write(zeros);
            }
        }

        return PdfBytes.OfObjects(
            ["<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", "<< /Type /Page /Contents 4 0 R >>", $"<< /Filter /FlateDecode /Length {packed.Length} >>\nstream\n{Encoding.Latin1.GetString(packed.ToArray())}\nendstream"],
            "/Root 1 0 R");
    }
}
