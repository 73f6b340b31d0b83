using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace RagCluster.EndToEnd;

/// <summary>
/// A TCP relay between the page and a node. A test can hold back what the node says, so that the page sends and hears
/// nothing, and cut all connections, as a lost network does.
/// </summary>
internal sealed class CuttableWire : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly ConcurrentDictionary<TcpClient, bool> _open = new();
    private readonly Scripted.Gate _toPage = new();
    private readonly int _nodePort;
    private readonly Task _accepting;

    public CuttableWire(int nodePort)
    {
        _nodePort = nodePort;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Address => $"http://{_listener.LocalEndpoint}";

    /// <summary>From now on nothing that the node says arrives.</summary>
    public void Hold() => _toPage.Close();

    /// <summary>Cuts what is connected, and what was held back is lost; new connections work.</summary>
    public void Cut()
    {
        foreach (var client in _open.Keys)
        {
            client.Dispose();
        }

        _toPage.Open();
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Stop();
        Cut();
        await _accepting;
        _closing.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                _ = RelayAsync(await _listener.AcceptTcpClientAsync(_closing.Token));
            }
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException)
        {
            // The wire is taken down.
        }
    }

    private async Task RelayAsync(TcpClient page)
    {
        using var node = new TcpClient();
        _open[page] = _open[node] = true;
        try
        {
            await node.ConnectAsync(IPAddress.Loopback, _nodePort, _closing.Token);
            await Task.WhenAny(CopyAsync(page, node, null), CopyAsync(node, page, _toPage));
        }
        catch (Exception cut) when (cut is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The node is not there, or the wire was cut.
        }
        finally
        {
            _open.TryRemove(page, out _);
            _open.TryRemove(node, out _);
            page.Dispose();
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to, Scripted.Gate? gate)
    {
        var buffer = new byte[16 * 1024];
        try
        {
            while (await from.GetStream().ReadAsync(buffer, _closing.Token) is > 0 and var count)
            {
                if (gate is not null)
                {
                    await gate.WaitAsync(_closing.Token);
                }

                await to.GetStream().WriteAsync(buffer.AsMemory(0, count), _closing.Token);
            }
        }
        catch (Exception cut) when (cut is IOException or SocketException or ObjectDisposedException or InvalidOperationException or OperationCanceledException)
        {
            // One side is gone; the other follows.
        }
    }
}
