using System.Buffers.Binary;
using System.Text;

namespace RagCluster.Kernel.Transport.Frames;

/// <summary>
/// What one link has still to write, as frames. Ordinary messages are framed into one buffer while another is being
/// written, so that all that came in the meantime goes out together; of the bulk lane one part goes between two such
/// writes, so that neither lane keeps the other waiting for long. Its owner's lock guards it.
/// </summary>
internal sealed class SendQueue(int maxMessageBytes)
{
    private const int BytesOfFirst = FrameFormat.PartBytes - FrameFormat.TotalBytes;

    private readonly Queue<FrameBuffer> _bulk = new();
    private readonly FrameBuffer _part = new();
    private FrameBuffer _filling = new();
    private FrameBuffer _writing = new();
    private int _bulkSent;
    private int _partOfBulk;
    private bool _partIsNext;

    /// <summary>Of the ordinary lane, also those being written.</summary>
    public long OrdinaryBytes => (long)_filling.Length + _writing.Length;

    public long BulkBytes { get; private set; }

    public bool IsEmpty => _filling.Length == 0 && _bulk.Count == 0;

    /// <exception cref="ArgumentException">The message is larger than any receiver takes; nothing has changed.</exception>
    public void Append<TMessage>(TMessage message)
        where TMessage : IWireMessage
    {
        if (TMessage.Lane == WireLane.Bulk)
        {
            AppendBulk(message);
            return;
        }

        var start = _filling.Length;
        _filling.GetSpan(FrameFormat.HeaderBytes);
        _filling.Advance(FrameFormat.HeaderBytes);
        try
        {
            message.WriteTo(_filling);
            Check(_filling.Length - start - FrameFormat.HeaderBytes);
        }
        catch
        {
            _filling.Truncate(start);
            throw;
        }

        Frame(start);
    }

    /// <summary>A message that was written earlier, while there was no room.</summary>
    public void Append(ReadOnlySpan<byte> message, WireLane lane)
    {
        if (lane == WireLane.Bulk)
        {
            var buffer = new FrameBuffer();
            Copy(message, buffer);
            Add(buffer);
            return;
        }

        var start = _filling.Length;
        _filling.GetSpan(FrameFormat.HeaderBytes);
        _filling.Advance(FrameFormat.HeaderBytes);
        Copy(message, _filling);
        Frame(start);
    }

    public void AppendHeartbeat() => AppendControl(FrameKind.Heartbeat, []);

    public void AppendGoodbye(string reason) => AppendControl(FrameKind.Goodbye, Encoding.UTF8.GetBytes(reason.Length > 1000 ? reason[..1000] : reason));

    /// <summary>The next bytes to write; empty: there are none. They stay valid, and count, until <see cref="Written"/>.</summary>
    public ReadOnlyMemory<byte> Take()
    {
        if (_bulk.Count > 0 && (_partIsNext || _filling.Length == 0))
        {
            return TakePart();
        }

        _partIsNext = true;
        (_filling, _writing) = (_writing, _filling);
        return _writing.Written;
    }

    /// <summary>What <see cref="Take"/> gave is on its way.</summary>
    public void Written()
    {
        _writing.Clear();
        BulkBytes -= _partOfBulk;
        _partOfBulk = 0;
    }

    /// <summary>Gives the memory back; nothing that <see cref="Take"/> gave may still be in use.</summary>
    public void Release()
    {
        foreach (var buffer in _bulk)
        {
            buffer.Release();
        }

        _bulk.Clear();
        _part.Release();
        _filling.Release();
        _writing.Release();
        (BulkBytes, _bulkSent, _partOfBulk) = (0, 0, 0);
    }

    /// <summary>For a quiet time: keeps little memory.</summary>
    public void Trim()
    {
        _filling.Trim();
        _writing.Trim();
        _part.Clear();
        _part.Trim();
    }

    public void Check(int length)
    {
        if (length > maxMessageBytes)
        {
            throw new ArgumentException($"A message of {length} bytes: the transport takes {maxMessageBytes} at most. Send it in pieces, or by way of the blob store.");
        }
    }

    private static void Copy(ReadOnlySpan<byte> bytes, FrameBuffer to)
    {
        bytes.CopyTo(to.GetSpan(bytes.Length));
        to.Advance(bytes.Length);
    }

    private void AppendControl(FrameKind kind, ReadOnlySpan<byte> payload)
    {
        FrameFormat.WriteHeader(_filling.GetSpan(FrameFormat.HeaderBytes), kind, payload.Length);
        _filling.Advance(FrameFormat.HeaderBytes);
        Copy(payload, _filling);
    }

    private void AppendBulk<TMessage>(TMessage message)
        where TMessage : IWireMessage
    {
        var buffer = new FrameBuffer();
        try
        {
            message.WriteTo(buffer);
            Check(buffer.Length);
        }
        catch
        {
            buffer.Release();
            throw;
        }

        Add(buffer);
    }

    private void Add(FrameBuffer message)
    {
        BulkBytes += message.Length;
        _bulk.Enqueue(message);
    }

    /// <summary>Gives the bytes behind a gap for a header their header, or, if they are many, their headers.</summary>
    private void Frame(int start)
    {
        var length = _filling.Length - start - FrameFormat.HeaderBytes;
        if (length <= FrameFormat.PartBytes)
        {
            FrameFormat.WriteHeader(_filling.At(start), FrameKind.Message, length);
            return;
        }

        // First | part | More | part ...: the parts move apart, the last one first, to let the headers in.
        var further = (length - BytesOfFirst + FrameFormat.PartBytes - 1) / FrameFormat.PartBytes;
        var added = FrameFormat.TotalBytes + (further * FrameFormat.HeaderBytes);
        _filling.GetSpan(added);
        _filling.Advance(added);
        var bytes = _filling.At(start);
        for (var part = further; part >= 1; part--)
        {
            var from = BytesOfFirst + ((part - 1) * FrameFormat.PartBytes);
            var size = Math.Min(FrameFormat.PartBytes, length - from);
            var to = FrameFormat.HeaderBytes + from + FrameFormat.TotalBytes + (part * FrameFormat.HeaderBytes);
            bytes.Slice(FrameFormat.HeaderBytes + from, size).CopyTo(bytes[to..]);
            FrameFormat.WriteHeader(bytes[(to - FrameFormat.HeaderBytes)..], FrameKind.More, size);
        }

        bytes.Slice(FrameFormat.HeaderBytes, BytesOfFirst).CopyTo(bytes[(FrameFormat.HeaderBytes + FrameFormat.TotalBytes)..]);
        FrameFormat.WriteHeader(bytes, FrameKind.First, FrameFormat.TotalBytes + BytesOfFirst);
        BinaryPrimitives.WriteInt32LittleEndian(bytes[FrameFormat.HeaderBytes..], length);
    }

    private ReadOnlyMemory<byte> TakePart()
    {
        _partIsNext = false;
        var message = _bulk.Peek();
        var left = message.Length - _bulkSent;
        _part.Truncate(0);
        if (_bulkSent > 0)
        {
            _partOfBulk = Math.Min(left, FrameFormat.PartBytes);
            WriteHeader(FrameKind.MoreBulk, _partOfBulk);
        }
        else if (left <= FrameFormat.PartBytes)
        {
            _partOfBulk = left;
            WriteHeader(FrameKind.Message, left);
        }
        else
        {
            _partOfBulk = BytesOfFirst;
            WriteHeader(FrameKind.FirstBulk, FrameFormat.TotalBytes + BytesOfFirst);
            BinaryPrimitives.WriteInt32LittleEndian(_part.GetSpan(FrameFormat.TotalBytes), message.Length);
            _part.Advance(FrameFormat.TotalBytes);
        }

        Copy(message.Written.Span.Slice(_bulkSent, _partOfBulk), _part);
        _bulkSent += _partOfBulk;
        if (_bulkSent == message.Length)
        {
            _bulk.Dequeue().Release();
            _bulkSent = 0;
        }

        return _part.Written;
    }

    private void WriteHeader(FrameKind kind, int length)
    {
        FrameFormat.WriteHeader(_part.GetSpan(FrameFormat.HeaderBytes), kind, length);
        _part.Advance(FrameFormat.HeaderBytes);
    }
}
