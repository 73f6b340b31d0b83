using System.Text.Json;
using System.Text.Json.Serialization;

namespace RagCluster.Ingestion.Sources.Web;

/// <summary>
/// What a source knows of its pages: how each was when it was last durable, and, until that is told, how the one under
/// way is. Used by the reading and by whoever tells what became of items, at the same time.
/// </summary>
internal sealed class PageMemory
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, PageState> _durable = new(StringComparer.Ordinal);
    private readonly Dictionary<string, PageState> _underWay = new(StringComparer.Ordinal);

    /// <summary>Replaces all by what <see cref="ToText"/> gave. False, and nothing is known, where it cannot be read.</summary>
    public bool TryRestore(string text)
    {
        lock (_lock)
        {
            _durable.Clear();
            try
            {
                foreach (var (url, state) in JsonSerializer.Deserialize(text, PageMemoryJson.Default.DictionaryStringPageState) ?? [])
                {
                    _durable[url] = state;
                }

                return true;
            }
            catch (JsonException)
            {
                return false;
            }
        }
    }

    public string ToText()
    {
        lock (_lock)
        {
            return JsonSerializer.Serialize(_durable, PageMemoryJson.Default.DictionaryStringPageState);
        }
    }

    public IReadOnlyList<string> Known()
    {
        lock (_lock)
        {
            return [.. _durable.Keys.Order(StringComparer.Ordinal)];
        }
    }

    public bool IsKnown(string url)
    {
        lock (_lock)
        {
            return _durable.ContainsKey(url);
        }
    }

    /// <summary>Whether the page was taken in after it changed, by what its sitemap says; then it is not even asked for.</summary>
    public bool IsAsOf(string url, DateTimeOffset? modified)
    {
        lock (_lock)
        {
            return modified is not null && _durable.TryGetValue(url, out var state) && state.Misses == 0 && state.Modified >= modified;
        }
    }

    public PageValidators? ValidatorsOf(string url)
    {
        lock (_lock)
        {
            return _durable.TryGetValue(url, out var state) && (state.ETag ?? state.LastModified) is not null ? new PageValidators(state.ETag, state.LastModified) : null;
        }
    }

    public void Fetched(string url, PageValidators validators, DateTimeOffset? modified)
    {
        lock (_lock)
        {
            _underWay[url] = new PageState(validators.ETag, validators.LastModified, modified, 0);
        }
    }

    public void Unchanged(string url, DateTimeOffset? modified)
    {
        lock (_lock)
        {
            if (_durable.TryGetValue(url, out var state))
            {
                _durable[url] = state with { Modified = modified ?? state.Modified, Misses = 0 };
            }
        }
    }

    /// <summary>The page was not there. Whether that makes it removed.</summary>
    public bool Missed(string url, bool forGood)
    {
        lock (_lock)
        {
            if (!_durable.TryGetValue(url, out var state))
            {
                return false;
            }

            _durable[url] = state with { Misses = state.Misses + 1 };
            return forGood || state.Misses >= 1;
        }
    }

    public void Removing(string url)
    {
        lock (_lock)
        {
            _underWay.Remove(url);
        }
    }

    /// <summary>What became of an item. Whether that changed what is known.</summary>
    public bool Settle(string url, bool durable, bool removed)
    {
        lock (_lock)
        {
            if (removed)
            {
                return durable && _durable.Remove(url);
            }

            if (!_underWay.Remove(url, out var state))
            {
                return false;
            }

            // What was refused is refused again as long as it is the same: it need not be fetched either.
            _durable[url] = state;
            return true;
        }
    }
}

/// <param name="Modified">What its sitemap said when it was taken in.</param>
/// <param name="Misses">Visits in a row at which it was not there.</param>
internal sealed record PageState(string? ETag, string? LastModified, DateTimeOffset? Modified, int Misses);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(Dictionary<string, PageState>))]
internal sealed partial class PageMemoryJson : JsonSerializerContext;
