using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;

namespace RagCluster.Ingestion.Sources.Web;

/// <summary>
/// Fetches pages as a polite crawler does: what robots.txt allows, one request after the other to a host, with a pause
/// between, and only what has changed. Every hop of a redirect is a URL of its own: checked for scheme, port, address and
/// robots.txt like the first. No cookies, no credentials, no proxy.
/// </summary>
public sealed class WebFetcher : IDisposable
{
    /// <summary>Hosts whose pace and robots.txt are remembered; of more, those that have rested longest are forgotten.</summary>
    private const int MaxHosts = 1_000;

    private const int MaxUrlLength = 2_048;

    private readonly WebOptions _options;
    private readonly TimeProvider _time;
    private readonly HttpClient _http;
    private readonly ConcurrentDictionary<string, WebHost> _hosts = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="connector">Null: one that lets through public addresses and <see cref="WebOptions.AllowNetworks"/>.</param>
    public WebFetcher(WebOptions options, TimeProvider time, GuardedConnector? connector = null)
    {
        (_options, _time) = (options, time);
        connector ??= new GuardedConnector(new AddressGuard(options.AllowNetworks));
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            Credentials = null,
            AutomaticDecompression = DecompressionMethods.All,
            MaxResponseHeadersLength = 64,
            MaxResponseDrainSize = 0,
            ConnectTimeout = options.Timeout,
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            ConnectCallback = async (context, cancellation) => await connector.ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellation),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _http.DefaultRequestHeaders.TryAddWithoutValidation("User-Agent", options.UserAgent);
        _http.DefaultRequestHeaders.TryAddWithoutValidation("Accept", "text/html, application/xhtml+xml, text/plain, text/markdown, application/pdf, */*;q=0.5");
    }

    public void Dispose()
    {
        _http.Dispose();
        foreach (var host in _hosts.Values)
        {
            host.Dispose();
        }
    }

    /// <summary>The URL in the form that is fetched and remembered: without fragment. Null with the reason where it cannot be fetched.</summary>
    public static Uri? Parse(string url, out string? problem)
    {
        problem = null;
        if (url.Length > MaxUrlLength)
        {
            problem = $"A URL has at most {MaxUrlLength} characters; this one has {url.Length}.";
        }
        else if (!Uri.TryCreate(url.Trim(), UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.Host.Length == 0)
        {
            problem = "It is no absolute http or https URL.";
        }
        else if (uri.UserInfo.Length > 0)
        {
            problem = "It has a user name or password in it; those are neither sent nor kept.";
        }
        else
        {
            return uri.Fragment.Length == 0 ? uri : new UriBuilder(uri) { Fragment = "" }.Uri;
        }

        return null;
    }

    /// <summary>Fetches a page. Failures are outcomes.</summary>
    /// <param name="known">What it was like the last time; null asks for it whatever it is like.</param>
    public Task<FetchOutcome> FetchAsync(Uri url, PageValidators? known, CancellationToken cancellation) =>
        WithinAsync(url, token => FollowAsync(url, known, heedRobots: true, _options.MaxBytes, token), cancellation);

    /// <summary>The sitemaps that the host's robots.txt names.</summary>
    public async Task<IReadOnlyList<string>> SitemapsOfAsync(Uri host, CancellationToken cancellation) =>
        (await RobotsAsync(HostOf(host), host, cancellation)).Sitemaps;

    private async Task<FetchOutcome> WithinAsync(Uri url, Func<CancellationToken, Task<FetchOutcome>> fetch, CancellationToken cancellation)
    {
        try
        {
            return await fetch(cancellation);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new PageRefused(PageRefused.Codes.Timeout, $"{url} did not answer completely within {_options.Timeout.TotalSeconds:0} s.", true);
        }
        catch (Exception e) when (Refusal(e) is { } refused)
        {
            return new PageRefused(PageRefused.Codes.AddressRefused, refused.Message, false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or InvalidDataException)
        {
            return new PageRefused(PageRefused.Codes.Unreachable, $"{url} could not be fetched: {Innermost(e)}", true);
        }
    }

    private async Task<FetchOutcome> FollowAsync(Uri url, PageValidators? known, bool heedRobots, long maxBytes, CancellationToken cancellation)
    {
        var at = url;
        for (var hops = 0; ; hops++)
        {
            if (_options.Ports.Count > 0 && !_options.Ports.Contains(at.Port))
            {
                return new PageRefused(PageRefused.Codes.AddressRefused, $"{at} names port {at.Port}; ragcluster.ingestion.web.ports has those that may be named.", false);
            }

            var host = HostOf(at);
            if (heedRobots && !(await RobotsAsync(host, at, cancellation)).Allows(at.PathAndQuery))
            {
                return new PageRefused(PageRefused.Codes.Robots, $"The robots.txt of {at.Authority} does not allow {at.PathAndQuery} to be fetched.", false);
            }

            var (outcome, next) = await host.InTurnAsync(Interval(host), token => RequestAsync(at, known, maxBytes, token), _options.Timeout, _time, cancellation);
            if (outcome is not null)
            {
                return outcome;
            }

            if (hops == _options.MaxRedirects)
            {
                return new PageRefused(PageRefused.Codes.Redirects, $"{url} leads from one address to another more than {_options.MaxRedirects} times.", false);
            }

            if (Parse(next!.OriginalString, out var problem) is not { } parsed)
            {
                return new PageRefused(PageRefused.Codes.BadUrl, $"{url} leads to '{next}'. {problem}", false);
            }

            if (at.Scheme == "https" && parsed.Scheme == "http")
            {
                return new PageRefused(PageRefused.Codes.BadUrl, $"{url} leads from https to {parsed}, which anybody on the way could change.", false);
            }

            at = parsed;
        }
    }

    private async Task<(FetchOutcome? Outcome, Uri? Next)> RequestAsync(Uri url, PageValidators? known, long maxBytes, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (known?.ETag is { } etag)
        {
            request.Headers.TryAddWithoutValidation("If-None-Match", etag);
        }

        if (known?.LastModified is { } modified)
        {
            request.Headers.TryAddWithoutValidation("If-Modified-Since", modified);
        }

        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        var status = (int)response.StatusCode;
        switch (response.StatusCode)
        {
            case HttpStatusCode.NotModified when known is not null:
                return (new PageUnchanged(), null);
            case HttpStatusCode.NotFound or HttpStatusCode.Gone:
                return (new PageGone(response.StatusCode == HttpStatusCode.Gone), null);
            case HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect:
                return response.Headers.Location is { } location && Uri.TryCreate(url, location, out var next)
                    ? (null, next)
                    : (new PageRefused(PageRefused.Codes.Status, $"{url} redirects ({status}) and does not say where to.", true), null);
            case HttpStatusCode.OK or HttpStatusCode.NonAuthoritativeInformation:
                break;
            default:
                var wait = response.Headers.RetryAfter?.Delta is { } delta ? $" It asks to wait {delta.TotalSeconds:0} s." : "";
                return (new PageRefused(PageRefused.Codes.Status, $"{url} answered {status} {response.ReasonPhrase}.{wait}", status is 408 or 425 or 429 or >= 500), null);
        }

        if (response.Content.Headers.ContentLength > maxBytes || await ReadAsync(response.Content, maxBytes, cancellation) is not { } content)
        {
            return (new PageRefused(PageRefused.Codes.TooLarge, $"{url} has more than {maxBytes} bytes (ragcluster.ingestion.web.max-bytes).", false), null);
        }

        var validators = new PageValidators(First(response.Headers, "ETag"), First(response.Content.Headers, "Last-Modified"));
        return (new PageFetched(url, content, response.Content.Headers.ContentType?.ToString(), validators), null);
    }

    /// <summary>The unpacked content; null where there is more than may be.</summary>
    private static async Task<byte[]?> ReadAsync(HttpContent content, long maxBytes, CancellationToken cancellation)
    {
        await using var stream = await content.ReadAsStreamAsync(cancellation);
        using var whole = new MemoryStream();
        var buffer = new byte[32 << 10];
        for (int read; (read = await stream.ReadAsync(buffer, cancellation)) > 0;)
        {
            if (whole.Length + read > maxBytes)
            {
                return null;
            }

            whole.Write(buffer, 0, read);
        }

        return whole.ToArray();
    }

    private async Task<RobotsRules> RobotsAsync(WebHost host, Uri url, CancellationToken cancellation)
    {
        if (host.Robots is { } known && _time.GetElapsedTime(host.RobotsAt) < host.RobotsFor)
        {
            return known;
        }

        var address = new Uri(url.GetLeftPart(UriPartial.Authority) + "/robots.txt");
        var outcome = await WithinAsync(address, token => FollowAsync(address, null, heedRobots: false, RobotsRules.MaxBytes, token), cancellation);
        var (rules, lifetime) = outcome switch
        {
            PageFetched fetched => (RobotsRules.Parse(fetched.Content, WebOptions.ProductToken), _options.RobotsLifetime),
            PageGone => (RobotsRules.AllowAll, _options.RobotsLifetime),

            // Too many redirects, and every 4xx: there is none. A server that fails or does not answer: nobody knows (RFC 9309 2.3.1).
            PageRefused { Code: PageRefused.Codes.Redirects } or PageRefused { Code: PageRefused.Codes.Status, Transient: false } => (RobotsRules.AllowAll, _options.RobotsLifetime),
            PageRefused { Code: PageRefused.Codes.AddressRefused or PageRefused.Codes.BadUrl } refused => throw new AddressRefusedException(refused.Detail),
            PageRefused refused => throw new HttpRequestException($"Its robots.txt cannot be read, so that it is not known what may be fetched. {refused.Detail}"),
            _ => (RobotsRules.DisallowAll, TimeSpan.FromMinutes(1)),
        };
        host.Remember(rules, _time.GetTimestamp(), lifetime);
        return rules;
    }

    private TimeSpan Interval(WebHost host)
    {
        var asked = host.Robots?.CrawlDelay ?? TimeSpan.Zero;
        asked = asked < _options.MaxCrawlDelay ? asked : _options.MaxCrawlDelay;
        return asked > _options.MinInterval ? asked : _options.MinInterval;
    }

    private WebHost HostOf(Uri url)
    {
        if (_hosts.Count >= MaxHosts)
        {
            foreach (var old in _hosts.Where(h => h.Value.IsIdle).OrderBy(h => h.Value.LastUsed).Take(MaxHosts / 10).ToArray())
            {
                _hosts.TryRemove(old);
            }
        }

        return _hosts.GetOrAdd(url.GetLeftPart(UriPartial.Authority), _ => new WebHost());
    }

    private static string? First(HttpHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values) && values.ToString() is { Length: > 0 and <= 512 } value ? value : null;

    private static AddressRefusedException? Refusal(Exception? e) => e switch
    {
        null => null,
        AddressRefusedException refused => refused,
        _ => Refusal(e.InnerException),
    };

    private static string Innermost(Exception e) => e.InnerException is { } inner ? Innermost(inner) : e.Message;
}
