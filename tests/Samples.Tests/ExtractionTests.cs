namespace RagCluster.Samples.Tests;

/// <summary>A passage that a parser loses or rewrites can never be found or cited, however good the search is.</summary>
public sealed class ExtractionTests
{
    [Theory]
    [InlineData(".csv")]
    [InlineData(".docx")]
    [InlineData(".html")]
    [InlineData(".json")]
    [InlineData(".jsonl")]
    [InlineData(".md")]
    [InlineData(".pdf")]
    [InlineData(".txt")]
    public async Task Passages_stand_in_the_extracted_text(string format)
    {
        var questions = SampleLibrary.Questions.Where(q => q.Answerable && Path.GetExtension(q.Document) == format).ToList();
        questions.ShouldNotBeEmpty();
        foreach (var question in questions)
        {
            var parsed = await SampleLibrary.ParseAsync(question.Document!);
            SampleLibrary.Normal(parsed.Text).ShouldContain(SampleLibrary.Normal(question.Passage!), Case.Sensitive, $"{question.Id} in {question.Document}");
        }
    }

    [Fact]
    public async Task What_surrounds_the_text_of_a_web_page_stays_out()
    {
        foreach (var path in SampleLibrary.Documents.Where(path => path.EndsWith(".html", StringComparison.Ordinal)))
        {
            var text = (await SampleLibrary.ParseAsync(path)).Text;
            foreach (var chrome in new[] { "Find an adviser", "Accept all cookies", "Search the site", "Subscribe", "Lighthouse Run", "dataLayer", "Site map", "subject to the terms of the policy" })
            {
                text.ShouldNotContain(chrome, Case.Sensitive, path);
            }

            // The page's own first heading and its last paragraph frame what must be kept.
            var html = await File.ReadAllTextAsync(Path.Combine(SampleLibrary.Folder, path), TestContext.Current.CancellationToken);
            var last = html.LastIndexOf("</p>", html.IndexOf("<aside", StringComparison.Ordinal), StringComparison.Ordinal);
            text.ShouldContain(html[(html.LastIndexOf("<p>", last, StringComparison.Ordinal) + 3)..last], Case.Sensitive, path);
        }
    }

    [Fact]
    public async Task A_page_number_leads_to_the_page_on_which_the_text_stands()
    {
        var guide = await SampleLibrary.ParseAsync("policy/policy-provisions-guide.pdf");
        guide.Title.ShouldBe("Policy Provisions Guide");
        guide.Pages.ShouldBe(4);
        int? PageOf(string text) => guide.Blocks.Last(block => block.Start <= guide.Text.IndexOf(text, StringComparison.Ordinal)).Page;
        PageOf("within 10 days after you receive it").ShouldBe(1);
        PageOf("while sane or insane").ShouldBe(2);
        PageOf("Settlement option: Lump sum").ShouldBe(3);
        PageOf("including war, terrorism, epidemics").ShouldBe(4);
        guide.Text.ShouldNotContain("BL-900", Case.Sensitive, "What stands at the foot of every page is not text.");
    }
}
