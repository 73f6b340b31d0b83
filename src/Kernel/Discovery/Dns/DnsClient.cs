using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace RagCluster.Kernel.Discovery.Dns;

/// <summary>
/// Asks the machine's name servers, as .NET knows no SRV records: over UDP, and over TCP where the answer does not fit.
/// </summary>
/// <remarks>
/// An answer counts only from the server that was asked, to the port and number (both unpredictable) that asked, and if
/// it repeats the question. A server that answers nonsense is passed over like one that does not answer.
/// </remarks>
internal sealed class DnsClient(TimeProvider time, Func<ResolverSettings> settings)
{
    private const int MaxUdpBytes = 4096;

    /// <summary>The records of the name; none if there is no such name, or none of the type.</summary>
    /// <exception cref="DnsException">No server gave a usable answer.</exception>
    public async Task<IReadOnlyList<DnsRecord>> QueryAsync(string name, DnsType type, CancellationToken cancellationToken)
    {
        var current = settings();
        foreach (var candidate in current.Candidates(name))
        {
            var answer = await AskAsync(current, candidate, type, cancellationToken);
            if (answer.Records.Count > 0)
            {
                return answer.Records;
            }
        }

        return [];
    }

    private async Task<DnsAnswer> AskAsync(ResolverSettings current, string name, DnsType type, CancellationToken cancellationToken)
    {
        var problems = new SortedSet<string>(StringComparer.Ordinal);
        for (var attempt = 0; attempt < current.Attempts; attempt++)
        {
            foreach (var server in current.Servers)
            {
                using var timeout = new CancellationTokenSource(current.Timeout, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
                try
                {
                    var answer = await AskAsync(server, name, type, either.Token);
                    if (answer.Outcome is DnsOutcome.Answer or DnsOutcome.NoName)
                    {
                        return answer;
                    }

                    problems.Add($"{server} answered with code {answer.Code}");
                }
                catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
                {
                    problems.Add($"{server} did not answer within {current.Timeout.TotalSeconds:0.#} s");
                }
                catch (DnsFormatException e)
                {
                    problems.Add($"{server} answered with {e.Message}");
                }
                catch (Exception e) when (e is SocketException or IOException)
                {
                    problems.Add($"{server}: {e.Message}");
                }
            }
        }

        throw new DnsException(string.Join("; ", problems) + ".");
    }

    private static async Task<DnsAnswer> AskAsync(IPEndPoint server, string name, DnsType type, CancellationToken cancellationToken)
    {
        var id = (ushort)RandomNumberGenerator.GetInt32(ushort.MaxValue + 1);
        var question = DnsMessage.Question(id, name, type);
        var answer = DnsMessage.Parse(await ByUdpAsync(server, question, cancellationToken), name, type);
        if (answer.Outcome == DnsOutcome.Truncated)
        {
            answer = DnsMessage.Parse(await ByTcpAsync(server, question, cancellationToken), name, type);
            if (answer.Outcome == DnsOutcome.Truncated)
            {
                throw new DnsFormatException("an answer that is cut off over TCP as well");
            }
        }

        return answer;
    }

    private static async Task<byte[]> ByUdpAsync(IPEndPoint server, byte[] question, CancellationToken cancellationToken)
    {
        // Connected, so that the system drops what others send; a new socket, so that its port cannot be guessed.
        using var udp = new UdpClient(server.AddressFamily);
        udp.Connect(server);
        await udp.SendAsync(question, cancellationToken);
        while (true)
        {
            var received = await udp.ReceiveAsync(cancellationToken);
            if (received.Buffer.Length <= MaxUdpBytes && DnsMessage.Answers(received.Buffer, question))
            {
                return received.Buffer;
            }
        }
    }

    private static async Task<byte[]> ByTcpAsync(IPEndPoint server, byte[] question, CancellationToken cancellationToken)
    {
        using var tcp = new TcpClient(server.AddressFamily);
        await tcp.ConnectAsync(server, cancellationToken);
        var stream = tcp.GetStream();
        var framed = new byte[2 + question.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)question.Length);
        question.CopyTo(framed, 2);
        await stream.WriteAsync(framed, cancellationToken);
        var length = new byte[2];
        await stream.ReadExactlyAsync(length, cancellationToken);
        var answer = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
        await stream.ReadExactlyAsync(answer, cancellationToken);
        return DnsMessage.Answers(answer, question) ? answer : throw new DnsFormatException("something that answers another question");
    }
}
