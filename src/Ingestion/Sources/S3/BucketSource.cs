using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Ingestion.Sources.S3;

/// <summary>Which objects are taken in, and when.</summary>
public sealed record BucketSourceOptions
{
    /// <summary>What the source is called; its memory of objects is kept under it.</summary>
    public required string Name { get; init; }

    public required string Bucket { get; init; }

    /// <summary>What a key must begin with.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The extensions taken, with their dots; null takes every object and lets the parser find out what it is.</summary>
    public IReadOnlySet<string>? Extensions { get; init; } = MediaTypes.Extensions;

    /// <summary>Larger objects are reported and not read.</summary>
    public long MaxBytes { get; init; } = 50L << 20;

    /// <summary>How long after the end of a listing the next one begins; null lists once.</summary>
    public TimeSpan? Revisit { get; init; }

    /// <summary>Objects of one listing; what is beyond is not read, and a problem says so.</summary>
    public int MaxObjects { get; init; } = 1_000_000;

    /// <summary>Who may read the objects; empty means everybody in the tenant.</summary>
    public RoleSet Readers { get; init; } = RoleSet.Empty;
}

/// <summary>
/// The objects of a bucket, or of a part of it. One whose ETag is that of the version that was last taken in is not
/// yielded again; one that a complete listing no longer holds is yielded as removed. Objects are read when their
/// content is asked for.
/// </summary>
/// <remarks>Memory: a key and an ETag for each object taken in.</remarks>
public sealed partial class BucketSource(
    BucketSourceOptions options, BucketClient client, TimeProvider time, ISourceCheckpoints? checkpoints = null, ILogger<BucketSource>? logger = null) : IDocumentSource
{
    private const int SaveEvery = 1_000;

    private readonly ILogger _logger = logger ?? NullLogger<BucketSource>.Instance;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, string> _taken = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _underWay = new(StringComparer.Ordinal);
    private int _unsaved;

    public async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await RestoreAsync(cancellation);
        while (true)
        {
            await foreach (var item in ListAsync(cancellation))
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

    public void Settled(SourceItem item, Settlement settlement)
    {
        lock (_lock)
        {
            // What was refused for good is refused again as long as it is the same.
            var changed = item is SourceRemoved ? settlement.IsDurable && _taken.Remove(item.Uri) : _underWay.Remove(item.Uri, out var tag) && (_taken[item.Uri] = tag) == tag;
            _unsaved += changed ? 1 : 0;
        }
    }

    private async IAsyncEnumerable<SourceItem> ListAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? after = null;
        do
        {
            var (page, problem) = await PageAsync(after, cancellation);
            if (page is null)
            {
                // What is missing may only be out of sight.
                yield return problem!;
                yield break;
            }

            foreach (var found in page.Objects)
            {
                if (seen.Count >= options.MaxObjects)
                {
                    yield return Problem(options.Prefix, FailureCodes.TooLarge, $"There are more than {options.MaxObjects} objects; the rest is not read.");
                    yield break;
                }

                if (IsTaken(found) && seen.Add(UriOf(found.Key)) && Item(found) is { } item)
                {
                    yield return item;
                }
            }

            after = page.Next;
        }
        while (after is not null);

        foreach (var gone in Missing(seen))
        {
            yield return new SourceRemoved(gone, Uri.UnescapeDataString(gone[UriOf("").Length..]));
        }
    }

    private bool IsTaken(BucketObject found) =>
        !found.Key.EndsWith('/') && (options.Extensions is null || options.Extensions.Contains(Path.GetExtension(found.Key).ToLowerInvariant()));

    private SourceItem? Item(BucketObject found)
    {
        var uri = UriOf(found.Key);
        lock (_lock)
        {
            if (_taken.TryGetValue(uri, out var tag) && tag == found.ETag && tag.Length > 0)
            {
                return null;
            }

            _underWay[uri] = found.ETag;
        }

        if (found.Bytes > options.MaxBytes)
        {
            return Problem(found.Key, FailureCodes.TooLarge, $"It has {found.Bytes} bytes; at most {options.MaxBytes} are read.");
        }

        var metadata = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["bucket"] = options.Bucket, ["path"] = found.Key };
        return new SourceDocument(uri, found.Key, null, found.Bytes, options.Readers, metadata, async token => await client.OpenAsync(found, token));
    }

    private async Task<(BucketPage? Page, SourceProblem? Problem)> PageAsync(string? after, CancellationToken cancellation)
    {
        try
        {
            return (await client.ListAsync(options.Prefix, after, cancellation), null);
        }
        catch (BucketException e)
        {
            ListingFailed(options.Name, e);
            return (null, Problem(options.Prefix, e.Code, e.Message));
        }
    }

    private List<string> Missing(HashSet<string> seen)
    {
        lock (_lock)
        {
            return [.. _taken.Keys.Where(uri => !seen.Contains(uri)).Order(StringComparer.Ordinal)];
        }
    }

    private string UriOf(string key) => $"s3://{options.Bucket}/{AwsSignature.Encode(key, keepSlashes: true)}";

    private SourceProblem Problem(string key, string code, string detail) => new(UriOf(key), key.Length > 0 ? key : options.Bucket, code, detail);

    private async ValueTask RestoreAsync(CancellationToken cancellation)
    {
        if (checkpoints is null || await checkpoints.ReadAsync(options.Name, cancellation) is not { } saved)
        {
            return;
        }

        try
        {
            var taken = JsonSerializer.Deserialize(saved, BucketMemoryJson.Default.DictionaryStringString) ?? [];
            lock (_lock)
            {
                foreach (var (uri, tag) in taken)
                {
                    _taken.TryAdd(uri, tag);
                }
            }
        }
        catch (JsonException)
        {
            MemoryRefused(options.Name);
        }
    }

    private async ValueTask SaveAsync(CancellationToken cancellation)
    {
        string text;
        lock (_lock)
        {
            if (checkpoints is null || _unsaved == 0)
            {
                return;
            }

            _unsaved = 0;
            text = JsonSerializer.Serialize(_taken, BucketMemoryJson.Default.DictionaryStringString);
        }

        await checkpoints.SaveAsync(options.Name, text, cancellation);
    }

    [LoggerMessage(4120, LogLevel.Warning, "What the source '{Source}' remembered of its bucket cannot be read; every object is read again")]
    private partial void MemoryRefused(string source);

    [LoggerMessage(4121, LogLevel.Warning, "The source '{Source}' cannot list its bucket")]
    private partial void ListingFailed(string source, Exception exception);
}

[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class BucketMemoryJson : JsonSerializerContext;
