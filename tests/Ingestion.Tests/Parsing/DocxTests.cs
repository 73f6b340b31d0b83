using System.Text.Json;
using RagCluster.Ingestion.Parsing;
using static RagCluster.Ingestion.Tests.DocxBytes;
using static RagCluster.Ingestion.Tests.Parse;

namespace RagCluster.Ingestion.Tests.Parsing;

public class DocxTests(ITestOutputHelper output)
{
    private const string Styles = """
        <w:root><w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style><w:style w:styleId="Own"><w:name w:val="Chapter"/><w:basedOn w:val="H1"/></w:style>
        <w:style w:styleId="Title"><w:name w:val="Title"/></w:style></w:root>
        """;

    private const string Numbering = """
        <w:root><w:abstractNum w:abstractNumId="7"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
        <w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%1.%2)"/></w:lvl></w:abstractNum>
        <w:abstractNum w:abstractNumId="8"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="x"/></w:lvl></w:abstractNum>
        <w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num><w:num w:numId="2"><w:abstractNumId w:val="8"/></w:num></w:root>
        """;

    [Fact]
    public async Task Headings_lists_tables_and_notes_survive()
    {
        static string Item(string text, int list, int level) => Paragraph(text, $"<w:numPr><w:ilvl w:val=\"{level}\"/><w:numId w:val=\"{list}\"/></w:numPr>");
        static string Row(params string[] cells) => $"<w:tr>{string.Concat(cells.Select(c => $"<w:tc>{Paragraph(c)}</w:tc>"))}</w:tr>";
        var document = await DocumentAsync(
            Of(
                Paragraph("Policy Wording", "<w:pStyle w:val=\"Title\"/>") + Paragraph("Claims", "<w:pStyle w:val=\"Own\"/>")
                + "<w:p><w:r><w:t xml:space=\"preserve\">We pay </w:t></w:r><w:del><w:r><w:delText>never</w:delText></w:r></w:del><w:ins><w:r><w:t>promptly</w:t></w:r></w:ins><w:r><w:footnoteReference w:id=\"5\"/><w:t>.</w:t></w:r></w:p>"
                + Item("first", 1, 0) + Item("inner", 1, 1) + Item("second", 1, 0) + Item("dot", 2, 0)
                + "<w:tbl><w:tblPr><w:tblLook w:firstRow=\"1\"/></w:tblPr>" + Row("Product", "Fee") + Row("Term", "12 EUR") + Row("Whole life", "20 EUR") + "</w:tbl>"
                + "<w:p><w:r><w:t>Before</w:t><w:lastRenderedPageBreak/></w:r></w:p>" + Paragraph("On page two"),
                ("word/styles.xml", Styles), ("word/numbering.xml", Numbering), ("word/footnotes.xml", $"<w:root><w:footnote w:id=\"5\">{Paragraph("Within ten days.")}</w:footnote></w:root>")),
            "wording.docx");
        document.Title.ShouldBe("Policy Wording");
        document.Texts(BlockKind.Heading).ShouldBe(["Policy Wording", "Claims"]);
        document.Texts(BlockKind.Paragraph).ShouldBe(["We pay promptly[1].", "[1] Within ten days.", "Before", "On page two"]);
        document.Texts(BlockKind.ListItem).ShouldBe(["1. first", "  1.a) inner", "2. second", "- dot"]);
        document.Texts(BlockKind.TableRow).ShouldBe(["Product: Term; Fee: 12 EUR", "Product: Whole life; Fee: 20 EUR"]);
        document.Pages.ShouldBe(2);
        document.Blocks[^1].Page.ShouldBe(2);
        document.Blocks[^1].Headings.ShouldBe(["Claims"]);
    }

    [Fact]
    public async Task Real_files_give_the_expected_text()
    {
        var folder = SharedData.Folder("ingest", "docx");
        var scores = new List<double>();
        foreach (var line in await File.ReadAllLinesAsync(Path.Combine(folder, "expected.jsonl"), TestContext.Current.CancellationToken))
        {
            using var json = JsonDocument.Parse(line);
            var name = json.RootElement.GetProperty("file").GetString()!;
            var expected = json.RootElement.GetProperty("text").GetString()!;
            var path = Path.Combine(folder, name);
            if (!File.Exists(path))
            {
                continue;
            }

            var result = await AnyAsync(await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken), name);
            var text = result is ParseSuccess { Document: var document } ? document.Text : "";
            var f1 = Similarity.F1(text, expected);
            scores.Add(f1);
            output.WriteLine($"{f1:0.000} {name} {(result as ParseFailure)?.Code} {(f1 < 0.99 ? text + " <> " + expected : "")}");
        }

        output.WriteLine($"mean F1 {scores.Average():0.000} of {scores.Count}");
        scores.Average().ShouldBeGreaterThan(0.95);
    }
}
