using System.Net;
using System.Net.Sockets;

namespace RagCluster.Ingestion.Sources.Web;

/// <summary>A URL leads to where it may not.</summary>
public sealed class AddressRefusedException(string message) : IOException(message);

/// <summary>
/// Connects to checked addresses only. The name is looked up once, every address that it has is checked, and the
/// connection goes to an address of that very list: a name that leads elsewhere when looked up again (DNS rebinding)
/// has no second look-up to answer. One address that is refused refuses the name: a name that is half inside is a trap.
/// </summary>
/// <param name="resolve">Looks a name up; null: the system's resolver.</param>
/// <param name="connect">Connects a socket; null: really. Tests count calls here.</param>
public sealed class GuardedConnector(
    AddressGuard guard,
    Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null,
    Func<IPEndPoint, CancellationToken, ValueTask<Stream>>? connect = null)
{
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve = resolve ?? ((host, cancellation) => Dns.GetHostAddressesAsync(host, cancellation));
    private readonly Func<IPEndPoint, CancellationToken, ValueTask<Stream>> _connect = connect ?? ConnectSocketAsync;

    /// <exception cref="AddressRefusedException">The host has an address that may not be connected to; nothing was sent anywhere.</exception>
    /// <exception cref="IOException">It has no address, or none that answers.</exception>
    public async ValueTask<Stream> ConnectAsync(string host, int port, CancellationToken cancellation)
    {
        var addresses = await AddressesAsync(host.Trim('[', ']'), cancellation);
        foreach (var address in addresses)
        {
            if (!guard.Allows(address))
            {
                throw new AddressRefusedException(
                    $"'{host}' leads to {address}, which is not a public address. If it is meant, name its network in ragcluster.ingestion.web.allow-networks.");
            }
        }

        Exception? last = null;
        foreach (var address in addresses)
        {
            try
            {
                return await _connect(new IPEndPoint(address, port), cancellation);
            }
            catch (Exception e) when (e is SocketException or IOException)
            {
                last = e;
            }
        }

        throw new IOException(last is null ? $"'{host}' has no address." : $"No address of '{host}' answers: {last.Message}", last);
    }

    private static async ValueTask<Stream> ConnectSocketAsync(IPEndPoint endpoint, CancellationToken cancellation)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endpoint, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<IPAddress[]> AddressesAsync(string host, CancellationToken cancellation)
    {
        if (IPAddress.TryParse(host, out var literal))
        {
            return [literal];
        }

        try
        {
            return await _resolve(host, cancellation);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            throw new IOException($"The name '{host}' cannot be looked up: {e.Message}", e);
        }
    }
}
