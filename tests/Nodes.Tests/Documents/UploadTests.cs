using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Documents;

public sealed class UploadTests(OpenNode node)
{
    public static TheoryData<string, string> Formats => new()
    {
        { "policy.txt", "The quokkatxt clause ends after ten days." },
        { "policy.md", "# Terms\n\nThe quokkamd clause ends after ten days." },
        { "policy.html", "<html><body><main><h1>Terms</h1><p>The quokkahtml clause ends after ten days.</p></main></body></html>" },
        { "policy.csv", "clause,days\nquokkacsv,10\n" },
        { "policy.json", """{"clause": "quokkajson", "days": 10}""" },
        { "policy.jsonl", "{\"clause\": \"quokkajsonl\"}\n{\"days\": 10}\n" },
    };

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task A_document_of_each_text_format_is_found_by_its_words(string name, string content)
    {
        using var caller = node.Caller();
        var taken = (await caller.PutDocumentAsync("format-" + name, content, name)).Expect(HttpStatusCode.Accepted);
        ((int?)taken["version"]).ShouldBe(1);
        ((bool?)taken["changed"]).ShouldBe(true);

        var row = await caller.EndAsync("format-" + name, "indexed");
        ((string?)row["name"]).ShouldBe(name);
        ((long?)row["bytes"]).ShouldBe(Encoding.UTF8.GetByteCount(content));
        ((int?)row["chunks"]).ShouldNotBeNull().ShouldBeGreaterThan(0);
        (await caller.SearchAsync("quokka" + name.Split('.')[1])).ShouldBe(["format-" + name]);
    }

    [Theory]
    [InlineData("pdf")]
    [InlineData("docx")]
    public async Task A_document_of_each_binary_format_of_the_samples_is_found(string extension)
    {
        var file = Directory.EnumerateFiles(Path.Combine(AppContext.BaseDirectory, "samples", "library"), "*." + extension, SearchOption.AllDirectories).Order().First();
        using var caller = node.Caller();
        var content = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        (await caller.PutDocumentAsync("binary-" + extension, content, Path.GetFileName(file))).Expect(HttpStatusCode.Accepted);
        var row = await caller.EndAsync("binary-" + extension, "indexed");
        ((int?)row["chunks"]).ShouldNotBeNull().ShouldBeGreaterThan(0);

        // A passage says exactly where it stands in the text of its version.
        var text = (string)(await caller.GetAsync($"/api/v1/documents/binary-{extension}/text")).Expect(HttpStatusCode.OK)["text"]!;
        var passages = await caller.PassagesAsync("policy insurance premium", $"&document=binary-{extension}");
        passages.ShouldNotBeEmpty();
        foreach (var passage in passages)
        {
            text[(int)passage!["start"]!..(int)passage["end"]!].ShouldBe((string)passage["text"]!);
        }
    }

    [Fact]
    public async Task A_form_takes_several_files_with_their_readers_and_metadata()
    {
        using var caller = node.Caller();
        using var form = new MultipartFormDataContent
        {
            { new StringContent("adviser"), "readers" },
            { new StringContent("life"), "meta.line" },
            { new ByteArrayContent(Encoding.UTF8.GetBytes("The numbatone form.")), "file", "one.txt" },
            { new ByteArrayContent(Encoding.UTF8.GetBytes("The numbattwo form.")), "file", "two.txt" },
        };
        var documents = (await caller.SendAsync(HttpMethod.Post, "/api/v1/documents", form)).Expect(HttpStatusCode.Accepted)["documents"]!.AsArray();
        documents.Count.ShouldBe(2);
        foreach (var document in documents)
        {
            var row = await caller.EndAsync((string)document!["id"]!, "indexed");
            row["readers"]!.AsArray().Select(r => (string?)r).ShouldBe(["adviser"]);
        }

        (await caller.SearchAsync("numbattwo", "&meta.line=life")).Count.ShouldBe(1);
        (await caller.SearchAsync("numbattwo", "&meta.line=motor")).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("../../../etc/passwd", "passwd")]
    [InlineData("..\\..\\windows\\system.ini", "system.ini")]
    [InlineData("/absolute/bilby.txt", "bilby.txt")]
    [InlineData("bil\u0007by\n.txt", "bilby.txt")]
    public async Task A_name_keeps_its_last_part_only(string sent, string kept)
    {
        using var caller = node.Caller();
        var id = $"traversal-{kept}-{sent.Length}";
        (await caller.PutDocumentAsync(id, "Something harmless.", sent)).Expect(HttpStatusCode.Accepted);
        ((string?)(await caller.GetAsync($"/api/v1/documents/{id}")).Expect(HttpStatusCode.OK)["name"]).ShouldBe(kept);
        Directory.EnumerateFiles(node.DataFolder, kept, SearchOption.AllDirectories).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("..%2F..%2Fescape")]
    [InlineData("%2e%2e%2fescape")]
    [InlineData("a%2Fb")]
    [InlineData("%00")]
    public async Task An_id_with_slashes_or_dots_names_nothing_outside(string id)
    {
        var escaped = Path.Combine(Path.GetDirectoryName(node.DataFolder)!, "escape");
        var answer = await RawConnection.RequestAsync(node.Url, $"PUT /api/v1/documents/{id}?name=x.txt HTTP/1.1\r\nHost: {node.Url.Authority}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
        new[] { 202, 400, 404 }.ShouldContain(answer.Status, answer.Text);
        File.Exists(escaped).ShouldBeFalse();
    }

    [Fact]
    public async Task The_same_content_again_is_unchanged_and_other_content_is_the_next_version()
    {
        using var caller = node.Caller();
        await caller.IndexAsync("versioned", "The wombatold rate is four percent.");
        var again = (await caller.PutDocumentAsync("versioned", "The wombatold rate is four percent.")).Expect(HttpStatusCode.Accepted);
        ((bool?)again["changed"]).ShouldBe(false);
        ((int?)again["version"]).ShouldBe(1);

        await caller.IndexAsync("versioned", "The wombatnew rate is five percent.");
        (await caller.SearchAsync("wombatold")).ShouldBeEmpty();
        (await caller.SearchAsync("wombatnew")).ShouldBe(["versioned"]);
        ((string?)(await caller.GetAsync("/api/v1/documents/versioned/versions/1/text")).Expect(HttpStatusCode.OK)["text"]).ShouldNotBeNull().ShouldContain("wombatold");
        ((string?)(await caller.GetAsync("/api/v1/documents/versioned/text")).Expect(HttpStatusCode.OK)["text"]).ShouldNotBeNull().ShouldContain("wombatnew");
        (await caller.GetAsync("/api/v1/documents/versioned/versions/3/text")).ExpectProblem(HttpStatusCode.NotFound, "not-found");
    }

    [Fact]
    public async Task A_form_that_cannot_be_read_is_told_so()
    {
        using var caller = node.Caller();
        (await caller.SendAsync(HttpMethod.Post, "/api/v1/documents", new StringContent("plain"))).ExpectProblem(HttpStatusCode.UnsupportedMediaType, "unsupported-media-type");

        using var empty = new MultipartFormDataContent { { new StringContent("x"), "readers" } };
        (await caller.SendAsync(HttpMethod.Post, "/api/v1/documents", empty)).ExpectProblem(HttpStatusCode.BadRequest, "invalid");

        var cut = new ByteArrayContent(Encoding.UTF8.GetBytes("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"cut.txt\"\r\n\r\nhalf of it"));
        cut.Headers.ContentType = MediaTypeHeaderValue.Parse("multipart/form-data; boundary=b");
        (await caller.SendAsync(HttpMethod.Post, "/api/v1/documents", cut)).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await caller.ListAsync("&q=cut.txt")).ShouldBeEmpty();
    }
}
