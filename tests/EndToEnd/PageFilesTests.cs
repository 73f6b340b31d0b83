using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using RagCluster.EndToEnd.Scripted;
using RagCluster.Nodes.Page;

namespace RagCluster.EndToEnd;

/// <summary>How the page's files are served; no browser needed.</summary>
public sealed class PageFilesTests
{
    [Fact]
    public async Task Every_file_comes_with_its_policy_type_and_tag_packed_or_not()
    {
        await using var node = await ScriptedNode.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(node.Address) };
        var files = typeof(PageFiles).Assembly.GetManifestResourceNames().Where(name => name.StartsWith("wwwroot/", StringComparison.Ordinal)).Select(name => name["wwwroot".Length..]).ToList();
        files.ShouldContain("/index.html");
        foreach (var file in files.Append("/"))
        {
            using var plain = await client.GetAsync(file);
            plain.StatusCode.ShouldBe(HttpStatusCode.OK, file);
            plain.Headers.GetValues("Content-Security-Policy").ShouldBe([PageFiles.ContentSecurityPolicy]);
            plain.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
            plain.Content.Headers.ContentType.ShouldNotBeNull();

            using var packedRequest = new HttpRequestMessage(HttpMethod.Get, file);
            packedRequest.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("gzip"));
            using var packed = await client.SendAsync(packedRequest);
            packed.Content.Headers.ContentEncoding.ShouldBe(["gzip"]);
            using var unpacked = new MemoryStream();
            await using (var gzip = new GZipStream(await packed.Content.ReadAsStreamAsync(), CompressionMode.Decompress))
            {
                await gzip.CopyToAsync(unpacked);
            }

            unpacked.ToArray().ShouldBe(await plain.Content.ReadAsByteArrayAsync());

            using var again = new HttpRequestMessage(HttpMethod.Get, file);
            again.Headers.IfNoneMatch.Add(plain.Headers.ETag!);
            using var unchanged = await client.SendAsync(again);
            unchanged.StatusCode.ShouldBe(HttpStatusCode.NotModified, file);
        }
    }

    [Theory]
    [InlineData("/appsettings.json")]
    [InlineData("/js/")]
    [InlineData("/..%2fragcluster.dll")]
    [InlineData("/js/..%5c..%5cragcluster.dll")]
    [InlineData("/%2e%2e/%2e%2e/etc/passwd")]
    public async Task Nothing_but_the_page_is_served(string path)
    {
        await using var node = await ScriptedNode.StartAsync();
        using var client = new HttpClient { BaseAddress = new Uri(node.Address) };
        (await client.GetAsync(path)).StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }
}
