using System.IO.Compression;
using System.Text;
using RagCluster.Ingestion.Sources.Web;

namespace RagCluster.Ingestion.Tests.Sources.Web;

public class SitemapReaderTests
{
    private const string Pages = """
        <?xml version="1.0" encoding="UTF-8"?>
        <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
          <url><loc> https://example.org/a?x=1&amp;y=2 </loc><lastmod>2026-02-03</lastmod><image:image><image:loc>https://example.org/i.png</image:loc></image:image></url>
          <url><lastmod>2026-02-03T04:05:06+02:00</lastmod><loc><![CDATA[https://example.org/b]]></loc></url>
          <url><loc/></url>
          <url><loc>https://example.org/c</loc><lastmod>soon</lastmod></url>
        </urlset>
        """;

    [Fact]
    public void Pages_with_what_is_known_of_them()
    {
        var sitemap = SitemapReader.Read(Encoding.UTF8.GetBytes(Pages));
        sitemap.IsIndex.ShouldBeFalse();
        sitemap.Entries.ShouldBe(
        [
            new SitemapEntry("https://example.org/a?x=1&y=2", new DateTimeOffset(2026, 2, 3, 0, 0, 0, TimeSpan.Zero)),
            new SitemapEntry("https://example.org/b", new DateTimeOffset(2026, 2, 3, 4, 5, 6, TimeSpan.FromHours(2))),
            new SitemapEntry("https://example.org/c", null),
        ]);
    }

    [Fact]
    public void Compressed_plain_and_of_further_sitemaps()
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(Encoding.UTF8.GetBytes(Pages));
        }

        SitemapReader.Read(packed.ToArray()).Entries.Count.ShouldBe(3);
        SitemapReader.Read("\ufeffhttps://example.org/a\n\nhttps://example.org/b\n"u8.ToArray()).Entries.Select(e => e.Location).ShouldBe(["https://example.org/a", "https://example.org/b"]);
        var index = SitemapReader.Read("<sitemapindex><sitemap><loc>https://example.org/1.xml</loc></sitemap></sitemapindex>"u8.ToArray());
        index.IsIndex.ShouldBeTrue();
        index.Entries.Single().Location.ShouldBe("https://example.org/1.xml");
    }

    [Theory]
    [InlineData("<html><body>Not found</body></html>")]
    [InlineData("<urlset><url><loc>x</url></urlset>")]
    [InlineData("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><urlset><url><loc>&e;</loc></url></urlset>")]
    [InlineData("Hello, this is a page.")]
    [InlineData("<")]
    public void What_is_no_sitemap_is_refused_with_a_reason(string text) =>
        Should.Throw<InvalidDataException>(() => SitemapReader.Read(Encoding.UTF8.GetBytes(text))).Message.Length.ShouldBeGreaterThan(10);

    [Fact]
    public void A_bomb_and_an_endless_list_are_cut()
    {
        using var bomb = new MemoryStream();
        using (var gzip = new GZipStream(bomb, CompressionLevel.Fastest, leaveOpen: true))
        {
            var zeros = new byte[1 << 20];
            for (var i = 0; i < 60; i++)
            {
                gzip.Write(zeros);
            }
        }

        Should.Throw<InvalidDataException>(() => SitemapReader.Read(bomb.ToArray())).Message.ShouldContain("unpacked");
        var many = string.Concat(Enumerable.Range(0, SitemapReader.MaxEntries + 1).Select(i => $"https://example.org/{i}\n"));
        var sitemap = SitemapReader.Read(Encoding.UTF8.GetBytes(many));
        (sitemap.Entries.Count, sitemap.Truncated).ShouldBe((SitemapReader.MaxEntries, true));
    }
}
