using System.Net;
using FsCheck;
using FsCheck.Fluent;
using RagCluster.Kernel.Discovery;
using RagCluster.Kernel.Discovery.Dns;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Discovery;

/// <summary>Nodes behind a DNS name, and what a name server may do wrong.</summary>
public sealed class DnsDiscoveryTests : IAsyncDisposable
{
    private const string Service = "_ragcluster._tcp.nodes.example";

    private readonly DnsTestServer _server = new();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task SRV_records_bring_hosts_and_ports()
    {
        _server.Add(Service, DnsType.Srv, DnsTestServer.Srv(9301, "Node-2.example"), DnsTestServer.Srv(9300, "node-1.example"), DnsTestServer.Srv(9300, "node-1.example"));
        (await FindAsync(Service, null)).ShouldBe(["node-1.example:9300", "node-2.example:9301"]);
    }

    [Fact]
    public async Task Addresses_of_both_families_get_the_known_port()
    {
        _server.Add("nodes.example", DnsType.A, [10, 0, 0, 2], [10, 0, 0, 1]);
        _server.Add("nodes.example", DnsType.Aaaa, IPAddress.Parse("fd00::1").GetAddressBytes());
        (await FindAsync("nodes.example", 9300)).ShouldBe(["10.0.0.1:9300", "10.0.0.2:9300", "[fd00::1]:9300"]);
    }

    [Fact]
    public async Task An_alias_is_followed_and_one_that_goes_in_circles_is_refused()
    {
        _server.Add("alias.example", DnsType.Cname, DnsTestServer.Name("nodes.example"));
        _server.Add("nodes.example", DnsType.A, [10, 0, 0, 1]);
        (await FindAsync("alias.example", 1)).ShouldBe(["10.0.0.1:1"]);
        _server.Add("a.example", DnsType.Cname, DnsTestServer.Name("b.example"));
        _server.Add("b.example", DnsType.Cname, DnsTestServer.Name("a.example"));
        (await Should.ThrowAsync<DiscoveryException>(() => FindAsync("a.example", 1))).Message.ShouldContain("circles");
    }

    [Fact]
    public async Task No_name_no_records_and_a_service_that_is_declared_absent_are_no_candidates()
    {
        (await FindAsync("nothing.invalid", null)).ShouldBeEmpty();
        (await FindAsync("nothing.invalid", 9300)).ShouldBeEmpty();
        _server.Add(Service, DnsType.Srv, DnsTestServer.Srv(9300, ""));
        (await FindAsync(Service, null)).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_answer_too_large_for_UDP_comes_over_TCP()
    {
        _server.Add(Service, DnsType.Srv, [.. Enumerable.Range(1, 100).Select(i => DnsTestServer.Srv(9000 + i, $"node-{i}.example"))]);
        (await FindAsync(Service, null)).Count.ShouldBe(100);
        _server.AskedByTcp.ShouldBe(1);
    }

    [Fact]
    public async Task Short_names_are_completed_and_names_with_dots_asked_for_as_they_are_first()
    {
        _server.Add("nodes.team.example", DnsType.Srv, DnsTestServer.Srv(1, "a.example"));
        (await FindAsync("nodes", null, search: ["none.example", "team.example"])).ShouldBe(["a.example:1"]);
        _server.Asked.ShouldBe(["nodes.none.example Srv", "nodes.team.example Srv"]);
        _server.Asked.Clear();
        await FindAsync("nodes.team.example", null, search: ["other.example"]);
        _server.Asked.ShouldBe(["nodes.team.example Srv"]);
        _server.Asked.Clear();
        (await FindAsync("nodes.", null, search: ["team.example"])).ShouldBeEmpty();
        _server.Asked.ShouldBe(["nodes Srv"]);
    }

    [Theory]
    [InlineData("another number")]
    [InlineData("another question")]
    [InlineData("a question")]
    [InlineData("nothing")]
    [InlineData("silence")]
    public async Task What_is_no_answer_to_the_question_is_not_taken_for_one(string what)
    {
        _server.Add(Service, DnsType.Srv, DnsTestServer.Srv(9300, "evil.example"));
        _server.OnUdp = answer =>
        {
            switch (what)
            {
                case "another number":
                    answer[1] ^= 1;
                    return answer;
                case "another question":
                    answer[14] ^= 1;
                    return answer;
                case "a question":
                    answer[2] &= 0x7F;
                    return answer;
                case "nothing":
                    return [];
                default:
                    return null;
            }
        };
        (await Should.ThrowAsync<DiscoveryException>(() => FindAsync(Service, null))).Message.ShouldContain("did not answer");
    }

    [Fact]
    public async Task A_false_answer_before_the_true_one_does_no_harm()
    {
        _server.Add(Service, DnsType.Srv, DnsTestServer.Srv(9300, "good.example"));
        _server.BeforeUdp = answer =>
        {
            answer[0] ^= 1;
            answer.AsSpan().Replace((byte)'g', (byte)'f');
            return answer;
        };
        (await FindAsync(Service, null)).ShouldBe(["good.example:9300"]);
    }

    [Fact]
    public async Task The_next_server_is_asked_where_one_fails_is_silent_or_answers_nonsense()
    {
        await using var good = new DnsTestServer();
        good.Add(Service, DnsType.Srv, DnsTestServer.Srv(9300, "good.example"));
        _server.Add(Service, DnsType.Srv, DnsTestServer.Srv(9300, "bad.example"));
        foreach (var fault in new Func<byte[], byte[]?>[] { Refuse, _ => null, Nonsense })
        {
            _server.OnUdp = fault;
            (await FindAsync(Service, null, servers: [_server.Address, good.Address])).ShouldBe(["good.example:9300"]);
        }

        _server.OnUdp = Refuse;
        (await Should.ThrowAsync<DiscoveryException>(() => FindAsync(Service, null))).Message.ShouldContain("code 2");
        _server.OnUdp = Nonsense;
        (await Should.ThrowAsync<DiscoveryException>(() => FindAsync(Service, null))).Message.ShouldContain("points forward");

        static byte[] Refuse(byte[] answer)
        {
            answer[3] = 0x82;
            return answer;
        }

        static byte[] Nonsense(byte[] answer)
        {
            // The target of the record becomes a pointer to itself.
            answer[^2] = 0xC0;
            answer[^1] = (byte)(answer.Length - 2);
            answer[^3] = 0;
            return Fix(answer);
        }

        static byte[] Fix(byte[] answer)
        {
            // The owner, too, so that reading it fails whatever its length says.
            var owner = answer.AsSpan(12).IndexOf((byte)0) + 12 + 5;
            (answer[owner], answer[owner + 1]) = (0xC0, (byte)owner);
            return answer;
        }
    }

    [Fact]
    public void Damaged_answers_are_refused_or_read_but_never_break_the_reader()
    {
        _server.Add(Service, DnsType.Srv, DnsTestServer.Srv(9300, "node-1.example"), DnsTestServer.Srv(9301, "node-2.example"));
        var question = DnsMessage.Question(7, Service, DnsType.Srv);
        var good = _server.Answer(question);
        var refused = 0;
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(5000),
            Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
            {
                var chance = new Random(seed);
                var bad = good[..(chance.Next(3) == 0 ? chance.Next(question.Length, good.Length) : good.Length)];
                for (var i = chance.Next(1, 5); i > 0; i--)
                {
                    bad[chance.Next(6, bad.Length)] = (byte)chance.Next(256);
                }

                if (!DnsMessage.Answers(bad, question))
                {
                    return;
                }

                try
                {
                    foreach (var record in DnsMessage.Parse(bad, Service, DnsType.Srv).Records.Cast<ServiceRecord>())
                    {
                        (record.Target.Length == 0 || DnsName.IsValid(record.Target)).ShouldBeTrue();
                    }
                }
                catch (DnsFormatException)
                {
                    refused++;
                }
            }));
        refused.ShouldBeGreaterThan(500);
    }

    [Fact]
    public void The_resolver_file_is_read_as_resolvers_read_it()
    {
        var settings = ResolverSettings.Parse(
            """
            # made by somebody
            nameserver 10.0.0.10
            nameserver fd00::10
            nameserver not-an-address
            nameserver 10.0.0.11
            nameserver 10.0.0.12
            search team.svc.cluster.local svc.cluster.local .
            options ndots:5 timeout:99 attempts:0 rotate unknown:1
            """);
        settings.Servers.ShouldBe([new(IPAddress.Parse("10.0.0.10"), 53), new(IPAddress.Parse("fd00::10"), 53), new(IPAddress.Parse("10.0.0.11"), 53)]);
        settings.Search.ShouldBe(["team.svc.cluster.local", "svc.cluster.local"]);
        (settings.Dots, settings.Timeout, settings.Attempts).ShouldBe((5, TimeSpan.FromSeconds(30), 1));
        settings.Candidates("nodes.team").ShouldBe(["nodes.team.team.svc.cluster.local", "nodes.team.svc.cluster.local", "nodes.team"]);
        ResolverSettings.Parse("").Servers.ShouldBe([new(IPAddress.Loopback, 53)]);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a..b")]
    [InlineData("a b")]
    [InlineData("a/b")]
    public void Names_that_DNS_cannot_know_are_refused(string name) =>
        Should.Throw<FormatException>(() => new DnsDiscovery(name, 1, TimeProvider.System)).Message.ShouldContain("DNS");

    [Fact]
    public async Task A_resolver_file_that_is_missing_is_said_so()
    {
        var discovery = new DnsDiscovery("nodes.example", null, TimeProvider.System, "/none/resolv.conf");
        (await Should.ThrowAsync<DiscoveryException>(() => discovery.FindAsync().AsTask())).Message.ShouldContain("/none/resolv.conf");
    }

    private async Task<IReadOnlyList<string>> FindAsync(string name, int? port, string[]? search = null, IPEndPoint[]? servers = null)
    {
        var settings = new ResolverSettings { Servers = servers ?? [_server.Address], Search = search ?? [], Timeout = TimeSpan.FromMilliseconds(300), Attempts = 1 };
        var discovery = new DnsDiscovery(name, port, new DnsClient(TimeProvider.System, () => settings));
        return [.. (await discovery.FindAsync()).Select(candidate => candidate.Address)];
    }
}
