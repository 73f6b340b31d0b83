using System.Buffers;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Tests.Transport;

internal readonly struct Message(byte[] bytes) : IWireMessage
{
    public void WriteTo(IBufferWriter<byte> output) => output.Write(bytes);
}

internal readonly struct BulkMessage(byte[] bytes) : IWireMessage
{
    public static WireLane Lane => WireLane.Bulk;

    public void WriteTo(IBufferWriter<byte> output) => output.Write(bytes);
}

internal readonly struct Broken : IWireMessage
{
    public void WriteTo(IBufferWriter<byte> output)
    {
        output.Write<byte>([9, 9, 9]);
        throw new FormatException("planted");
    }
}

/// <summary>Bytes in pieces, as a pipe shows them.</summary>
internal sealed class Segments : ReadOnlySequenceSegment<byte>
{
    private Segments(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

    public static ReadOnlySequence<byte> Of(IReadOnlyList<byte[]> pieces)
    {
        if (pieces.Count == 0)
        {
            return default;
        }

        var first = new Segments(pieces[0], 0);
        var last = first;
        foreach (var piece in pieces.Skip(1))
        {
            var next = new Segments(piece, last.RunningIndex + last.Memory.Length);
            last.Next = next;
            last = next;
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    public static IEnumerable<byte[]> PiecesOf(ReadOnlySequence<byte> sequence)
    {
        foreach (var memory in sequence)
        {
            if (!memory.IsEmpty)
            {
                yield return memory.ToArray();
            }
        }
    }
}
