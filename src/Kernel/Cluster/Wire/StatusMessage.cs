using System.Buffers;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster.Wire;

/// <summary>How a node is: a probe, the answer to one, or news that the others should look at the members again.</summary>
/// <param name="Asks">An answer is wanted: only that proves that messages pass both ways.</param>
/// <param name="Answers">This is an answer.</param>
/// <param name="Look">The membership or a shard has changed.</param>
/// <param name="Hosts">The entity types that the sender keeps.</param>
/// <param name="Suspects">The members that do not answer the sender.</param>
internal sealed record StatusMessage(bool Asks, bool Answers, bool Look, IReadOnlyList<string> Hosts, IReadOnlyList<NodeIncarnation> Suspects) : IWireMessage
{
    private const int MaxEntries = 1000;

    public void WriteTo(IBufferWriter<byte> output)
    {
        var most = (3 * WireWriter.MaxVarint) + Hosts.Sum(WireWriter.Most) + Suspects.Sum(node => WireWriter.Most(node.Node) + WireWriter.MaxVarint);
        var writer = new WireWriter(output, WireKind.Status, most);
        writer.Byte((byte)((Asks ? 1 : 0) | (Answers ? 2 : 0) | (Look ? 4 : 0)));
        writer.Number(Hosts.Count);
        foreach (var host in Hosts)
        {
            writer.Text(host);
        }

        writer.Number(Suspects.Count);
        foreach (var suspect in Suspects)
        {
            writer.Text(suspect.Node);
            writer.Number(suspect.Incarnation);
        }

        writer.End();
    }

    public static StatusMessage Read(ref WireReader reader)
    {
        var flags = reader.Byte();
        var hosts = new List<string>();
        for (var left = Count(ref reader); left > 0; left--)
        {
            hosts.Add(reader.Text());
        }

        var suspects = new List<NodeIncarnation>();
        for (var left = Count(ref reader); left > 0; left--)
        {
            suspects.Add(new NodeIncarnation(reader.Text(), reader.Number()));
        }

        return new StatusMessage((flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, hosts, suspects);
    }

    private static int Count(ref WireReader reader)
    {
        var count = reader.Int32();
        return count <= MaxEntries ? count : throw new InvalidDataException($"A status from another node has {count} entries.");
    }
}
