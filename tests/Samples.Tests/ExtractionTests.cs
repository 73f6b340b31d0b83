namespace RagCluster.Samples.Tests;

/// <summary>A passage that a parser loses or rewrites can never be found or cited, however good the search is.</summary>
public sealed class ExtractionTests
{
    [Theory]
    [InlineData(".csv")]
    [InlineData(".html")]
    [InlineData(".json")]
    [InlineData(".jsonl")]
    [InlineData(".md")]
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
}
