using System.Buffers.Binary;
using System.Net;

namespace RagCluster.Kernel.Discovery.Dns;

internal enum DnsType : ushort
{
    A = 1,
    Cname = 5,
    Aaaa = 28,
    Srv = 33,
}

internal abstract record DnsRecord(string Owner);

internal sealed record AddressRecord(string Owner, IPAddress Address) : DnsRecord(Owner);

/// <summary>RFC 2782.</summary>
/// <param name="Target">A host name; empty: the service is decidedly not there.</param>
internal sealed record ServiceRecord(string Owner, int Priority, int Weight, int Port, string Target) : DnsRecord(Owner);

internal sealed record AliasRecord(string Owner, string Target) : DnsRecord(Owner);

internal enum DnsOutcome
{
    /// <summary>The records are the answer; there may be none.</summary>
    Answer,

    /// <summary>There is no such name.</summary>
    NoName,

    /// <summary>The rest comes over TCP.</summary>
    Truncated,

    /// <summary>The server cannot or does not want to.</summary>
    Failed,
}

internal sealed record DnsAnswer(DnsOutcome Outcome, IReadOnlyList<DnsRecord> Records, int Code);

/// <summary>Questions and answers as bytes (RFC 1035).</summary>
internal static class DnsMessage
{
    public const int HeaderBytes = 12;

    private const ushort Internet = 1;
    private const int MaxAliases = 8;

    public static byte[] Question(ushort id, string name, DnsType type)
    {
        // One question, recursion desired.
        var bytes = new List<byte>(64) { (byte)(id >> 8), (byte)id, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
        DnsName.Write(name, bytes);
        bytes.AddRange([(byte)((ushort)type >> 8), (byte)type, 0, (byte)Internet]);
        return [.. bytes];
    }

    /// <summary>Whether this could be the answer to the question at all; if not, somebody else sent it, and the true one may still come.</summary>
    public static bool Answers(ReadOnlySpan<byte> message, ReadOnlySpan<byte> question) =>
        message.Length >= question.Length
        && message[..2].SequenceEqual(question[..2])
        && (message[2] & 0xF8) == 0x80
        && message[4] == 0 && message[5] == 1
        && EqualIgnoringCase(message[HeaderBytes..question.Length], question[HeaderBytes..]);

    /// <param name="message">One for which <see cref="Answers"/> is true.</param>
    /// <exception cref="DnsFormatException">It breaks the rules; none of it is to be believed.</exception>
    public static DnsAnswer Parse(ReadOnlySpan<byte> message, string name, DnsType type)
    {
        var code = message[3] & 0x0F;
        if (code is not 0)
        {
            return new DnsAnswer(code == 3 ? DnsOutcome.NoName : DnsOutcome.Failed, [], code);
        }

        if ((message[2] & 0x02) != 0)
        {
            return new DnsAnswer(DnsOutcome.Truncated, [], 0);
        }

        var position = HeaderBytes;
        DnsName.Read(message, ref position);
        position += 4;
        var records = new List<DnsRecord>();
        for (var count = BinaryPrimitives.ReadUInt16BigEndian(message[6..]); count > 0; count--)
        {
            if (ReadRecord(message, ref position) is { } record)
            {
                records.Add(record);
            }
        }

        return new DnsAnswer(DnsOutcome.Answer, Follow(records, name.TrimEnd('.').ToLowerInvariant(), type), 0);
    }

    /// <summary>What belongs to the name itself, or to what it is an alias of.</summary>
    private static List<DnsRecord> Follow(List<DnsRecord> records, string name, DnsType type)
    {
        for (var aliases = 0; ; aliases++)
        {
            var found = records.Where(record => record.Owner == name && record switch
            {
                AddressRecord a => a.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 == (type == DnsType.Aaaa) && type is DnsType.A or DnsType.Aaaa,
                ServiceRecord => type == DnsType.Srv,
                _ => false,
            }).ToList();
            if (found.Count > 0 || records.OfType<AliasRecord>().FirstOrDefault(alias => alias.Owner == name) is not { } next)
            {
                return found;
            }

            name = aliases < MaxAliases ? next.Target : throw new DnsFormatException("aliases that go in circles");
        }
    }

    private static DnsRecord? ReadRecord(ReadOnlySpan<byte> message, ref int position)
    {
        var owner = DnsName.Read(message, ref position);
        if (message.Length - position < 10)
        {
            throw new DnsFormatException("a record that is cut off");
        }

        var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(message[position..]);
        var isInternet = BinaryPrimitives.ReadUInt16BigEndian(message[(position + 2)..]) == Internet;
        int length = BinaryPrimitives.ReadUInt16BigEndian(message[(position + 8)..]);
        position += 10;
        if (message.Length - position < length)
        {
            throw new DnsFormatException("a record that is cut off");
        }

        var start = position;
        position += length;
        if (!isInternet)
        {
            return null;
        }

        var data = message.Slice(start, length);
        switch (type)
        {
            case DnsType.A when length == 4:
            case DnsType.Aaaa when length == 16:
                return new AddressRecord(owner, new IPAddress(data));
            case DnsType.A or DnsType.Aaaa:
                throw new DnsFormatException($"an address of {length} bytes");
            case DnsType.Srv when length > 6:
                var target = ReadName(message, start + 6, position);
                return new ServiceRecord(
                    owner,
                    BinaryPrimitives.ReadUInt16BigEndian(data),
                    BinaryPrimitives.ReadUInt16BigEndian(data[2..]),
                    BinaryPrimitives.ReadUInt16BigEndian(data[4..]),
                    target);
            case DnsType.Srv:
                throw new DnsFormatException($"a service of {length} bytes");
            case DnsType.Cname:
                return new AliasRecord(owner, ReadName(message, start, position));
            default:
                return null;
        }
    }

    private static string ReadName(ReadOnlySpan<byte> message, int start, int end)
    {
        var position = start;
        var name = DnsName.Read(message, ref position);
        return position == end ? name : throw new DnsFormatException("a name that does not fill its record");
    }

    private static bool EqualIgnoringCase(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        for (var i = 0; i < a.Length; i++)
        {
            if (a[i] != b[i] && !(char.IsAsciiLetter((char)a[i]) && (a[i] | 0x20) == (b[i] | 0x20)))
            {
                return false;
            }
        }

        return true;
    }
}
