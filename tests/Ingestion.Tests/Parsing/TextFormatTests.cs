using System.Text;
using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Documents;
using static RagCluster.Ingestion.Tests.Parse;

namespace RagCluster.Ingestion.Tests.Parsing;

public class TextFormatTests
{
    [Fact]
    public async Task Plain_text_keeps_its_offsets_and_shows_its_structure()
    {
        const string text = "Claims guide\n\nGENERAL RULES\n\nSend the form\nwithin ten days.\n\n- one\n- two\n\n2.1 Deadlines\n\nDetails\n-------\nThe end.\n";
        var document = await DocumentAsync(text, "guide.txt");
        document.Text.ShouldBe(text);
        document.Title.ShouldBe("Claims guide");
        document.Blocks.Select(b => (b.Kind, document.Of(b))).ShouldBe(
        [
            (BlockKind.Paragraph, "Claims guide"), (BlockKind.Heading, "GENERAL RULES"), (BlockKind.Paragraph, "Send the form\nwithin ten days."), (BlockKind.ListItem, "- one"),
            (BlockKind.ListItem, "- two"), (BlockKind.Heading, "2.1 Deadlines"), (BlockKind.Heading, "Details"), (BlockKind.Paragraph, "The end."),
        ]);
        document.Blocks[^1].Headings.ShouldBe(["GENERAL RULES", "Details"]);
    }

    [Fact]
    public async Task Every_encoding_gives_the_same_text()
    {
        const string text = "Überschuß für 20 €, “sofort” fällig.";
        foreach (var content in (byte[][])
        [
            Encoding.UTF8.GetBytes(text), [0xef, 0xbb, 0xbf, .. Encoding.UTF8.GetBytes(text)], [0xff, 0xfe, .. Encoding.Unicode.GetBytes(text)], [0xfe, 0xff, .. Encoding.BigEndianUnicode.GetBytes(text)],
            Encoding.Unicode.GetBytes(text), CodePagesEncodingProvider.Instance.GetEncoding(1252)!.GetBytes(text),
        ])
        {
            (await DocumentAsync(content, "a.txt")).Text.ShouldBe(text);
        }

        byte[] page = [.. "<html><head><meta charset=iso-8859-2></head><body><p>"u8, 0xb9, 0xe8, 0xbe, .. "</p></body></html>"u8];
        (await DocumentAsync(page, "a.html")).Text.ShouldBe("ščž");
        (await DocumentAsync("a\0b\u0007c\r\nd\re\u2028f\ud83d\ude00"u8.ToArray(), "a.txt")).Text.ShouldBe("abc\nd\ne\nf\ud83d\ude00");
    }

    [Fact]
    public async Task Markdown_is_written_as_text_with_its_structure()
    {
        var document = await DocumentAsync("""
            ---
            title: "Fee guide"
            author: Life Team
            ---
            # Fees

            Some **bold** text with a [link](https://example.com) and `code`.[^1]

            ## Table

            | Product | Fee |
            |---|---:|
            | Term | 12 |
            | Whole | 20 |

            1. first
            2. second
               - nested

            ```sql
            select  1;
            ```

            > quoted

            <div>html <b>inside</b></div>

            [^1]: A note.
            """, "fees.md");
        document.Title.ShouldBe("Fee guide");
        document.Metadata["author"].ShouldBe("Life Team");
        document.Texts(BlockKind.Heading).ShouldBe(["Fees", "Table"]);
        document.Texts(BlockKind.Paragraph).ShouldBe(["Some bold text with a link and code.[1]", "quoted", "html inside", "[1] A note."]);
        document.Texts(BlockKind.TableRow).ShouldBe(["Product: Term; Fee: 12", "Product: Whole; Fee: 20"]);
        document.Texts(BlockKind.ListItem).ShouldBe(["1. first", "2. second", "  - nested"]);
        document.Texts(BlockKind.Code).ShouldBe(["select  1;"]);
        document.Blocks.Single(b => b.Kind == BlockKind.Code).Headings.ShouldBe(["Fees", "Table"]);
    }

    [Theory]
    [InlineData("Product,Fee\nTerm,\"1,200\"\n\"Whole \"\"life\"\"\",20\n", "Product: Term; Fee: 1,200\nProduct: Whole \"life\"; Fee: 20")]
    [InlineData("Product;Fee\nTerm;12,5\nWhole;20,0\n", "Product: Term; Fee: 12,5\nProduct: Whole; Fee: 20,0")]
    [InlineData("Product\tFee\nTerm\t12\n", "Product: Term; Fee: 12")]
    [InlineData("1,2\n3,4\n", "1 | 2\n3 | 4")]
    [InlineData("Name,Note\nA,\"two\nlines\"\nB,\n", "Name: A; Note: two lines\nName: B")]
    [InlineData("A,B\n1,2,3\n4\n", "A: 1; B: 2; 3\nA: 4")]
    public async Task Rows_are_readable_by_themselves(string csv, string text) =>
        (await DocumentAsync(csv, "a.csv")).Text.ShouldBe(text);

    [Fact]
    public async Task Rows_know_their_lines()
    {
        var document = await DocumentAsync("a,b\n\n\"x\ny\",1\nz,2\n", "a.csv");
        document.Blocks.Select(b => b.Row).ShouldBe([3, 5]);
    }

    [Fact]
    public async Task Json_is_flattened_with_paths()
    {
        var document = await DocumentAsync("""
            {"title":"Tariff","valid":true,"limits":{"age":{"min":18,"max":65},"tags":["a","b"]},"riders":[{"name":"Waiver","text":"Premiums are waived."},{"name":"Accident","fee":3.5}],"none":null}
            """, "t.json");
        document.Title.ShouldBe("Tariff");
        document.Text.ShouldBe("""
            Tariff

            valid: true
            limits.age.min: 18
            limits.age.max: 65
            limits.tags: a, b

            riders

            Waiver

            Premiums are waived.

            Accident

            fee: 3.5
            """.ReplaceLineEndings("\n"));
        document.Blocks[^1].Headings.ShouldBe(["Tariff", "riders", "Accident"]);
    }

    [Fact]
    public async Task Json_lines_are_records()
    {
        var document = await DocumentAsync("{\"id\":\"1\",\"question\":\"What?\",\"answer\":\"That.\"}\n\n{\"id\":\"2\",\"a\":\"\\ud800x\",\"b\":2}\n", "faq.jsonl");
        document.Text.ShouldBe("What?\n\nThat.\n\nid: 2; a: \ufffdx; b: 2");
        document.Blocks.Select(b => b.StartsRecord).ShouldBe([false, false, true]);
        document.Blocks[^1].Row.ShouldBe(3);
        document.Blocks[^1].Headings.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("%PDF-", "notes.txt", MediaTypes.Pdf)]
    [InlineData("<!DOCTYPE html><html><body><p>Hello there</p></body></html>", "notes.txt", MediaTypes.Html)]
    [InlineData("{\"a\":1}\n{\"a\":2}\n", "notes.txt", MediaTypes.JsonLines)]
    [InlineData("{\"a\":1}\n{\"a\":2}\n", "notes.json", MediaTypes.JsonLines)]
    [InlineData("{\"a\": [1, 2]}", "unknown", MediaTypes.Json)]
    [InlineData("# Title\n\ntext", "README", MediaTypes.Markdown)]
    [InlineData("just text", "report.pdf", MediaTypes.PlainText)]
    [InlineData("just text", "report.docx", MediaTypes.PlainText)]
    [InlineData("a,b\n1,2", "table.csv", MediaTypes.Csv)]
    public async Task The_content_says_what_it_is(string content, string name, string mediaType)
    {
        var bytes = content == "%PDF-" ? PdfBytes.Of("Hello") : Encoding.UTF8.GetBytes(content);
        (await DocumentAsync(bytes, name)).MediaType.ShouldBe(mediaType);
    }

    [Fact]
    public async Task Limits_end_in_reasons()
    {
        (await FailureAsync("long enough", "a.txt", new ParserLimits { InputBytes = 5 })).Code.ShouldBe(FailureCodes.TooLarge);
        (await FailureAsync("long enough", "a.txt", new ParserLimits { OutputCharacters = 5 })).Code.ShouldBe(FailureCodes.TooLarge);
        (await FailureAsync("a,b\n1,2\n3,4\n5,6\n", "a.csv", new ParserLimits { Blocks = 2 })).Code.ShouldBe(FailureCodes.TooLarge);
        var slow = await FailureAsync(string.Concat(Enumerable.Repeat("a,b\n", 1_000_000)), "a.csv", new ParserLimits { Time = TimeSpan.FromMilliseconds(1) });
        slow.Code.ShouldBe(FailureCodes.ParserTimeout);
        slow.Transient.ShouldBeTrue();
    }
}
