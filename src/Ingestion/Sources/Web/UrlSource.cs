using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Ingestion.Sources.Web;

/// <summary>Which pages are taken in, and when.</summary>
public sealed record UrlSourceOptions
{
    /// <summary>What the source is called; its memory of pages is kept under it.</summary>
    public required string Name { get; init; }

    /// <summary>Pages.</summary>
    public IReadOnlyList<string> Urls { get; init; } = [];

    /// <summary>Sitemaps, whose pages are taken in. The address of a site itself takes those that its robots.txt names, or /sitemap.xml.</summary>
    public IReadOnlyList<string> Sitemaps { get; init; } = [];

    /// <summary>How long after the end of a visit the next one begins; null visits once.</summary>
    public TimeSpan? Revisit { get; init; }

    /// <summary>Of one visit; what is beyond is not fetched, and a problem says so.</summary>
    public int MaxPages { get; init; } = 50_000;

    /// <summary>Who may read the pages; empty means everybody in the tenant.</summary>
    public RoleSet Readers { get; init; } = RoleSet.Empty;
}

/// <summary>
/// Pages by their addresses, and all pages of sitemaps. What has not changed since it was last taken in (by ETag or
/// Last-Modified) is not yielded again. A page that is gone for good (410), missing at two visits in a row (404), or no
/// longer in sitemaps that were read completely, is yielded as removed; one that cannot be fetched just now stays.
/// </summary>
/// <remarks>Memory: the addresses and validators of the pages that it knows, and one page at a time.</remarks>
public sealed partial class UrlSource(
    UrlSourceOptions options, WebFetcher fetcher, TimeProvider time, ISourceCheckpoints? checkpoints = null, ILogger<UrlSource>? logger = null) : IDocumentSource
{
    private const int SaveEvery = 200;

    private readonly ILogger _logger = logger ?? NullLogger<UrlSource>.Instance;
    private readonly PageMemory _memory = new();
    private int _unsaved;

    public async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        if (checkpoints is not null && await checkpoints.ReadAsync(options.Name, cancellation) is { } saved && !_memory.TryRestore(saved))
        {
            MemoryRefused(options.Name);
        }

        while (true)
        {
            await foreach (var item in VisitAsync(cancellation))
            {
                yield return item;
                if (Volatile.Read(ref _unsaved) >= SaveEvery)
                {
                    await SaveAsync(cancellation);
                }
            }

            await SaveAsync(cancellation);
            if (options.Revisit is not { } pause)
            {
                yield break;
            }

            await Task.Delay(pause, time, cancellation);
            await SaveAsync(cancellation);
        }
    }

    /// <summary>What is durable need not be fetched again as long as it stays the same.</summary>
    public void Settled(SourceItem item, Settlement settlement)
    {
        if (_memory.Settle(item.Uri, settlement.IsDurable, item is SourceRemoved))
        {
            Interlocked.Increment(ref _unsaved);
        }
    }

    private async IAsyncEnumerable<SourceItem> VisitAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var walk = new SitemapWalk(fetcher, options.Sitemaps, options.MaxPages);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var url in options.Urls)
        {
            if (WebFetcher.Parse(url, out var problem) is not { } page)
            {
                yield return new SourceProblem(url, url, PageRefused.Codes.BadUrl, $"{url}: {problem}");
            }
            else if (seen.Add(page.AbsoluteUri) && await PageAsync(page, null, cancellation) is { } item)
            {
                yield return item;
            }
        }

        await foreach (var (entry, problem) in walk.ReadAsync(cancellation))
        {
            if (problem is not null)
            {
                yield return problem;
            }
            else if (entry is { } found && seen.Add(found.Page.AbsoluteUri) && await PageAsync(found.Page, found.Modified, cancellation) is { } item)
            {
                yield return item;
            }
        }

        // After a walk that could not see everything, what is missing may only be out of sight.
        if (walk.IsComplete)
        {
            foreach (var gone in _memory.Known().Where(url => !seen.Contains(url)))
            {
                _memory.Removing(gone);
                yield return new SourceRemoved(gone, NameOf(new Uri(gone)));
            }
        }
    }

    private async Task<SourceItem?> PageAsync(Uri page, DateTimeOffset? modified, CancellationToken cancellation)
    {
        var url = page.AbsoluteUri;
        if (_memory.IsAsOf(url, modified))
        {
            return null;
        }

        switch (await fetcher.FetchAsync(page, _memory.ValidatorsOf(url), cancellation))
        {
            case PageUnchanged:
                _memory.Unchanged(url, modified);
                return null;
            case PageFetched fetched:
                _memory.Fetched(url, fetched.Validators, modified);
                return Document(page, fetched);
            case PageGone gone:
                if (_memory.Missed(url, gone.ForGood))
                {
                    return new SourceRemoved(url, NameOf(page));
                }

                return _memory.IsKnown(url)
                    ? null
                    : new SourceProblem(url, NameOf(page), PageRefused.Codes.Status, $"There is no page at {url} ({(gone.ForGood ? "410" : "404")}).");
            case PageRefused refused:
                return new SourceProblem(url, NameOf(page), refused.Code, refused.Detail);
            default:
                throw new InvalidOperationException("A fetch had an outcome that nobody knows.");
        }
    }

    private SourceDocument Document(Uri page, PageFetched fetched)
    {
        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["url"] = fetched.Final.AbsoluteUri, ["host"] = page.Host };
        return new SourceDocument(
            page.AbsoluteUri,
            NameOf(page),
            fetched.MediaType,
            fetched.Content.LongLength,
            options.Readers,
            metadata,
            _ => ValueTask.FromResult<Stream>(new MemoryStream(fetched.Content, writable: false)));
    }

    /// <summary>"example.org/guide/page.html": for people, and for the parser's hints.</summary>
    private static string NameOf(Uri page)
    {
        var name = page.Host + Uri.UnescapeDataString(page.AbsolutePath).TrimEnd('/') + (page.Query.Length > 0 ? page.Query.Replace('?', '_') : "");
        return name.Length <= 200 ? name : name[..(char.IsHighSurrogate(name[199]) ? 199 : 200)];
    }

    private async ValueTask SaveAsync(CancellationToken cancellation)
    {
        if (checkpoints is not null && Interlocked.Exchange(ref _unsaved, 0) > 0)
        {
            await checkpoints.SaveAsync(options.Name, _memory.ToText(), cancellation);
        }
    }

    [LoggerMessage(4110, LogLevel.Warning, "What the source '{Source}' remembered of its pages cannot be read; every page is fetched again")]
    private partial void MemoryRefused(string source);
}
