using System.Buffers.Binary;
using System.Net;
using RagCluster.Ingestion.Sources.Web;

namespace RagCluster.Ingestion.Tests.Sources.Web;

/// <summary>
/// Which addresses a URL may lead to. A hole here lets whoever can name a URL read what only this machine can reach: the
/// metadata service of a cloud with its credentials first of all.
/// </summary>
public class AddressGuardTests
{
    /// <summary>The special-purpose IPv4 ranges by first and last address, written down a second time and in another form than in the guard.</summary>
    private static readonly (uint First, uint Last)[] s_special4 =
    [
        (0x00000000, 0x00ffffff), (0x0a000000, 0x0affffff), (0x64400000, 0x647fffff), (0x7f000000, 0x7fffffff), (0xa83f8110, 0xa83f8110), (0xa9fe0000, 0xa9feffff),
        (0xac100000, 0xac1fffff), (0xc0000000, 0xc00000ff), (0xc0000200, 0xc00002ff), (0xc01fc400, 0xc01fc4ff), (0xc034c100, 0xc034c1ff), (0xc0586300, 0xc05863ff),
        (0xc0a80000, 0xc0a8ffff), (0xc0af3000, 0xc0af30ff), (0xc6120000, 0xc613ffff), (0xc6336400, 0xc63364ff), (0xcb007100, 0xcb0071ff), (0xe0000000, 0xffffffff),
    ];

    [Fact]
    public void Of_all_IPv4_addresses_those_of_the_special_ranges_are_refused_in_whatever_IPv6_they_are_wrapped()
    {
        var probes = new HashSet<uint>();
        for (uint block = 0; block < 1 << 16; block++)
        {
            // Of every /16 the ends and one between.
            probes.UnionWith([block << 16, (block << 16) | 0x8001, (block << 16) | 0xffff]);
        }

        foreach (var (first, last) in s_special4)
        {
            probes.UnionWith([first, first + 1, last, last - 1, first - 1, last + 1]);
        }

        var (refused, allowed) = (0, 0);
        foreach (var probe in probes)
        {
            var address = V4(probe);
            var special = s_special4.Any(range => probe >= range.First && probe <= range.Last);
            AddressGuard.PublicOnly.Allows(address).ShouldBe(!special, address.ToString());
            _ = special ? refused++ : allowed++;
            if (probe % 7 == 0 || special)
            {
                AddressGuard.PublicOnly.Allows(address.MapToIPv6()).ShouldBe(!special, address.MapToIPv6().ToString());
                AddressGuard.PublicOnly.Allows(Wrapped("0064ff9b0000000000000000", probe, "")).ShouldBe(!special);
                AddressGuard.PublicOnly.Allows(Wrapped("2002", probe, "00000000000000000001")).ShouldBe(!special);
                AddressGuard.PublicOnly.Allows(Wrapped("000000000000000000000000", probe, "")).ShouldBeFalse();
            }
        }

        refused.ShouldBeGreaterThan(20_000);
        allowed.ShouldBeGreaterThan(100_000);
    }

    [Fact]
    public void Of_IPv6_only_global_unicast_is_public_and_of_that_no_special_range()
    {
        for (var first = 0; first <= 0xffff; first++)
        {
            var bytes = new byte[16];
            BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)first);
            bytes[2] = 0x12;
            bytes[15] = 1;
            var expected = first is >= 0x2000 and <= 0x3fff and not (0x2001 or 0x2002 or 0x3fff) || first == 0x2001;
            if (first is 0x3fff)
            {
                // 3fff::/20 is for documentation, and 1200 is beyond it.
                expected = true;
            }

            if (first == 0x2002)
            {
                // Leads to 18.0.0.0, which is public.
                expected = true;
            }

            AddressGuard.PublicOnly.Allows(new IPAddress(bytes)).ShouldBe(expected, new IPAddress(bytes).ToString());
        }
    }

    [Theory]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("::127.0.0.1")]
    [InlineData("64:ff9b::10.0.0.1")]
    [InlineData("64:ff9b:1::1")]
    [InlineData("100::1")]
    [InlineData("2001::1")]
    [InlineData("2001:0:53aa:64c:0:fbff:52d4:ba51")]
    [InlineData("2001:20::1")]
    [InlineData("2001:db8::1")]
    [InlineData("2002:7f00:1::")]
    [InlineData("2002:a9fe:a9fe::1")]
    [InlineData("3fff::1")]
    [InlineData("5f00::1")]
    [InlineData("fc00::1")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fdff::1")]
    [InlineData("fe80::1")]
    [InlineData("fe80::1%2")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    public void Special_IPv6_addresses_are_refused(string address) => AddressGuard.PublicOnly.Allows(IPAddress.Parse(address)).ShouldBeFalse();

    [Theory]
    [InlineData("2606:4700:4700::1111")]
    [InlineData("2a00:1450:4001::200e")]
    [InlineData("::ffff:1.1.1.1")]
    [InlineData("64:ff9b::1.1.1.1")]
    [InlineData("2002:101:101::1")]
    public void Public_IPv6_addresses_are_not(string address) => AddressGuard.PublicOnly.Allows(IPAddress.Parse(address)).ShouldBeTrue();

    [Fact]
    public void A_network_that_is_named_is_let_through_and_no_other()
    {
        var guard = new AddressGuard([IPNetwork.Parse("10.1.0.0/16"), IPNetwork.Parse("fd12::/16")]);
        guard.Allows(IPAddress.Parse("10.1.2.3")).ShouldBeTrue();
        guard.Allows(IPAddress.Parse("::ffff:10.1.2.3")).ShouldBeTrue();
        guard.Allows(IPAddress.Parse("fd12::7")).ShouldBeTrue();
        guard.Allows(IPAddress.Parse("10.2.0.1")).ShouldBeFalse();
        guard.Allows(IPAddress.Parse("fd13::7")).ShouldBeFalse();
        guard.Allows(IPAddress.Parse("127.0.0.1")).ShouldBeFalse();
    }

    private static IPAddress V4(uint address)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, address);
        return new IPAddress(bytes);
    }

    private static IPAddress Wrapped(string before, uint address, string after) => new(Convert.FromHexString($"{before}{address:x8}{after}"));
}
