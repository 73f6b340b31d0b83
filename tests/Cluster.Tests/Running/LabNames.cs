using System.Globalization;
using System.Net;
using RagCluster.Kernel.Discovery.Dns;
using RagCluster.TestKit;

namespace RagCluster.Cluster.Tests.Running;

/// <summary>
/// The lab's own DNS, as a headless service of Kubernetes has it: a name for each node, and the service's name with the
/// addresses (A) and the places (SRV) of all. The nodes' machines ask it and nobody else.
/// </summary>
internal sealed class LabNames : IAsyncDisposable
{
    public const string Service = "nodes.lab.test";
    public const string Places = "_ragcluster._tcp." + Service;
    private const string Configuration = "/etc/netns";

    private readonly List<string> _folders = [];
    private readonly DnsTestServer _server;

    private LabNames(DnsTestServer server) => _server = server;

    public static string NameOf(int node) => string.Create(CultureInfo.InvariantCulture, $"node-{node}.{Service}");

    /// <param name="port">Of every node's transport.</param>
    public static LabNames Serve(NetworkLab lab, int nodes, int port)
    {
        var names = new LabNames(new DnsTestServer(new IPEndPoint(IPAddress.Parse(lab.Host.Address), 53)));
        var zone = names._server.Records;
        zone[(Service, DnsType.A)] = [.. lab.Machines.Take(nodes).Select(machine => IPAddress.Parse(machine.Address).GetAddressBytes())];
        zone[(Places, DnsType.Srv)] = [.. Enumerable.Range(1, nodes).Select(n => DnsTestServer.Srv(port, NameOf(n)))];
        for (var n = 1; n <= nodes; n++)
        {
            zone[(NameOf(n), DnsType.A)] = [IPAddress.Parse(lab.Machines[n - 1].Address).GetAddressBytes()];
        }

        foreach (var machine in lab.Machines)
        {
            // "ip netns exec" puts these files in place of the system's.
            var folder = Path.Combine(Configuration, machine.Namespace!);
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, "resolv.conf"), $"nameserver {lab.Host.Address}\noptions timeout:1 attempts:3\n");
            names._folders.Add(folder);
        }

        return names;
    }

    /// <summary>From now on the service has, or has not, a place where nobody is.</summary>
    public void ExpectNobodyAt(string? name, int port)
    {
        var real = _server.Records[(Places, DnsType.Srv)].Where(record => !record.AsSpan().SequenceEqual(DnsTestServer.Srv(port, "nobody." + Service)));
        _server.Records[(Places, DnsType.Srv)] = [.. real, .. name is null ? Array.Empty<byte[]>() : [DnsTestServer.Srv(port, name)]];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var folder in _folders.Where(Directory.Exists))
        {
            Directory.Delete(folder, recursive: true);
        }

        await _server.DisposeAsync();
    }
}
