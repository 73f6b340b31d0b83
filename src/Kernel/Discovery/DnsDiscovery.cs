using System.Net;
using System.Net.Sockets;
using RagCluster.Kernel.Discovery.Dns;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Discovery;

/// <summary>
/// The nodes behind a DNS name, such as a headless service of Kubernetes: its A and AAAA records with a port that is
/// known, or its SRV records, which bring host names and ports.
/// </summary>
/// <remarks>With TLS use SRV: certificates name hosts, and the addresses that nodes announce should be those found here.</remarks>
public sealed class DnsDiscovery : IDiscovery
{
    private readonly DnsClient _client;
    private readonly string _name;
    private readonly int? _port;

    /// <param name="port">The transport's port at every address; null: look for SRV records instead.</param>
    public DnsDiscovery(string name, int? port, TimeProvider time, string resolverFile = ResolverSettings.DefaultFile)
        : this(name, port, new DnsClient(time, () => ResolverSettings.Read(resolverFile)))
    {
    }

    internal DnsDiscovery(string name, int? port, DnsClient client)
    {
        if (!DnsName.IsValid(name))
        {
            throw new FormatException($"\"{name}\" is not a name that DNS could know.");
        }

        (_name, _port, _client) = (name, port, client);
    }

    public string Source => _port is null ? $"the SRV records of {_name}" : $"the addresses of {_name}";

    public async ValueTask<IReadOnlyList<Candidate>> FindAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            var addresses = _port is { } port ? await AddressesAsync(port, cancellationToken) : await ServicesAsync(cancellationToken);
            return [.. addresses.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(address => new Candidate(address))];
        }
        catch (DnsException e)
        {
            throw new DiscoveryException($"{_name} cannot be looked up: {e.Message}", e);
        }
    }

    private async Task<List<string>> ServicesAsync(CancellationToken cancellationToken)
    {
        var records = await _client.QueryAsync(_name, DnsType.Srv, cancellationToken);

        // Of priority and weight a cluster has no use: it looks for all its nodes. A target of "." says that there is none.
        return [.. records.OfType<ServiceRecord>().Where(record => record.Target.Length > 0 && record.Port > 0).Select(record => new HostPort(record.Target, record.Port).ToString())];
    }

    private async Task<List<string>> AddressesAsync(int port, CancellationToken cancellationToken)
    {
        var found = new List<IPAddress>();
        foreach (var type in new[] { DnsType.A, DnsType.Aaaa })
        {
            var records = await _client.QueryAsync(_name, type, cancellationToken);
            found.AddRange(records.OfType<AddressRecord>().Select(record => record.Address));
        }

        if (found.Count == 0)
        {
            // The machine knows names that DNS does not, from its hosts file for one.
            try
            {
                found.AddRange(await System.Net.Dns.GetHostAddressesAsync(_name, cancellationToken));
            }
            catch (SocketException)
            {
                // Nobody knows it: no candidates.
            }
        }

        return [.. found.Select(address => new HostPort(address.ToString(), port).ToString())];
    }
}
