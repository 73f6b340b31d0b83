using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace RagCluster.TestKit.Web;

/// <summary>What a client asked for.</summary>
public sealed record SiteRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers)
{
    public string Path => Target.Split('?')[0];

    public string? Header(string name) => Headers.GetValueOrDefault(name);
}

/// <summary>What it is answered.</summary>
public sealed record SiteResponse(int Status, byte[] Body, params (string Name, string Value)[] Headers)
{
    /// <summary>Sends the headers and half of the body, and then nothing.</summary>
    public bool Hang { get; init; }

    public static SiteResponse Html(string text, params (string Name, string Value)[] headers) =>
        new(200, Encoding.UTF8.GetBytes(text), [("Content-Type", "text/html; charset=utf-8"), .. headers]);

    public static SiteResponse Text(string text, int status = 200) => new(status, Encoding.UTF8.GetBytes(text), ("Content-Type", "text/plain"));

    public static SiteResponse Missing { get; } = Text("no", 404);

    public static SiteResponse To(string location, int status = 302) => new(status, [], ("Location", location));
}

/// <summary>A web server on loopback, on a free port, that answers what the test says: one request for each connection.</summary>
public sealed class LoopbackSite : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Func<SiteRequest, SiteResponse> _answer;
    private readonly Task _accepting;

    public LoopbackSite(Func<SiteRequest, SiteResponse> answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        _answer = answer;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public Uri Url => new($"http://127.0.0.1:{Port}/");

    public ConcurrentQueue<SiteRequest> Requests { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                serving.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stopping.Token)));
            }
        }
        catch (Exception e) when (_stopping.IsCancellationRequested && e is OperationCanceledException or SocketException or InvalidOperationException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await using var stream = client.GetStream();
                var head = await HeadAsync(stream);
                if (head.Length == 0)
                {
                    return;
                }

                var lines = head.Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
                var first = lines[0].Split(' ');
                var headers = lines.Skip(1).Select(l => l.Split(':', 2)).ToDictionary(p => p[0], p => p[1].Trim(), StringComparer.OrdinalIgnoreCase);
                var request = new SiteRequest(first[0], first[1], headers);
                Requests.Enqueue(request);
                var response = _answer(request);
                var text = $"HTTP/1.1 {response.Status} X\r\nConnection: close\r\n{string.Concat(response.Headers.Select(h => $"{h.Name}: {h.Value}\r\n"))}";
                if (response.Status != 304)
                {
                    text += $"Content-Length: {response.Body.Length}\r\n";
                }

                await stream.WriteAsync(Encoding.UTF8.GetBytes(text + "\r\n"), _stopping.Token);
                await stream.WriteAsync(response.Body.AsMemory(0, response.Hang ? response.Body.Length / 2 : response.Body.Length), _stopping.Token);
                if (response.Hang)
                {
                    await Task.Delay(Timeout.Infinite, _stopping.Token);
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
            {
                // The client had enough, or the test is over.
            }
        }
    }

    private async Task<string> HeadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var buffer = new byte[4096];
        while (!head.ToString().Contains("\r\n\r\n", StringComparison.Ordinal))
        {
            var read = await stream.ReadAsync(buffer, _stopping.Token);
            if (read == 0)
            {
                return "";
            }

            head.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }

        return head.ToString();
    }
}
