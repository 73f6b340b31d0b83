using Microsoft.Playwright;
using RagCluster.EndToEnd.Scripted;

namespace RagCluster.EndToEnd;

public sealed class DocumentTests(BrowserFixture fixture) : VisitTest(fixture)
{
    private static readonly VisitOptions Documents = new() { Path = "/#/documents" };

    [Fact]
    public Task Dropped_files_show_their_progress_until_they_can_be_asked_about() => VisitAsync(async (page, node) =>
    {
        node.Documents.Step.Close();
        await DropAsync(page, ("rider.txt", "The rider pays twice the sum insured after an accident."), ("encrypted.pdf", "sealed"));
        var tray = page.GetByRole(AriaRole.Region, new() { Name = "Uploads" });
        await Expect(tray.Locator("li", new() { HasText = "rider.txt" }).Locator(".now")).ToHaveTextAsync("Received");
        await Expect(page.Locator("#documents .document", new() { HasText = "rider.txt" })).ToHaveAttributeAsync("data-status", "received");

        node.Documents.Step.Open();
        await Expect(tray.Locator("li", new() { HasText = "rider.txt" }).Locator(".now")).ToHaveTextAsync("Ready");
        await Expect(page.Locator("#documents .document", new() { HasText = "rider.txt" })).ToHaveAttributeAsync("data-status", "indexed");
        await Expect(tray.Locator("li", new() { HasText = "encrypted.pdf" }).Locator(".why")).ToContainTextAsync("Remove the password");
    }, Documents);

    [Fact]
    public Task A_refused_upload_says_why() => VisitAsync(async page =>
    {
        await DropAsync(page, ("nothing.txt", ""));
        await Expect(page.Locator("#tray .why")).ToHaveTextAsync("The file is empty. Choose another one.");
    }, Documents with { Expected = "422" });

    [Fact]
    public Task A_failed_document_shows_its_reason_and_can_be_tried_again() => VisitAsync(async page =>
    {
        var row = page.Locator(".document", new() { HasText = "board-minutes-encrypted.pdf" });
        await Expect(row.Locator(".reason")).ToContainTextAsync("protected by a password");
        await Expect(page.Locator(".document", new() { HasText = "regulations-annex.pdf" }).Locator(".reason")).ToContainTextAsync("Next try at");
        await row.GetByRole(AriaRole.Button, new() { Name = "Try again" }).ClickAsync();
        await Expect(page.Locator(".document[data-id=sealed]")).ToHaveAttributeAsync("data-status", "indexed");
    }, Documents);

    [Fact]
    public Task Readers_are_changed_and_documents_deleted_after_asking() => VisitAsync(async (page, node) =>
    {
        await page.GetByRole(AriaRole.Button, new() { Name = "Who may read Claims: questions and answers" }).ClickAsync();
        await page.GetByRole(AriaRole.Checkbox, new() { Name = "adviser" }).CheckAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(page.Locator(".document[data-id=claims] .readers")).ToHaveTextAsync("adviser");

        await page.GetByRole(AriaRole.Button, new() { Name = "Delete Claims: questions and answers" }).ClickAsync();
        await page.Keyboard.PressAsync("Escape");
        node.Documents.Find("claims").ShouldNotBeNull();
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete Claims: questions and answers" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Delete", Exact = true }).ClickAsync();
        await Expect(page.Locator(".document[data-id=claims]")).ToHaveCountAsync(0);
        node.Documents.Find("claims").ShouldBeNull();
    }, Documents);

    [Fact]
    public Task The_list_is_filtered_and_follows_what_happens_at_the_node() => VisitAsync(async (page, node) =>
    {
        await page.GetByLabel("State").SelectOptionAsync("failed");
        await Expect(page.Locator(".document")).ToHaveCountAsync(2);
        await page.GetByLabel("State").SelectOptionAsync("");
        await page.GetByLabel("Find a document by name").FillAsync("claims");
        await Expect(page.Locator(".document")).ToHaveCountAsync(1);
        node.Documents.Put(node.Documents.Find("claims")! with { Status = "failed", FailureDetail = "The disk is full. Free some space, then try again." });
        await Expect(page.Locator(".document .reason")).ToContainTextAsync("The disk is full");
    }, Documents);

    [Fact]
    public Task A_document_is_read_in_the_source_panel() => VisitAsync(async page =>
    {
        await page.GetByRole(AriaRole.Button, new() { Name = "Claims: questions and answers", Exact = true }).ClickAsync();
        await Expect(page.Locator("#source-text")).ToContainTextAsync("Keep the envelope: the postmark counts.");
    }, Documents);

    [Fact]
    public Task Viewing_as_a_role_narrows_what_is_asked_for() => VisitAsync(async page =>
    {
        await Expect(page.Locator(".document")).ToHaveCountAsync(7);
        await page.GetByLabel("View as").SelectOptionAsync("customer");
        await Expect(page.Locator(".document")).ToHaveCountAsync(6);
        await Expect(page.Locator("#documents")).Not.ToContainTextAsync("Underwriting guide");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Delete" })).ToHaveCountAsync(0);
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Add documents" })).ToHaveCountAsync(0);
        await page.ReloadAsync();
        await Expect(page.GetByLabel("View as")).ToHaveValueAsync("customer");
    }, Documents);

    [Fact]
    public Task A_node_that_asks_for_a_token_gets_one() => VisitAsync(
        async page =>
        {
            await page.GetByLabel("Access token").FillAsync("wrong");
            await page.Keyboard.PressAsync("Enter");
            await Expect(page.Locator("dialog")).ToContainTextAsync("did not accept this token");
            await page.GetByLabel("Access token").FillAsync("right");
            await page.Keyboard.PressAsync("Enter");
            await Expect(page.Locator(".document")).ToHaveCountAsync(7);
            await Expect(page.Locator("#user")).ToHaveTextAsync("ada");

            // Whoever comes next on this machine sees nothing of it.
            await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
            await Expect(page.GetByLabel("Access token")).ToBeVisibleAsync();
            await Expect(page.Locator(".document")).ToHaveCountAsync(0);
        },
        Documents with { Prepare = node => node.Token = "right", Connect = false, Expected = "401" });
}
