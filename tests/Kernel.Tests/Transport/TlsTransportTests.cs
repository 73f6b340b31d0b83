using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;
using RagCluster.Kernel.Transport;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Transport;

/// <summary>Mutual TLS: who gets in with which certificate.</summary>
public sealed class TlsTransportTests : IDisposable
{
    private readonly TestCertificates _certificates = new();
    private readonly TestCertificates _others = new();

    public void Dispose()
    {
        _certificates.Dispose();
        _others.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nodes_of_one_authority_talk_with_or_without_a_secret_as_well(bool secret)
    {
        await using var a = await StartAsync("a", _certificates.Issue("a"), secret);
        await using var b = await StartAsync("b", _certificates.Issue("b"), secret);
        await a.SendAsync(b, "there");
        await b.SendAsync(a, "back");
        await a.Until("both have heard", () => a.Received.Contains("back") && b.Received.Contains("there"));
    }

    [Theory]
    [InlineData("another authority signed it", "is not believed")]
    [InlineData("it expires in the meantime", "is not believed")]
    [InlineData("it is for another host", "is not for 127.0.0.1")]
    [InlineData("it is no server's", "is not believed")]
    public async Task The_accepters_certificate_is_checked(string what, string said)
    {
        await using var a = await StartAsync("a", _certificates.Issue("a"));
        await using var b = await StartAsync("b", Bad(what));
        await PassAsync(what);
        (await Should.ThrowAsync<PeerUnreachableException>(() => a.SendAsync(b, "x"))).Message.ShouldContain(said);
        b.Received.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("another authority signed it", "is not believed")]
    [InlineData("it expires in the meantime", "is not believed")]
    [InlineData("it is for another host", "is not for 127.0.0.1")]
    [InlineData("it is no client's", "is not believed")]
    public async Task The_openers_certificate_is_checked(string what, string said)
    {
        await using var a = await StartAsync("a", Bad(what));
        await using var b = await StartAsync("b", _certificates.Issue("b"));
        await PassAsync(what);
        await Should.ThrowAsync<PeerUnreachableException>(() => a.SendAsync(b, "x"));
        await b.Until("it says why", () => b.Log.Warnings.Any(line => line.Contains(said, StringComparison.Ordinal)));
        b.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task Without_a_certificate_nobody_gets_in_nor_without_TLS_nor_with_an_older_one()
    {
        await using var b = await StartAsync("b", _certificates.Issue("b"), secret: true);
        var port = HostPort.Parse(b.Peer.Address).Port;
        foreach (var protocol in new[] { System.Security.Authentication.SslProtocols.Tls13, System.Security.Authentication.SslProtocols.Tls12 })
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port);
#pragma warning disable CA5359 // This client is the attacker, who believes everything.
            await using var stream = new SslStream(client.GetStream(), false, (_, _, _, _) => true);
#pragma warning restore CA5359
            await Should.ThrowAsync<Exception>(async () =>
            {
                await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "127.0.0.1", EnabledSslProtocols = protocol });
                await stream.WriteAsync("RAGC"u8.ToArray());
                (await stream.ReadAsync(new byte[1])).ShouldBe(0);
                throw new IOException("closed");
            });
        }

        await using var plain = await TcpNode.StartAsync("a");
        await Should.ThrowAsync<PeerUnreachableException>(() => plain.SendAsync(b, "x"));
        (await Should.ThrowAsync<PeerUnreachableException>(() => b.SendAsync(plain, "x"))).Message.ShouldNotBeEmpty();
        await plain.Until("it knows what that was", () => plain.Log.Warnings.Any(line => line.Contains("configured without TLS", StringComparison.Ordinal)));
        b.Received.ShouldBeEmpty();
        plain.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_replaced_certificate_is_used_by_the_next_link_and_a_broken_one_is_not()
    {
        var files = _certificates.Issue("a", dns: "elsewhere.example");
        await using var a = await StartAsync("a", files);
        await using var b = await StartAsync("b", _certificates.Issue("b"));
        await Should.ThrowAsync<PeerUnreachableException>(() => a.SendAsync(b, "refused"));

        _certificates.Issue("a");
        await Retry.Until("the new one is believed", async () =>
        {
            try
            {
                await a.SendAsync(b, "welcome");
                return true;
            }
            catch (PeerUnreachableException)
            {
                return false;
            }
        });
        await b.Until("the message is here", () => b.Received.Contains("welcome"));

        await File.WriteAllTextAsync(files.Key, "no key");
        await Task.Delay(1100);
        await b.SendAsync(a, "still good");
        await a.Until("the former one is still used", () => a.Received.Contains("still good"));
        await a.Until("it says so", () => a.Log.Warnings.Any(line => line.Contains("cannot be used", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_certificate_that_Kubernetes_replaces_is_noticed()
    {
        // A mounted secret: the files are links into a folder that is a link, and only that one changes.
        var folder = Directory.CreateTempSubdirectory("ragcluster-secret-").FullName;
        void Mount(string version, TlsFiles files)
        {
            var target = Directory.CreateDirectory(Path.Combine(folder, version)).FullName;
            File.Copy(files.Certificate, Path.Combine(target, "tls.crt"));
            File.Copy(files.Key, Path.Combine(target, "tls.key"));
            var data = Path.Combine(folder, "..data");
            File.Delete(data);
            File.CreateSymbolicLink(data, version);
        }

        Mount("..1", _certificates.Issue("first", dns: "elsewhere.example"));
        var mounted = new TlsFiles(Path.Combine(folder, "tls.crt"), Path.Combine(folder, "tls.key"), _certificates.AuthorityFile);
        File.CreateSymbolicLink(mounted.Certificate, "..data/tls.crt");
        File.CreateSymbolicLink(mounted.Key, "..data/tls.key");
        await using var a = await StartAsync("a", mounted);
        await using var b = await StartAsync("b", _certificates.Issue("b"));
        await Should.ThrowAsync<PeerUnreachableException>(() => a.SendAsync(b, "refused"));
        Mount("..2", _certificates.Issue("second"));
        await Retry.Until("the new one is believed", () => a.Transport.TrySend(b.Peer, new Message("x"u8.ToArray())));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Certificates_made_as_the_documentation_says_are_good()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/openssl") && File.Exists("/bin/bash"), "Needs openssl and bash.");
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "RagCluster.sln")))
        {
            root = root.Parent!;
        }

        var commands = (await File.ReadAllLinesAsync(Path.Combine(root.FullName, "docs", "cluster.md")))
            .Where(line => line.StartsWith("    openssl ", StringComparison.Ordinal) || line.StartsWith("    printf ", StringComparison.Ordinal))
            .Select(line => line.Trim().Replace("10.0.0.1", "127.0.0.1", StringComparison.Ordinal));
        var folder = Directory.CreateTempSubdirectory("ragcluster-openssl-").FullName;
        using var shell = Process.Start(new ProcessStartInfo("/bin/bash") { ArgumentList = { "-ec", string.Join('\n', commands) }, WorkingDirectory = folder, RedirectStandardError = true })!;
        var errors = await shell.StandardError.ReadToEndAsync();
        await shell.WaitForExitAsync();
        shell.ExitCode.ShouldBe(0, errors);
        var files = new TlsFiles(Path.Combine(folder, "node-1.pem"), Path.Combine(folder, "node-1.key"), Path.Combine(folder, "ca.pem"));
        await using var a = await StartAsync("a", files);
        await using var b = await StartAsync("b", files);
        await a.SendAsync(b, "there");
        await b.Until("it is here", () => b.Received.Contains("there"));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Files_that_cannot_be_used_are_refused_at_the_start()
    {
        var good = _certificates.Issue("a");
        (await Should.ThrowAsync<IOException>(() => StartAsync("a", good with { Certificate = "/none.pem" }))).Message.ShouldContain("/none.pem");
        (await Should.ThrowAsync<IOException>(() => StartAsync("a", good with { Key = _certificates.Issue("b").Key }))).Message.ShouldContain("cannot be used");
        (await Should.ThrowAsync<IOException>(() => StartAsync("a", good with { Authorities = good.Key }))).Message.ShouldContain("no certificate");
        (await Should.ThrowAsync<IOException>(() => StartAsync("a", _certificates.Issue("old", validFor: TimeSpan.FromDays(-1))))).Message.ShouldContain("expired");
    }

    [Fact]
    public async Task Large_and_many_messages_pass_through_TLS_as_well()
    {
        await using var a = await StartAsync("a", _certificates.Issue("a"));
        await using var b = await StartAsync("b", _certificates.Issue("b"));
        var bytes = 0L;
        b.OnMessage = (_, message, _) =>
        {
            bytes += message.Length;
            return default;
        };
        for (var i = 0; i < 5000; i++)
        {
            await a.Transport.SendAsync(b.Peer, new Message(new byte[i % 1000 == 0 ? 1 << 20 : 100]));
        }

        await b.Until("all is here", () => Volatile.Read(ref bytes) == (5 << 20) + (4995 * 100));
    }

    private static Task PassAsync(string what) => what == "it expires in the meantime" ? Task.Delay(2100) : Task.CompletedTask;

    private static Task<TcpNode> StartAsync(string name, TlsFiles files, bool secret = false) =>
        TcpNode.StartAsync(name, o => o with { Tls = files, Secret = secret ? TcpNode.Secret : null });

    private TlsFiles Bad(string what) => what switch
    {
        "another authority signed it" => _certificates.Issue("bad", signedBy: _others),
        "it expires in the meantime" => _certificates.Issue("bad", validFor: TimeSpan.FromSeconds(2)),
        "it is for another host" => _certificates.Issue("bad", dns: "elsewhere.example"),
        "it is no server's" => _certificates.Issue("bad", purposes: "client"),
        _ => _certificates.Issue("bad", purposes: "server"),
    };
}
