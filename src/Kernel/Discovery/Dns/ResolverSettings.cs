using System.Globalization;
using System.Net;

namespace RagCluster.Kernel.Discovery.Dns;

/// <summary>What resolv.conf(5) says.</summary>
internal sealed record ResolverSettings
{
    public const string DefaultFile = "/etc/resolv.conf";

    private const int MaxServers = 3;

    /// <summary>Asked one after another.</summary>
    public IReadOnlyList<IPEndPoint> Servers { get; init; } = [];

    /// <summary>Appended to names with fewer dots than <see cref="Dots"/>.</summary>
    public IReadOnlyList<string> Search { get; init; } = [];

    public int Dots { get; init; } = 1;

    /// <summary>For one answer of one server.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Rounds through the servers.</summary>
    public int Attempts { get; init; } = 2;

    public static ResolverSettings Read(string file)
    {
        try
        {
            return Parse(File.ReadAllText(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DnsException($"{file} cannot be read: {e.Message}");
        }
    }

    /// <summary>Lines that it does not know, or that are wrong, say nothing; so resolvers do.</summary>
    public static ResolverSettings Parse(string text)
    {
        var settings = new ResolverSettings();
        var servers = new List<IPEndPoint>();
        foreach (var line in text.Split('\n'))
        {
            var words = line.Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            switch (words)
            {
                case ["nameserver", var server, ..] when IPAddress.TryParse(server, out var ip) && servers.Count < MaxServers:
                    servers.Add(new IPEndPoint(ip, 53));
                    break;
                case ["search" or "domain", .. var domains]:
                    settings = settings with { Search = [.. domains.Select(domain => domain.TrimEnd('.')).Where(DnsName.IsValid)] };
                    break;
                case ["options", .. var options]:
                    settings = options.Aggregate(settings, Option);
                    break;
            }
        }

        // Without any, the machine's own is meant.
        return settings with { Servers = servers.Count > 0 ? servers : [new IPEndPoint(IPAddress.Loopback, 53)] };
    }

    /// <summary>The names to ask for, in order.</summary>
    public IEnumerable<string> Candidates(string name)
    {
        if (name.EndsWith('.'))
        {
            return [name];
        }

        var searched = Search.Select(domain => $"{name}.{domain}").Where(DnsName.IsValid);
        return name.Count(c => c == '.') >= Dots ? searched.Prepend(name) : searched.Append(name);
    }

    private static ResolverSettings Option(ResolverSettings settings, string option)
    {
        var parts = option.Split(':');
        return parts.Length == 2 && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? parts[0] switch
            {
                "ndots" => settings with { Dots = Math.Min(value, 15) },
                "timeout" => settings with { Timeout = TimeSpan.FromSeconds(Math.Clamp(value, 1, 30)) },
                "attempts" => settings with { Attempts = Math.Clamp(value, 1, 5) },
                _ => settings,
            }
            : settings;
    }
}
