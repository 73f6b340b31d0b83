using System.IO.Compression;
using System.Net;
using System.Text;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Documents;

/// <summary>Documents that cannot be read end as failed, with a reason, where a user looks for it.</summary>
public sealed class BadDocumentTests(OpenNode node, SmallNode small)
{
    private static readonly byte[] s_noise = [.. Enumerable.Range(0, 4096).Select(i => (byte)(i * 7919 >> 3))];

    public static TheoryData<string, byte[]> Bad => new()
    {
        { "nothing.txt", [] },
        { "blank.md", "  \n\t \n"u8.ToArray() },
        { "noise.bin", s_noise },
        { "noise.txt", s_noise },
        { "noise.pdf", s_noise },
        { "noise.docx", s_noise },
        { "cut.pdf", "%PDF-1.7\n1 0 obj\n<< /Type /Catalog"u8.ToArray() },
        { "bomb.docx", Bomb() },
        { "broken.json", "{\"a\": [1, 2"u8.ToArray() },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public async Task It_fails_with_a_reason_in_the_list(string name, byte[] content)
    {
        using var caller = node.Caller();
        (await caller.PutDocumentAsync("bad-" + name, content, name)).Expect(HttpStatusCode.Accepted);
        var row = await caller.EndAsync("bad-" + name, "failed");
        ((string?)row["failureCode"]).ShouldNotBeNullOrEmpty();
        ((string?)row["failureDetail"]).ShouldNotBeNull().Length.ShouldBeGreaterThan(20);
        ((string?)row["failureCode"]).ShouldNotBe("internal");
        await TestKit.Retry.Until(
            "it is in the list of failed documents",
            async () => (await caller.ListAsync("&status=failed")).Any(d => (string?)d["id"] == "bad-" + name && d["failureDetail"] is not null));
    }

    [Fact]
    public async Task Broken_documents_of_the_wild_end_one_way_or_the_other()
    {
        var folder = SharedData.Folder("ingest/broken");
        using var caller = node.Caller();
        string[] files = [.. Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal).Take(8), Path.Combine(folder, "onyx_encrypted.pdf")];
        await Task.WhenAll(files.Select(async file =>
        {
            var id = "wild-" + Path.GetFileName(file);
            (await caller.PutDocumentAsync(id, await File.ReadAllBytesAsync(file), Path.GetFileName(file))).Expect(HttpStatusCode.Accepted);
            await TestKit.Retry.Until($"{id} has ended", async () => (string?)(await caller.GetAsync($"/api/v1/documents/{id}")).Json["status"] is "indexed" or "failed", TimeSpan.FromSeconds(50));
        }));
        var encrypted = await caller.EndAsync("wild-onyx_encrypted.pdf", "failed");
        ((string?)encrypted["failureDetail"]).ShouldNotBeNull().ShouldContain("password", Case.Insensitive);
    }

    [Fact]
    public async Task A_document_over_the_limit_is_refused_with_the_limits_name()
    {
        using var caller = small.Caller();
        var large = Encoding.UTF8.GetBytes(new string('a', 17 << 10));
        var refused = (await caller.PutDocumentAsync("large", large, "large.txt")).ExpectProblem(HttpStatusCode.RequestEntityTooLarge, "too-large");
        ((string?)refused["detail"]).ShouldNotBeNull().ShouldContain("ragcluster.documents.max-bytes");
        using var form = new MultipartFormDataContent { { new ByteArrayContent(large), "file", "large.txt" } };
        (await caller.SendAsync(HttpMethod.Post, "/api/v1/documents", form)).ExpectProblem(HttpStatusCode.RequestEntityTooLarge, "too-large");
        (await caller.GetAsync("/api/v1/documents/large")).ExpectProblem(HttpStatusCode.NotFound, "not-found");

        var huge = await RawConnection.RequestAsync(small.Url, $"PUT /api/v1/documents/huge HTTP/1.1\r\nHost: {small.Url.Authority}\r\nContent-Length: 100000000000\r\nConnection: close\r\n\r\n");
        huge.Status.ShouldBe(413, huge.Text);
        huge.Text.ShouldContain("ragcluster.http.max-request-size");
    }

    private static byte[] Bomb()
    {
        using var file = new MemoryStream();
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            using var entry = zip.CreateEntry("word/document.xml", CompressionLevel.Fastest).Open();
            var zeros = new byte[1 << 20];
            for (var i = 0; i < 300; i++)
            {
                entry.Write(zeros);
            }
        }

        return file.ToArray();
    }
}
