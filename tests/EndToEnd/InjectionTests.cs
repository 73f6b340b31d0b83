using RagCluster.EndToEnd.Scripted;

namespace RagCluster.EndToEnd;

/// <summary>What a document says is shown, never obeyed: no markup, link, image or script comes out of text.</summary>
public sealed class InjectionTests(BrowserFixture fixture) : VisitTest(fixture)
{
    private const string Foreign = "#turns img, #turns script, #turns a, #turns b, .source img, .source script, .source a, .source b, #results img, #results script, #results a, #results b, #documents b, #documents img";

    [Fact]
    public Task Markup_in_answers_sources_and_titles_stays_text() => VisitAsync(async page =>
    {
        await AskAsync(page, "Show me some markup <img src=x onerror=alert(1)>");
        await Expect(page.Locator(".turn")).ToHaveAttributeAsync("data-status", "completed");
        await Expect(page.Locator(".turn .question")).ToHaveTextAsync("Show me some markup <img src=x onerror=alert(1)>");
        await Expect(page.Locator(".turn .answer")).ToContainTextAsync(Script.Hostile);
        await Expect(page.Locator(".sources strong")).ToHaveTextAsync("Notes <b>from</b> the branch");
        await page.Locator(".turn button.cite").First.ClickAsync();
        await Expect(page.Locator("#source-text mark")).ToHaveTextAsync(Script.Hostile);
        await Expect(page.Locator(Foreign)).ToHaveCountAsync(0);

        await page.GotoAsync("/#/search");
        await page.GetByLabel("Words to search for").FillAsync("onerror");
        await Expect(page.Locator(".result .passage")).ToContainTextAsync("<img src=x");
        await Expect(page.Locator(".result mark").First).ToHaveTextAsync("onerror");

        await page.GotoAsync("/#/documents");
        await Expect(page.Locator("#documents")).ToContainTextAsync("Notes <b>from</b> the branch");
        await Expect(page.Locator(Foreign)).ToHaveCountAsync(0);
        (await page.TitleAsync()).ShouldNotContain("owned");
    });

    [Fact]
    public Task The_policy_forbids_inline_script_and_strings_as_markup() => VisitAsync(
        async page =>
        {
            var answer = await page.APIRequest.GetAsync("/");
            var policy = answer.Headers["content-security-policy"];
            policy.ShouldStartWith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
            answer.Headers["x-content-type-options"].ShouldBe("nosniff");
            var refused = await page.EvaluateAsync<string>("() => { try { document.createElement('p').innerHTML = '<b>x</b>'; return ''; } catch (error) { return error.name; } }");
            refused.ShouldBe("TypeError");
        },
        new() { Expected = "TrustedHTML" });
}
