using System.Buffers;
using System.Buffers.Binary;

namespace RagCluster.Kernel.Transport.Frames;

/// <summary>Cuts the bytes of a link into frames, however they were split on the way. Knows no sockets.</summary>
internal sealed class FrameReader(int maxMessageBytes) : IDisposable
{
    private readonly PartialMessage _ordinary = new(maxMessageBytes);
    private readonly PartialMessage _bulk = new(maxMessageBytes);

    /// <summary>Frames of kinds that this version does not know.</summary>
    public long Skipped { get; private set; }

    /// <summary>
    /// Takes the next frame from the head of the buffer. False: the buffer ends before it does. The payload is valid
    /// until the next call.
    /// </summary>
    /// <exception cref="WireFormatException">These bytes are no frames; the link is beyond help.</exception>
    public bool TryRead(ref ReadOnlySequence<byte> buffer, out Frame frame)
    {
        while (TryCut(ref buffer, out var kind, out var payload))
        {
            switch (kind)
            {
                case FrameKind.Message:
                case FrameKind.Heartbeat when payload.IsEmpty:
                case FrameKind.Goodbye:
                    frame = new Frame(kind, payload);
                    return true;
                case FrameKind.First or FrameKind.FirstBulk:
                    Lane(kind).Begin(payload);
                    break;
                case FrameKind.More or FrameKind.MoreBulk:
                    Lane(kind).Add(payload);
                    break;
                case >= FrameKind.FirstSkippable:
                    Skipped++;
                    continue;
                default:
                    throw new WireFormatException($"a frame of kind {(byte)kind} with {payload.Length} bytes");
            }

            if (Lane(kind).TryComplete(out var message))
            {
                frame = new Frame(FrameKind.Message, message);
                return true;
            }
        }

        frame = default;
        return false;
    }

    public void Dispose()
    {
        _ordinary.Dispose();
        _bulk.Dispose();
    }

    private PartialMessage Lane(FrameKind kind) => kind is FrameKind.First or FrameKind.More ? _ordinary : _bulk;

    private static bool TryCut(ref ReadOnlySequence<byte> buffer, out FrameKind kind, out ReadOnlySequence<byte> payload)
    {
        (kind, payload) = (default, default);
        if (buffer.Length < FrameFormat.HeaderBytes)
        {
            return false;
        }

        int length;
        if (buffer.FirstSpan is { Length: >= FrameFormat.HeaderBytes } head)
        {
            (kind, length) = FrameFormat.ReadHeader(head);
        }
        else
        {
            Span<byte> header = stackalloc byte[FrameFormat.HeaderBytes];
            buffer.Slice(0, FrameFormat.HeaderBytes).CopyTo(header);
            (kind, length) = FrameFormat.ReadHeader(header);
        }

        if (kind == 0 || (kind > FrameKind.Goodbye && kind < FrameKind.FirstSkippable) || length > FrameFormat.MaxPayloadBytes)
        {
            throw new WireFormatException($"a frame of kind {(byte)kind} that claims {length} bytes");
        }

        if (buffer.Length < FrameFormat.HeaderBytes + length)
        {
            return false;
        }

        payload = buffer.Slice(FrameFormat.HeaderBytes, length);
        buffer = buffer.Slice(payload.End);
        return true;
    }

    /// <summary>A message whose parts are still coming. Takes memory as they come, not as they claim.</summary>
    private sealed class PartialMessage(int maxMessageBytes) : IDisposable
    {
        private byte[]? _bytes;
        private int _length;
        private int _total = -1;

        public void Begin(ReadOnlySequence<byte> payload)
        {
            if (_total >= 0)
            {
                throw new WireFormatException($"a new message in parts while {_total - _length} bytes of the last are missing");
            }

            if (payload.Length < FrameFormat.TotalBytes)
            {
                throw new WireFormatException("a first part without its total");
            }

            Span<byte> total = stackalloc byte[FrameFormat.TotalBytes];
            payload.Slice(0, FrameFormat.TotalBytes).CopyTo(total);
            var claimed = BinaryPrimitives.ReadUInt32LittleEndian(total);
            if (claimed > maxMessageBytes)
            {
                throw new WireFormatException($"a message of {claimed} bytes, {maxMessageBytes} are allowed");
            }

            _total = (int)claimed;
            _length = 0;
            Append(payload.Slice(FrameFormat.TotalBytes));
        }

        public void Add(ReadOnlySequence<byte> payload)
        {
            if (_total < 0 || payload.IsEmpty)
            {
                throw new WireFormatException(_total < 0 ? "a further part of no message" : "an empty part");
            }

            Append(payload);
        }

        public bool TryComplete(out ReadOnlySequence<byte> message)
        {
            if (_total < 0 || _length < _total)
            {
                message = default;
                return false;
            }

            // The bytes stay here until the next message begins.
            message = new ReadOnlySequence<byte>(_bytes ?? [], 0, _length);
            _total = -1;
            return true;
        }

        public void Dispose()
        {
            if (_bytes is not null)
            {
                ArrayPool<byte>.Shared.Return(_bytes);
                _bytes = null;
            }
        }

        private void Append(ReadOnlySequence<byte> part)
        {
            var needed = _length + part.Length;
            if (needed > _total)
            {
                throw new WireFormatException($"parts of {needed} bytes for a message of {_total}");
            }

            if (_bytes is null || _bytes.Length < needed)
            {
                var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(_total, Math.Max(needed, 2L * _length)));
                _bytes?.AsSpan(0, _length).CopyTo(larger);
                Dispose();
                _bytes = larger;
            }

            part.CopyTo(_bytes.AsSpan(_length));
            _length = (int)needed;
        }
    }
}
