using System.Net;
using System.Net.Sockets;
using System.Text;

namespace RagCluster.Inference.Tests.Endpoints;

/// <summary>
/// An HTTP server on a free port of this machine that behaves as badly as a test wants: it reads one request for each
/// connection and then lets the test write bytes, hang, or close.
/// </summary>
internal sealed class FaultyServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<string, Connection, Task> _serve;
    private readonly Task _accepting;
    private readonly List<Task> _serving = [];

    public FaultyServer(Func<string, Connection, Task> serve)
    {
        _serve = serve;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Completes when a client has hung up on a connection that was left hanging.</summary>
    public TaskCompletionSource HungUp { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_serving);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                _serving.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                await _serve(await ReadRequestAsync(stream), new Connection(stream, this, _stop.Token));
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
            {
                HungUp.TrySetResult();
            }
        }
    }

    private async Task<string> ReadRequestAsync(NetworkStream stream)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (true)
        {
            var read = await stream.ReadAsync(buffer, _stop.Token);
            text.Append(Encoding.UTF8.GetString(buffer, 0, read));
            var head = text.ToString();
            var end = head.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (read == 0 || (end >= 0 && Encoding.UTF8.GetByteCount(head[(end + 4)..]) >= Length(head)))
            {
                return head;
            }
        }
    }

    private static int Length(string head)
    {
        var at = head.IndexOf("Content-Length:", StringComparison.OrdinalIgnoreCase);
        return at < 0 ? 0 : int.Parse(head[(at + 15)..head.IndexOf('\r', at)], System.Globalization.CultureInfo.InvariantCulture);
    }

    internal sealed class Connection(NetworkStream stream, FaultyServer server, CancellationToken stop)
    {
        public Task HeadAsync(string status = "200 OK", string more = "") =>
            WriteAsync($"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{more}Connection: close\r\n\r\n");

        public Task WriteAsync(string text) => WriteAsync(Encoding.UTF8.GetBytes(text));

        public async Task WriteAsync(byte[] bytes) => await stream.WriteAsync(bytes, stop);

        /// <summary>Says no more, until the client hangs up.</summary>
        public async Task HangAsync()
        {
            var read = await stream.ReadAsync(new byte[1], stop);
            if (read == 0)
            {
                server.HungUp.TrySetResult();
            }
        }
    }
}
