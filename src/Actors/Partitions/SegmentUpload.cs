using System.Text;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Journal;

namespace RagCluster.Actors.Partitions;

/// <summary>
/// A segment file as it goes to the blob store: a mark of whoever uploads it, then the file's bytes. Reading answers at
/// once, from the disk's cache, so that no wait leaves the runtime: use it beside an entity's turns.
/// </summary>
internal sealed class SegmentUpload(byte[] mark, string path) : Stream
{
    private const int BufferBytes = 128 * 1024;

    private static readonly byte[] s_kind = Encoding.ASCII.GetBytes("RCSEG1\n");

    private static readonly int s_markLength = s_kind.Length + 16;

    private readonly FileStream _file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
    private int _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => mark.Length + _file.Length;

    public override long Position
    {
        get => _position + _file.Position;
        set => throw new NotSupportedException("An upload is read once.");
    }

    public static byte[] NewMark(Random random)
    {
        var mark = new byte[s_markLength];
        s_kind.CopyTo(mark, 0);
        random.NextBytes(mark.AsSpan(s_kind.Length));
        return mark;
    }

    /// <summary>Writes the file that a blob holds. What is interrupted leaves no file under that name.</summary>
    /// <exception cref="InvalidDataException">The blob holds something else.</exception>
    /// <exception cref="StoreException">The blob store does not answer.</exception>
    public static async Task FetchAsync(IBlobStore store, string blob, long length, string path, CancellationToken cancellationToken)
    {
        await using var content = await OpenAsync(store, blob, cancellationToken);
        var temporary = path + ".tmp";
        try
        {
            await using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                await CopyAsync(content, file, cancellationToken);
                if (file.Length != length)
                {
                    throw new InvalidDataException($"The blob \"{blob}\" holds {file.Length} bytes of a file, and the manifest says {length}.");
                }
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    public override int Read(Span<byte> buffer)
    {
        if (_position >= mark.Length)
        {
            return _file.Read(buffer);
        }

        var count = Math.Min(buffer.Length, mark.Length - _position);
        mark.AsSpan(_position, count).CopyTo(buffer);
        _position += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return ValueTask.FromResult(Read(buffer.Span));
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("An upload is read once.");

    public override void SetLength(long value) => throw new NotSupportedException("An upload is read only.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("An upload is read only.");

    protected override void Dispose(bool disposing)
    {
        _file.Dispose();
        base.Dispose(disposing);
    }

    private static async Task<Stream> OpenAsync(IBlobStore store, string blob, CancellationToken cancellationToken)
    {
        try
        {
            return await store.OpenAsync(blob, cancellationToken);
        }
        catch (IOException e)
        {
            throw new StoreException(StoreFailure.InputOutput, $"The blob store did not give \"{blob}\": {e.Message}", e);
        }
    }

    private static async Task CopyAsync(Stream content, FileStream file, CancellationToken cancellationToken)
    {
        var buffer = new byte[BufferBytes];
        var start = await content.ReadAtLeastAsync(buffer.AsMemory(0, s_markLength), s_markLength, throwOnEndOfStream: false, cancellationToken);
        if (start < s_markLength || !buffer.AsSpan().StartsWith(s_kind))
        {
            throw new InvalidDataException("The blob is no uploaded segment file.");
        }

        while (await content.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
#pragma warning disable CA1849 // Writing goes to the system's cache, and an asynchronous one would go by way of the thread pool.
            file.Write(buffer.AsSpan(0, read));
#pragma warning restore CA1849
        }
    }
}
