using System.Net;

namespace RagCluster.Ingestion.Sources.Web;

/// <summary>How pages are fetched.</summary>
public sealed record WebOptions
{
    /// <summary>The crawler's name: what robots.txt files know it by, and the beginning of the User-Agent header.</summary>
    public const string ProductToken = "RagCluster";

    /// <summary>Who runs this crawler, for those who run the sites: an address or a mailbox; part of the User-Agent header. Null: nobody says.</summary>
    public string? Contact { get; init; }

    /// <summary>For a whole response, redirects included.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Of a page, unpacked.</summary>
    public long MaxBytes { get; init; } = 16L << 20;

    public int MaxRedirects { get; init; } = 5;

    /// <summary>Between the beginnings of two requests to one host. A longer Crawl-delay of its robots.txt counts, up to <see cref="MaxCrawlDelay"/>.</summary>
    public TimeSpan MinInterval { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan MaxCrawlDelay { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a robots.txt is believed; RFC 9309 says a day at most.</summary>
    public TimeSpan RobotsLifetime { get; init; } = TimeSpan.FromHours(4);

    /// <summary>Networks inside that may be fetched from all the same.</summary>
    public IReadOnlyList<IPNetwork> AllowNetworks { get; init; } = [];

    /// <summary>Ports that a URL may name. An empty list allows every port.</summary>
    public IReadOnlyList<int> Ports { get; init; } = [80, 443, 8080, 8443];

    internal string UserAgent => Contact is null ? $"{ProductToken}/1.0" : $"{ProductToken}/1.0 (+{Contact})";
}

/// <summary>What a page was like when it was fetched last, to ask whether it has changed.</summary>
/// <param name="ETag">As the server wrote it.</param>
/// <param name="LastModified">As the server wrote it.</param>
public sealed record PageValidators(string? ETag, string? LastModified);

/// <summary>What came of fetching a page.</summary>
public abstract record FetchOutcome;

/// <param name="Final">The address that answered, behind redirects.</param>
public sealed record PageFetched(Uri Final, byte[] Content, string? MediaType, PageValidators Validators) : FetchOutcome;

/// <summary>It is what it was.</summary>
public sealed record PageUnchanged : FetchOutcome;

/// <summary>There is no such page (404), or there never will be again (410).</summary>
public sealed record PageGone(bool ForGood) : FetchOutcome;

/// <param name="Code">One of <see cref="Codes"/>.</param>
/// <param name="Detail">What happened and what to do, for a person.</param>
/// <param name="Transient">Whether a later visit may succeed by itself.</param>
public sealed record PageRefused(string Code, string Detail, bool Transient) : FetchOutcome
{
    /// <summary>Stable names.</summary>
    public static class Codes
    {
        public const string BadUrl = "bad-url";
        public const string AddressRefused = "address-refused";
        public const string Robots = "robots-disallowed";
        public const string Unreachable = "unreachable";
        public const string Timeout = "timeout";
        public const string TooLarge = "too-large";
        public const string Redirects = "too-many-redirects";
        public const string Status = "http-status";
    }
}
