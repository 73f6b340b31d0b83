using AngleSharp.Dom;
using AngleSharp.Html.Parser;
using RagCluster.Ingestion.Parsing;
using static RagCluster.Ingestion.Tests.Parse;

namespace RagCluster.Ingestion.Tests.Parsing;

public class HtmlTests(ITestOutputHelper output)
{
    private const string Page = """
        <!doctype html><html><head><title>Free-look period | Example Life</title><style>p{}</style></head><body>
        <nav><ul><li><a href="/">Home</a></li><li><a href="/p">Products</a></li></ul></nav>
        <div id="cookie-banner">We use cookies, and more cookies, to improve what we do. Accept all of them now.</div>
        <main><h1>Free-look period</h1>
        <p>You may return a policy within thirty days of delivery, for any reason, and get every premium back that you paid.</p>
        <h2>How to return it</h2><p>Write to us, call us, or visit a branch; we confirm the same day, and pay within a week.</p>
        <ul><li>By letter<ul><li>registered</li></ul></li><li>By phone</li></ul>
        <table><tr><th>Product</th><th>Days</th></tr><tr><td>Term Life</td><td>30</td></tr><tr><td>Annuity</td><td>20</td></tr></table>
        <pre>POST /returns
          body</pre></main>
        <aside>Related: ten tips for savers, which you may like, or not.</aside>
        <footer>Copyright, imprint, privacy, terms, contact.</footer><script>alert(1)</script></body></html>
        """;

    [Fact]
    public async Task The_main_content_survives_and_what_stands_around_it_does_not()
    {
        var document = await DocumentAsync(Page, "page.html");
        document.Title.ShouldBe("Free-look period");
        document.MediaType.ShouldBe(MediaTypes.Html);
        foreach (var noise in new[] { "Home", "cookies", "Related", "Copyright", "alert" })
        {
            document.Text.ShouldNotContain(noise);
        }

        document.Texts(BlockKind.Heading).ShouldBe(["Free-look period", "How to return it"]);
        document.Texts(BlockKind.ListItem).ShouldBe(["- By letter", "  - registered", "- By phone"]);
        document.Texts(BlockKind.TableRow).ShouldBe(["Product: Term Life; Days: 30", "Product: Annuity; Days: 20"]);
        document.Texts(BlockKind.Code).Single().ShouldBe("POST /returns\n  body");
        document.Blocks.Single(b => b.Kind == BlockKind.Code).Headings.ShouldBe(["Free-look period", "How to return it"]);
    }

    [Fact]
    public async Task The_main_content_of_real_pages_is_found()
    {
        var sum = 0.0;
        var count = 0;
        foreach (var folder in Directory.GetDirectories(SharedData.Folder("ingest", "html")).Order())
        {
            if (!File.Exists(Path.Combine(folder, "expected.html")))
            {
                continue;
            }

            var source = await File.ReadAllBytesAsync(Path.Combine(folder, "source.html"), TestContext.Current.CancellationToken);
            var expected = new HtmlParser().ParseDocument(await File.ReadAllTextAsync(Path.Combine(folder, "expected.html"), TestContext.Current.CancellationToken));
            var words = string.Join(" ", expected.Body!.GetDescendants().OfType<IText>().Select(t => t.Data));
            var text = await AnyAsync(source, "page.html") is ParseSuccess parsed ? parsed.Document.Text : "";
            var f1 = Similarity.F1(text, words);
            var (precision, recall) = Similarity.Both(text, words);
            output.WriteLine($"{f1:0.000} p={precision:0.00} r={recall:0.00} {Path.GetFileName(folder)}");
            sum += f1;
            count++;
        }

        output.WriteLine($"mean F1 {sum / count:0.000} of {count}");
        (sum / count).ShouldBeGreaterThan(0.9);
    }
}
