using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace RagCluster.Nodes.Hosting;

/// <summary>Where a server of this node listens.</summary>
internal static class Listening
{
    /// <param name="host">An IP address, localhost, or * for all interfaces.</param>
    /// <param name="port">0 takes any free one.</param>
    public static void On(KestrelServerOptions kestrel, string host, int port)
    {
        switch (host)
        {
            case "*":
                kestrel.ListenAnyIP(port);
                break;
            case "localhost" when port != 0:
                kestrel.ListenLocalhost(port);
                break;
            default:
                kestrel.Listen(host == "localhost" ? IPAddress.Loopback : IPAddress.Parse(host), port);
                break;
        }
    }

    /// <param name="key">The setting of the port, for who has to choose another one.</param>
    /// <exception cref="IOException">The port is in use, or may not be used.</exception>
    public static async Task StartAsync(WebApplication web, string key, CancellationToken cancellationToken)
    {
        try
        {
            await web.StartAsync(cancellationToken);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            throw new IOException($"{e.Message} End the program that listens there, or choose another port: -D {key}=PORT, where 0 takes any free one.", e);
        }
    }

    /// <summary>The address of a started server as a client on this machine can use it.</summary>
    public static Uri AddressOf(WebApplication web)
    {
        var address = web.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return new Uri(address.Replace("[::]", "127.0.0.1", StringComparison.Ordinal).Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal));
    }
}
