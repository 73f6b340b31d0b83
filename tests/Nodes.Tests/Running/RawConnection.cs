using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace RagCluster.Nodes.Tests.Running;

/// <summary>Bytes to a node and back, for what a well-behaved client never sends.</summary>
public sealed class RawConnection : IDisposable
{
    private readonly TcpClient _client;
    private readonly NetworkStream _stream;
    private readonly CancellationTokenSource _limit;

    private RawConnection(TcpClient client, CancellationTokenSource limit) => (_client, _stream, _limit) = (client, client.GetStream(), limit);

    /// <param name="receiveBuffer">How much the system takes for a client that does not read, in bytes; null: as the system likes.</param>
    public static async Task<RawConnection> OpenAsync(Uri url, int? receiveBuffer = null)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TestKit.Retry.Patience);
        var client = new TcpClient();
        if (receiveBuffer is { } bytes)
        {
            client.ReceiveBufferSize = bytes;
        }

        await client.ConnectAsync(url.Host, url.Port, limit.Token);
        return new RawConnection(client, limit);
    }

    /// <summary>Sends a request as it stands and reads the answer to the connection's end.</summary>
    public static async Task<(int Status, string Text)> RequestAsync(Uri url, string request)
    {
        using var connection = await OpenAsync(url);
        await connection.SendAsync(Encoding.Latin1.GetBytes(request));
        var text = await connection.ReadToEndAsync();
        return (text.Length > 12 ? int.Parse(text[9..12], CultureInfo.InvariantCulture) : 0, text);
    }

    /// <summary>A WebSocket to the chat, its handshake done.</summary>
    public static async Task<RawConnection> ChatAsync(Uri url, int? receiveBuffer = null)
    {
        var connection = await OpenAsync(url, receiveBuffer);
        await connection.SendAsync(Encoding.ASCII.GetBytes(
            $"GET /api/v1/ws HTTP/1.1\r\nHost: {url.Authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
        var answer = await connection.ReadHeadersAsync();
        answer.ShouldStartWith("HTTP/1.1 101");
        return connection;
    }

    public async Task SendAsync(byte[] bytes) => await _stream.WriteAsync(bytes, _limit.Token);

    /// <summary>Sends a WebSocket frame, masked as a client's must be.</summary>
    public Task SendFrameAsync(byte first, byte[] payload) => payload.Length < 126
        ? SendAsync([first, (byte)(0x80 | payload.Length), 0, 0, 0, 0, .. payload])
        : SendAsync([first, 0x80 | 126, (byte)(payload.Length >> 8), (byte)payload.Length, 0, 0, 0, 0, .. payload]);

    /// <summary>Reads WebSocket frames until the node closes, and gives its close code; null if it just went.</summary>
    public async Task<int?> CloseCodeAsync()
    {
        while (true)
        {
            var head = await ReadExactlyAsync(2);
            if (head is null)
            {
                return null;
            }

            int length = head[1] & 0x7F;
            if (length == 126)
            {
                var extended = await ReadExactlyAsync(2);
                length = (extended![0] << 8) | extended[1];
            }

            var payload = await ReadExactlyAsync(length);
            if ((head[0] & 0x0F) == 8)
            {
                return payload is { Length: >= 2 } ? (payload[0] << 8) | payload[1] : 1005;
            }
        }
    }

    public void Dispose()
    {
        _client.Dispose();
        _limit.Dispose();
    }

    private async Task<string> ReadToEndAsync()
    {
        var all = new MemoryStream();
        try
        {
            await _stream.CopyToAsync(all, _limit.Token);
        }
        catch (IOException)
        {
            // The node closed without reading what we sent; what it said before counts.
        }

        return Encoding.UTF8.GetString(all.ToArray());
    }

    private async Task<string> ReadHeadersAsync()
    {
        var text = new StringBuilder();
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            var next = await ReadExactlyAsync(1) ?? throw new EndOfStreamException($"The node closed after: {text}");
            text.Append((char)next[0]);
        }

        return text.ToString();
    }

    private async Task<byte[]?> ReadExactlyAsync(int length)
    {
        var bytes = new byte[length];
        try
        {
            await _stream.ReadExactlyAsync(bytes, _limit.Token);
            return bytes;
        }
        catch (Exception e) when (e is EndOfStreamException or IOException)
        {
            return null;
        }
    }
}
