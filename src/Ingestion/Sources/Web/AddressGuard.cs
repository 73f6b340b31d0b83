using System.Net;
using System.Net.Sockets;

namespace RagCluster.Ingestion.Sources.Web;

/// <summary>
/// Which network addresses a URL may lead to: public ones, and networks that the configuration names. Everything in the
/// IANA registries of special-purpose addresses (RFC 6890 and its updates) is refused: this host, private networks,
/// link-local ones with the metadata services of clouds among them, shared, benchmarking, documentation, multicast and
/// reserved ones, and IPv6 addresses that carry such an IPv4 address inside (mapped, compatible, translated, 6to4).
/// </summary>
/// <remarks>
/// What counts is the address that is connected to, whatever was written in the URL: decimal, octal and hexadecimal
/// notations, names that lead to inside addresses and names that change between two look-ups all end here.
/// </remarks>
public sealed class AddressGuard(IEnumerable<IPNetwork> allowed)
{
    private static readonly IPNetwork[] s_refused =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",

            // Of the global unicast space 2000::/3 these are special; what is outside of it is refused as a whole. The
            // first of them holds Teredo, benchmarking, AMT, ORCHID and more.
            "2001::/23", "2001:db8::/32", "2620:4f:8000::/48", "3fff::/20", "5f00::/16",

            // Alibaba's and Oracle's metadata services are at 100.100.100.200 and 192.0.0.192, covered above; Azure's
            // wire server is a public address that answers only inside.
            "168.63.129.16/32",
        }.Select(IPNetwork.Parse),
    ];

    private static readonly IPNetwork s_unicast6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork s_translated = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork s_sixToFour = IPNetwork.Parse("2002::/16");

    private readonly IPNetwork[] _allowed = [.. allowed];

    /// <summary>Lets public addresses through and no others.</summary>
    public static AddressGuard PublicOnly { get; } = new([]);

    /// <summary>Whether a connection to the address may be made.</summary>
    public bool Allows(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);

        // A scope ("fe80::1%eth0") is not part of what networks are made of.
        var plain = new IPAddress(address.GetAddressBytes());
        var inner = Inner(plain);
        return IsIn(_allowed, plain) || (inner is not null && IsIn(_allowed, inner)) || (IsPublic(plain) && (inner is null || IsPublic(inner)));
    }

    private static bool IsPublic(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            return (Inner(address) is { } inner && !address.Equals(inner) && IsCarrier(address) && IsPublic(inner))
                || (s_unicast6.Contains(address) && !IsIn(s_refused, address));
        }

        return address.AddressFamily == AddressFamily.InterNetwork && !IsIn(s_refused, address);
    }

    /// <summary>Outside the unicast space, and yet a way to IPv4: mapped and well-known translated addresses.</summary>
    private static bool IsCarrier(IPAddress address) => address.IsIPv4MappedToIPv6 || s_translated.Contains(address);

    /// <summary>The IPv4 address that an IPv6 address leads to; null where it leads to none.</summary>
    private static IPAddress? Inner(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return null;
        }

        var bytes = address.GetAddressBytes();
        if (address.IsIPv4MappedToIPv6 || s_translated.Contains(address) || bytes.AsSpan(0, 12).IndexOfAnyExcept((byte)0) < 0)
        {
            return new IPAddress(bytes.AsSpan(12));
        }

        return s_sixToFour.Contains(address) ? new IPAddress(bytes.AsSpan(2, 4)) : null;
    }

    private static bool IsIn(IPNetwork[] networks, IPAddress address)
    {
        foreach (var network in networks)
        {
            if (network.BaseAddress.AddressFamily == address.AddressFamily && network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}
