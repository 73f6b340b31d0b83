using System.Buffers;

namespace RagCluster.Inference.Endpoints;

/// <summary>Cuts bytes into lines. It holds at most one line of the greatest length and what follows it.</summary>
internal sealed class LineReader(int maxLine) : IDisposable
{
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(8192);
    private int _start;
    private int _end;

    /// <summary>Whether what is held is no line yet and already longer than a line may be.</summary>
    public bool IsTooLong => _end - _start > maxLine;

    /// <summary>Where to read to.</summary>
    public Memory<byte> Free()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        if (_end == _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
            _buffer.AsSpan(0, _end).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        return _buffer.AsMemory(_end);
    }

    public void Filled(int count) => _end += count;

    /// <summary>The next whole line without its end; at the end of the stream also a last one that has none.</summary>
    public bool TryRead(bool atEnd, out ReadOnlySpan<byte> line)
    {
        var held = _buffer.AsSpan(_start, _end - _start);
        var length = held.IndexOf((byte)'\n');
        if (length < 0 && (!atEnd || held.IsEmpty))
        {
            line = default;
            return false;
        }

        line = length < 0 ? held : held[..length];
        _start += length < 0 ? held.Length : length + 1;
        return true;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }
}
