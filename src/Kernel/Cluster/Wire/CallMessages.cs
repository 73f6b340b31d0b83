using System.Buffers;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster.Wire;

/// <summary>A request to the node itself and not to an entity. The payload is the caller's.</summary>
/// <param name="Left">What is left of the caller's time.</param>
internal readonly record struct CallMessage(long Id, TimeSpan Left, ReadOnlyMemory<byte> Request) : IWireMessage
{
    public static WireLane Lane => WireLane.Bulk;

    public void WriteTo(IBufferWriter<byte> output)
    {
        var writer = new WireWriter(output, WireKind.Call, 2 * WireWriter.MaxVarint);
        writer.Number(Id);
        writer.Number((long)Left.TotalMilliseconds);
        writer.End();
        output.Write(Request.Span);
    }
}

/// <param name="Failure">Why there is no answer; null with one.</param>
internal readonly record struct CallReplyMessage(long Id, string? Failure, ReadOnlyMemory<byte> Answer) : IWireMessage
{
    private const int MaxFailure = 2000;

    public static WireLane Lane => WireLane.Bulk;

    public void WriteTo(IBufferWriter<byte> output)
    {
        var failure = Failure is { Length: > MaxFailure } ? Failure[..MaxFailure] : Failure;
        var writer = new WireWriter(output, WireKind.CallReply, WireWriter.MaxVarint + WireWriter.Most(failure));
        writer.Number(Id);
        writer.Text(failure);
        writer.End();
        output.Write(Answer.Span);
    }
}
