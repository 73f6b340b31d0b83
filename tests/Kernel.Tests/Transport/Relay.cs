using System.Net;
using System.Net.Sockets;

namespace RagCluster.Kernel.Tests.Transport;

/// <summary>A way between two nodes that can be made bad: it swallows bytes, changes them, or breaks.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<Socket> _sockets = [];
    private readonly Task _accepting;
    private readonly int _to;
    private long _passed;

    public Relay(string to)
    {
        _to = int.Parse(to[(to.LastIndexOf(':') + 1)..], System.Globalization.CultureInfo.InvariantCulture);
        _listener.Start();
        Address = $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";
        _accepting = AcceptAsync();
    }

    public string Address { get; }

    /// <summary>Takes bytes and passes nothing on, as a network does that lost its route.</summary>
    public volatile bool Swallows;

    /// <summary>Changes this many-th byte that passes from the opener to the accepter.</summary>
    public long Spoils { get; set; } = -1;

    public void Break()
    {
        lock (_sockets)
        {
            foreach (var socket in _sockets)
            {
                // With a reset, where the other direction has not closed it already.
                socket.Close(0);
            }

            _sockets.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        Break();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var from = await _listener.AcceptSocketAsync();
                var to = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await to.ConnectAsync(IPAddress.Loopback, _to);
                lock (_sockets)
                {
                    _sockets.AddRange([from, to]);
                }

                _ = PassAsync(from, to, spoil: true);
                _ = PassAsync(to, from, spoil: false);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The relay, or what it leads to, is closed.
        }
    }

    private async Task PassAsync(Socket from, Socket to, bool spoil)
    {
        var bytes = new byte[16 << 10];
        try
        {
            while (await from.ReceiveAsync(bytes.AsMemory()) is var count and > 0)
            {
                if (spoil && Spoils >= _passed && Spoils < _passed + count)
                {
                    bytes[Spoils - _passed] ^= 0xFF;
                }

                _passed += spoil ? count : 0;
                if (!Swallows)
                {
                    await to.SendAsync(bytes.AsMemory(0, count));
                }
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            to.Dispose();
        }
    }
}
