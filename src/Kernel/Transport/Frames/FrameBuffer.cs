using System.Buffers;

namespace RagCluster.Kernel.Transport.Frames;

/// <summary>Pooled bytes that grow at their end.</summary>
internal sealed class FrameBuffer : IBufferWriter<byte>
{
    /// <summary>What a quiet link keeps.</summary>
    private const int KeptBytes = 16 << 10;

    private byte[] _bytes = [];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsSpan(Length);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _bytes.AsMemory(Length);
    }

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_bytes.Length - Length), nameof(count));
        Length += count;
    }

    public Span<byte> At(int position) => _bytes.AsSpan(position, Length - position);

    /// <summary>Takes back all from a position on.</summary>
    public void Truncate(int length) => Length = length;

    public void Clear() => Length = 0;

    /// <summary>Gives back what a busy time has taken.</summary>
    public void Trim()
    {
        if (Length == 0 && _bytes.Length > KeptBytes)
        {
            Release();
        }
    }

    public void Release()
    {
        Length = 0;
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
    }

    private void Reserve(int count)
    {
        if (_bytes.Length - Length >= count)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(checked((int)Math.Max(Math.Max(4096L, Length + (long)count), Math.Min(2L * _bytes.Length, Array.MaxLength))));
        _bytes.AsSpan(0, Length).CopyTo(larger);
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = larger;
    }
}
