using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using RagCluster.Kernel.Discovery.Dns;

namespace RagCluster.TestKit;

/// <summary>A name server that answers what a test says, over UDP and TCP, truthfully or not.</summary>
internal sealed class DnsTestServer : IAsyncDisposable
{
    private readonly UdpClient _udp;
    private readonly TcpListener _tcp;
    private readonly List<Task> _serving;

    /// <param name="at">Null: any free port on loopback.</param>
    public DnsTestServer(IPEndPoint? at = null)
    {
        (_udp, _tcp) = Listen(at);
        Address = (IPEndPoint)_udp.Client.LocalEndPoint!;
        _serving = [ServeUdpAsync(), ServeTcpAsync()];
    }

    public IPEndPoint Address { get; }

    // A port that is free for UDP may be taken for TCP.
    private static (UdpClient, TcpListener) Listen(IPEndPoint? at)
    {
        for (var attempt = 1; ; attempt++)
        {
            var udp = new UdpClient(at ?? new IPEndPoint(IPAddress.Loopback, 0));
            try
            {
                var tcp = new TcpListener((IPEndPoint)udp.Client.LocalEndPoint!);
                tcp.Start();
                return (udp, tcp);
            }
            catch (SocketException) when (at is null && attempt < 100)
            {
                udp.Dispose();
            }
        }
    }

    /// <summary>The zone: name and type to record data. A name without any entry does not exist.</summary>
    public ConcurrentDictionary<(string Name, DnsType Type), List<byte[]>> Records { get; } = [];

    public List<string> Asked { get; } = [];

    public int AskedByTcp { get; private set; }

    /// <summary>Changes what is about to be sent; null: says nothing.</summary>
    public Func<byte[], byte[]?>? OnUdp { get; set; }

    /// <summary>What is sent before it, as by somebody who guesses.</summary>
    public Func<byte[], byte[]>? BeforeUdp { get; set; }

    public Func<byte[], byte[]?>? OnTcp { get; set; }

    public void Add(string name, DnsType type, params byte[][] data) => Records[(name, type)] = [.. data];

    public static byte[] Srv(int port, string target)
    {
        var data = new List<byte> { 0, 10, 0, 5, (byte)(port >> 8), (byte)port };
        data.AddRange(Name(target));
        return [.. data];
    }

    public static byte[] Name(string name)
    {
        if (name.Length == 0)
        {
            return [0];
        }

        var bytes = new List<byte>();
        DnsName.Write(name, bytes);
        return [.. bytes];
    }

    public byte[] Answer(ReadOnlySpan<byte> question)
    {
        var position = DnsMessage.HeaderBytes;
        var name = DnsName.Read(question, ref position);
        var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(question[position..]);
        Asked.Add($"{name} {type}");
        var answer = new List<byte>(question[..(position + 4)].ToArray());
        var count = 0;
        void AddAll(string owner, DnsType of)
        {
            foreach (var data in Records.GetValueOrDefault((owner, of)) ?? [])
            {
                // The owner as a pointer to the question where it is the same, as real servers write it.
                answer.AddRange(owner == name ? [0xC0, DnsMessage.HeaderBytes] : Name(owner));
                answer.AddRange([(byte)((ushort)of >> 8), (byte)of, 0, 1, 0, 0, 0, 30, (byte)(data.Length >> 8), (byte)data.Length, .. data]);
                count++;
            }
        }

        var at = name;
        for (var aliases = 0; aliases < 20 && Records.TryGetValue((at, DnsType.Cname), out var alias); aliases++)
        {
            AddAll(at, DnsType.Cname);
            var start = 0;
            at = DnsName.Read(alias[0], ref start);
        }

        AddAll(at, type);
        answer[2] = 0x81;
        answer[3] = (byte)(count > 0 || Records.Keys.Any(key => key.Name == name) ? 0x80 : 0x83);
        (answer[6], answer[7]) = ((byte)(count >> 8), (byte)count);
        return [.. answer];
    }

    public async ValueTask DisposeAsync()
    {
        _udp.Dispose();
        _tcp.Stop();
        await Task.WhenAll(_serving);
    }

    private async Task ServeUdpAsync()
    {
        try
        {
            while (true)
            {
                var question = await _udp.ReceiveAsync();
                var answer = Answer(question.Buffer);
                if (answer.Length > 512)
                {
                    answer = answer[..512];
                    answer[2] |= 0x02;
                }

                if (BeforeUdp is not null)
                {
                    await _udp.SendAsync(BeforeUdp([.. answer]), question.RemoteEndPoint);
                }

                if ((OnUdp is null ? answer : OnUdp(answer)) is { } bytes)
                {
                    await _udp.SendAsync(bytes, question.RemoteEndPoint);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeTcpAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _tcp.AcceptTcpClientAsync();
                AskedByTcp++;
                var stream = client.GetStream();
                var length = new byte[2];
                await stream.ReadExactlyAsync(length);
                var question = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                await stream.ReadExactlyAsync(question);
                var answer = Answer(question);
                if ((OnTcp is null ? answer : OnTcp(answer)) is { } bytes)
                {
                    await stream.WriteAsync((byte[])[(byte)(bytes.Length >> 8), (byte)bytes.Length, .. bytes]);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
        {
            // The test is over.
        }
    }
}
