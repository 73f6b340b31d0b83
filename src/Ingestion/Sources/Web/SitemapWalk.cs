using System.Runtime.CompilerServices;

namespace RagCluster.Ingestion.Sources.Web;

/// <summary>
/// The pages of sitemaps, those that sitemaps name included. As the protocol says, a sitemap speaks only for its own
/// host: entries of others are passed over. What cannot be read is told and leaves the walk incomplete.
/// </summary>
internal sealed class SitemapWalk(WebFetcher fetcher, IReadOnlyList<string> sitemaps, int maxPages)
{
    private const int MaxDepth = 3;
    private const int MaxSitemaps = 2_000;

    /// <summary>Whether, when it has ended, everything was seen.</summary>
    public bool IsComplete { get; private set; } = true;

    public async IAsyncEnumerable<((Uri Page, DateTimeOffset? Modified)? Entry, SourceProblem? Problem)> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var waiting = new Queue<(Uri Url, int Depth)>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var sitemap in sitemaps)
        {
            if (WebFetcher.Parse(sitemap, out var problem) is not { } url)
            {
                yield return (null, Problem(sitemap, PageRefused.Codes.BadUrl, problem!));
                continue;
            }

            foreach (var start in await StartsAsync(url, cancellation))
            {
                if (seen.Add(start.AbsoluteUri))
                {
                    waiting.Enqueue((start, 0));
                }
            }
        }

        var pages = 0;
        while (waiting.TryDequeue(out var next))
        {
            var (sitemap, problem) = await FetchAsync(next.Url, cancellation);
            if (problem is not null)
            {
                yield return (null, problem);
                continue;
            }

            if (sitemap!.Truncated)
            {
                yield return (null, Problem(next.Url.AbsoluteUri, "too-large", $"It has more than {SitemapReader.MaxEntries} entries, which is more than a sitemap may have; the rest is not read."));
            }

            foreach (var entry in sitemap.Entries)
            {
                if (WebFetcher.Parse(entry.Location, out _) is not { } url || !url.Host.Equals(next.Url.Host, StringComparison.OrdinalIgnoreCase))
                {
                    continue;
                }

                if (!sitemap.IsIndex)
                {
                    if (++pages > maxPages)
                    {
                        yield return (null, Problem(next.Url.AbsoluteUri, "too-large", $"There are more than {maxPages} pages; the rest is not fetched."));
                        yield break;
                    }

                    yield return ((url, entry.LastModified), null);
                }
                else if (seen.Add(url.AbsoluteUri))
                {
                    if (next.Depth < MaxDepth && seen.Count <= MaxSitemaps)
                    {
                        waiting.Enqueue((url, next.Depth + 1));
                    }
                    else
                    {
                        yield return (null, Problem(url.AbsoluteUri, "too-large", $"Sitemaps lie in more than {MaxDepth} levels, or are more than {MaxSitemaps}; this one is not read."));
                    }
                }
            }
        }
    }

    /// <summary>A site's own address stands for the sitemaps that its robots.txt names, or else /sitemap.xml.</summary>
    private async Task<IReadOnlyList<Uri>> StartsAsync(Uri url, CancellationToken cancellation)
    {
        if (url.PathAndQuery != "/")
        {
            return [url];
        }

        try
        {
            var named = await fetcher.SitemapsOfAsync(url, cancellation);
            Uri[] starts = [.. named.Select(s => WebFetcher.Parse(s, out _)).OfType<Uri>().Where(s => s.Host.Equals(url.Host, StringComparison.OrdinalIgnoreCase))];
            return starts.Length > 0 ? starts : [new Uri(url, "/sitemap.xml")];
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // Reading the sitemap itself says what is wrong.
            return [new Uri(url, "/sitemap.xml")];
        }
    }

    private async Task<(Sitemap? Sitemap, SourceProblem? Problem)> FetchAsync(Uri url, CancellationToken cancellation)
    {
        switch (await fetcher.FetchAsync(url, null, cancellation))
        {
            case PageFetched fetched:
                try
                {
                    return (SitemapReader.Read(fetched.Content), null);
                }
                catch (InvalidDataException e)
                {
                    return (null, Problem(url.AbsoluteUri, "corrupt", $"{url} is no sitemap. {e.Message}"));
                }

            case PageRefused refused:
                return (null, Problem(url.AbsoluteUri, refused.Code, refused.Detail));
            default:
                return (null, Problem(url.AbsoluteUri, PageRefused.Codes.Status, $"There is no sitemap at {url}."));
        }
    }

    private SourceProblem Problem(string url, string code, string detail)
    {
        IsComplete = false;
        return new SourceProblem(url, url, code, detail);
    }
}
