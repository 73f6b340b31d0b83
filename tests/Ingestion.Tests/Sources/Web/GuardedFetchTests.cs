using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using RagCluster.Ingestion.Sources.Web;
using RagCluster.TestKit.Web;

namespace RagCluster.Ingestion.Tests.Sources.Web;

/// <summary>The whole way from a URL to a socket, with every connection counted: to inside addresses there is none, whatever the URL looks like.</summary>
public sealed class GuardedFetchTests : IDisposable
{
    private static readonly IPAddress s_public = IPAddress.Parse("93.184.216.34");

    private readonly ConcurrentQueue<IPEndPoint> _connects = new();
    private readonly List<IDisposable> _open = [];

    public static TheoryData<string> Inside =>
    [
        "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://017700000001/", "http://127.0.0.1./",
        "http://0/", "http://0.0.0.0/", "http://10.0.0.1/", "http://10.255.255.255/", "http://172.16.0.1/", "http://172.31.255.254/", "http://192.168.1.1/", "http://3232235777/",
        "http://169.254.169.254/latest/meta-data/", "http://2852039166/", "http://0xa9fea9fe/", "http://0251.0376.0251.0376/", "http://169.254.170.2/", "http://100.100.100.200/",
        "http://192.0.0.192/", "http://168.63.129.16/", "http://100.64.0.1/", "http://198.18.0.1/", "http://224.0.0.1/", "http://255.255.255.255/", "http://240.0.0.1/",
        "http://[::]/", "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::ffff:169.254.169.254]/", "http://[::127.0.0.1]/", "http://[0:0:0:0:0:0:0:1]/",
        "http://[fe80::1]/", "http://[fe80::1%25eth0]/", "http://[fc00::1]/", "http://[fd00:ec2::254]/", "http://[ff02::1]/", "http://[64:ff9b::7f00:1]/", "http://[2002:7f00:1::]/",
        "http://[2001:db8::1]/", "https://127.0.0.1/", "https://[::1]/", "http://127.0.0.1:8080/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://１２７.0.0.1/",
        "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://inside.example/", "http://mixed.example/", "http://six.example/", "http://metadata.google.internal/",
    ];

    [Theory]
    [MemberData(nameof(Inside))]
    public async Task No_address_inside_is_connected_to(string url)
    {
        var fetcher = Fetcher(Names, _ => throw new InvalidOperationException("unreachable"));
        if (WebFetcher.Parse(url, out _) is { } parsed)
        {
            var refused = (await fetcher.FetchAsync(parsed, null, TestContext.Current.CancellationToken)).ShouldBeOfType<PageRefused>();

            // Digits of other scripts are no digits to this resolver: then there is no address to refuse.
            var plain = System.Text.Ascii.IsValid(url);
            (refused.Code == PageRefused.Codes.AddressRefused || (!plain && refused.Code == PageRefused.Codes.Unreachable)).ShouldBeTrue(refused.Detail);
        }

        _connects.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("ftp://example.org/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("gopher://127.0.0.1/")]
    [InlineData("//example.org/")]
    [InlineData("http://user:secret@example.org/")]
    [InlineData("http:///nohost")]
    [InlineData("javascript:alert(1)")]
    [InlineData("http://")]
    [InlineData("")]
    public void What_is_no_web_address_is_refused_before_anything_is_looked_up(string url)
    {
        WebFetcher.Parse(url, out var problem).ShouldBeNull();
        problem.ShouldNotBeNull();
    }

    [Fact]
    public async Task No_redirect_leads_inside()
    {
        foreach (var target in Inside.Select(row => row.Data).Append("//127.0.0.1/").Append("ftp://example.org/").Append("file:///etc/passwd").Append("http://user:p@example.org/").Append("http://example.org:22/"))
        {
            _connects.Clear();
            await using var site = new LoopbackSite(r => r.Path == "/robots.txt" ? SiteResponse.Missing : SiteResponse.To(Ascii(target)));
            var fetcher = Fetcher(Names, _ => site.Port);
            var outcome = await fetcher.FetchAsync(new Uri("http://example.org/start"), null, TestContext.Current.CancellationToken);
            outcome.ShouldBeOfType<PageRefused>().Code.ShouldBeOneOf(PageRefused.Codes.AddressRefused, PageRefused.Codes.BadUrl, PageRefused.Codes.Unreachable);
            _connects.ShouldAllBe(c => c.Address.Equals(s_public), target);
            _connects.ShouldNotBeEmpty();
        }
    }

    [Fact]
    public async Task A_robots_txt_that_redirects_inside_is_not_followed()
    {
        await using var site = new LoopbackSite(_ => SiteResponse.To("http://169.254.169.254/robots.txt"));
        var outcome = await Fetcher(Names, _ => site.Port).FetchAsync(new Uri("http://example.org/"), null, TestContext.Current.CancellationToken);
        outcome.ShouldBeOfType<PageRefused>().Code.ShouldBe(PageRefused.Codes.AddressRefused);
        _connects.ShouldAllBe(c => c.Address.Equals(s_public));
    }

    /// <summary>A name whose owner answers "outside" when it is checked and "inside" when it is connected to.</summary>
    [Fact]
    public async Task A_name_that_changes_between_two_look_ups_gains_nothing()
    {
        var lookups = 0;
        await using var site = new LoopbackSite(r => r.Path == "/robots.txt" ? SiteResponse.Missing : SiteResponse.Html("<p>public</p>"));
        var fetcher = Fetcher(_ => Interlocked.Increment(ref lookups) % 2 == 1 ? [s_public] : [IPAddress.Loopback], _ => site.Port);
        for (var i = 0; i < 20; i++)
        {
            await fetcher.FetchAsync(new Uri($"http://rebind.example/{i}"), null, TestContext.Current.CancellationToken);
        }

        lookups.ShouldBeGreaterThan(1);
        _connects.ShouldNotBeEmpty();
        _connects.ShouldAllBe(c => c.Address.Equals(s_public));
    }

    [Fact]
    public async Task A_port_that_is_not_the_webs_is_refused()
    {
        var fetcher = new WebFetcher(new WebOptions(), TimeProvider.System, Connector(Names, _ => 1));
        _open.Add(fetcher);
        foreach (var port in new[] { 22, 25, 6379, 5432, 9200 })
        {
            var refused = (await fetcher.FetchAsync(new Uri($"http://example.org:{port}/"), null, TestContext.Current.CancellationToken)).ShouldBeOfType<PageRefused>();
            refused.Detail.ShouldContain($"port {port}");
        }

        _connects.ShouldBeEmpty();
    }

    public void Dispose() => _open.ForEach(o => o.Dispose());

    private static IPAddress[] Names(string host) => host.TrimEnd('.').ToLowerInvariant() switch
    {
        "localhost" => [IPAddress.Loopback, IPAddress.IPv6Loopback],
        "inside.example" => [IPAddress.Parse("10.0.0.5")],
        "mixed.example" => [s_public, IPAddress.Parse("192.168.0.1")],
        "six.example" => [IPAddress.Parse("fd00::1")],
        "metadata.google.internal" => [IPAddress.Parse("169.254.169.254")],
        "example.org" => [s_public],

        // What the system's resolver makes of numbers: it knows all of their notations.
        var number when number.All(c => char.IsAsciiHexDigit(c) || c is '.' or 'x') => Dns.GetHostAddresses(number),
        _ => throw new SocketException((int)SocketError.HostNotFound),
    };

    private static string Ascii(string url) => Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? uri.AbsoluteUri : url;

    private WebFetcher Fetcher(Func<string, IPAddress[]> names, Func<IPEndPoint, int> portOf)
    {
        var fetcher = new WebFetcher(new WebOptions { MinInterval = TimeSpan.Zero, Timeout = TimeSpan.FromSeconds(30) }, TimeProvider.System, Connector(names, portOf));
        _open.Add(fetcher);
        return fetcher;
    }

    /// <summary>Notes where the connection would have gone, and goes to the test's own server.</summary>
    private GuardedConnector Connector(Func<string, IPAddress[]> names, Func<IPEndPoint, int> portOf) => new(
        AddressGuard.PublicOnly,
        (host, _) => Task.FromResult(names(host)),
        async (endpoint, cancellation) =>
        {
            _connects.Enqueue(endpoint);
            var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, portOf(endpoint), cancellation);
            return client.GetStream();
        });
}
