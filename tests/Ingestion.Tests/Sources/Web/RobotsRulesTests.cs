using System.Text;
using RagCluster.Ingestion.Sources.Web;

namespace RagCluster.Ingestion.Tests.Sources.Web;

/// <summary>RFC 9309, with its own examples first.</summary>
public class RobotsRulesTests
{
    private const string Example = """
        User-Agent: *
        Disallow: *.gif$
        Disallow: /example/
        Allow: /publications/

        User-Agent: foobot
        Disallow:/
        Allow:/example/page.html
        Allow:/example/allowed.gif

        User-Agent: barbot
        User-Agent: bazbot
        Disallow: /example/page.html

        User-Agent: quxbot
        """;

    [Theory]
    [InlineData("foobot", "/example/page.html", true)]
    [InlineData("foobot", "/example/allowed.gif", true)]
    [InlineData("foobot", "/other", false)]
    [InlineData("FooBot", "/other", false)]
    [InlineData("barbot", "/example/page.html", false)]
    [InlineData("bazbot", "/example/page.html", false)]
    [InlineData("bazbot", "/example/", true)]
    [InlineData("quxbot", "/example/", true)]
    [InlineData("other", "/example/x", false)]
    [InlineData("other", "/a/b.gif", false)]
    [InlineData("other", "/a/b.gif?x", true)]
    [InlineData("other", "/publications/x.gif", true)]
    [InlineData("other", "/robots.txt", true)]
    public void The_example_of_the_RFC(string agent, string path, bool allowed) => Rules(Example, agent).Allows(path).ShouldBe(allowed);

    /// <summary>RFC 9309 5.2: the longest match counts, and between equal ones the one that allows.</summary>
    [Theory]
    [InlineData("Allow: /example/page/\nDisallow: /example/page/disallowed.gif", "/example/page/disallowed.gif", false)]
    [InlineData("Allow: /example/page/\nDisallow: /example/page/disallowed.gif", "/example/page/", true)]
    [InlineData("Disallow: /p\nAllow: /p", "/p", true)]
    [InlineData("Disallow: /", "", false)]
    [InlineData("Disallow:", "/x", true)]
    [InlineData("Disallow: /a*b*c$", "/aXbYc", false)]
    [InlineData("Disallow: /a*b*c$", "/aXbYcd", true)]
    [InlineData("Disallow: /*?", "/x?y", false)]
    [InlineData("Disallow: /*?", "/x", true)]
    [InlineData("Disallow: /$", "/", false)]
    [InlineData("Disallow: /$", "/x", true)]
    [InlineData("Disallow: /foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar", true)]
    [InlineData("Disallow: /foo/bar/ツ", "/foo/bar/%E3%83%84", false)]
    [InlineData("Disallow: /foo/bar/%E3%83%84", "/foo/bar/%e3%83%84", false)]
    [InlineData("Disallow: /foo/bar/%62%61%7A", "/foo/bar/baz", false)]
    [InlineData("Disallow: /Case", "/case", true)]
    [InlineData("Disallow: /x # remark", "/x", false)]
    [InlineData("Unknown: 1\nDisallow: /x", "/x", false)]
    [InlineData("disALLOW :/x", "/x", false)]
    [InlineData("Disallow: nopath", "/nopath", true)]
    public void The_longest_rule_that_matches_decides(string rules, string path, bool allowed) => Rules("user-agent: *\n" + rules, "RagCluster").Allows(path).ShouldBe(allowed);

    [Fact]
    public void Groups_of_one_agent_are_one_and_those_of_others_do_not_count()
    {
        var rules = Rules("User-agent: RagCluster/2.0\nDisallow: /a\n\nUser-agent: *\nDisallow: /\n\nUser-agent: other\nUser-agent: ragcluster\nDisallow: /b\nCrawl-delay: 2.5", "RagCluster");
        rules.Allows("/a").ShouldBeFalse();
        rules.Allows("/b").ShouldBeFalse();
        rules.Allows("/c").ShouldBeTrue();
        rules.CrawlDelay.ShouldBe(TimeSpan.FromSeconds(2.5));
        Rules("User-agent: RagClusterBot\nDisallow: /", "RagCluster").Allows("/").ShouldBeTrue();
    }

    [Fact]
    public void Line_ends_marks_rubbish_and_sitemaps()
    {
        var rules = Rules("\ufeffUser-agent: *\r\nDisallow: /a\rDisallow: /b\n\0\u0001 garbage\nSitemap: https://example.org/s.xml\nDisallow: /c", "x");
        new[] { "/a", "/b", "/c" }.ShouldAllBe(path => !rules.Allows(path));
        rules.Sitemaps.ShouldBe(["https://example.org/s.xml"]);
        Rules("<html>no robots here</html>", "x").Allows("/").ShouldBeTrue();
        RobotsRules.Parse([0xff, 0xfe, 0x00, 0x80], "x").Allows("/").ShouldBeTrue();
    }

    [Fact]
    public void Neither_a_huge_file_nor_a_pattern_of_stars_holds_anything_up()
    {
        var many = new StringBuilder("User-agent: *\n");
        for (var i = 0; i < 60_000; i++)
        {
            many.Append("Disallow: /").Append(i).Append('\n');
        }

        Rules(many.ToString(), "x").Allows("/0").ShouldBeFalse();
        var stars = Rules("User-agent: *\nDisallow: /" + string.Concat(Enumerable.Repeat("*a", 1_000)) + "b", "x");
        stars.Allows("/" + new string('a', 2_000)).ShouldBeTrue();
    }

    private static RobotsRules Rules(string text, string agent) => RobotsRules.Parse(Encoding.UTF8.GetBytes(text), agent);
}
