using System.Security.Cryptography;
using RagCluster.Kernel.Blobs;

namespace RagCluster.TestKit;

/// <summary>
/// Blobs without a disk. Like a database it outlives the nodes that use it. A simulator gives time to it; a blob is
/// there when the wait is over, as a commit would be.
/// </summary>
public sealed class InMemoryBlobs(TimeProvider time) : IBlobStore
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, byte[]> _blobs = new(StringComparer.Ordinal);

    /// <summary>How long the next call takes; null and zero take one step.</summary>
    public Func<TimeSpan>? Delay { get; set; }

    /// <summary>Throws for the next call, before anything is changed; null answers always.</summary>
    public Func<Exception?>? Fault { get; set; }

    public IReadOnlyList<string> Ids
    {
        get
        {
            lock (_gate)
            {
                return [.. _blobs.Keys];
            }
        }
    }

    public ValueTask<string> PutAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
        CallAsync(
            () =>
            {
                var id = "sha256-" + Convert.ToHexStringLower(SHA256.HashData(content.Span));
                _blobs.TryAdd(id, content.ToArray());
                return id;
            },
            cancellationToken);

    /// <remarks>The stream must answer at once, as one in memory does.</remarks>
    public async ValueTask<string> PutAsync(Stream content, long maxBytes, CancellationToken cancellationToken = default)
    {
        using var bytes = new MemoryStream();
        await content.CopyToAsync(bytes, cancellationToken);
        return bytes.Length <= maxBytes ? await PutAsync(bytes.ToArray(), cancellationToken) : throw new BlobTooLargeException(maxBytes);
    }

    public ValueTask<Stream> OpenAsync(string id, CancellationToken cancellationToken = default) =>
        CallAsync<Stream>(() => new MemoryStream(_blobs.TryGetValue(id, out var bytes) ? bytes : throw new BlobMissingException(id), writable: false), cancellationToken);

    public ValueTask<bool> ExistsAsync(string id, CancellationToken cancellationToken = default) => CallAsync(() => _blobs.ContainsKey(id), cancellationToken);

    public ValueTask<long?> LengthAsync(string id, CancellationToken cancellationToken = default) =>
        CallAsync(() => _blobs.TryGetValue(id, out var bytes) ? bytes.Length : (long?)null, cancellationToken);

    public ValueTask<bool> DeleteAsync(string id, CancellationToken cancellationToken = default) => CallAsync(() => _blobs.Remove(id), cancellationToken);

    /// <summary>Changes a blob behind everybody's back, as a failing disk does.</summary>
    public void Damage(string id)
    {
        lock (_gate)
        {
            _blobs[id] = [.. _blobs[id].Select(b => (byte)~b)];
        }
    }

    private async ValueTask<T> CallAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        if (Delay?.Invoke() is { } delay && delay > TimeSpan.Zero)
        {
            await Task.Delay(delay, time, cancellationToken);
        }
        else
        {
            await Task.Yield();
        }

        if (Fault?.Invoke() is { } fault)
        {
            throw fault;
        }

        lock (_gate)
        {
            return work();
        }
    }
}
