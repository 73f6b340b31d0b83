using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using RagCluster.Configuration;
using RagCluster.Configuration.Options;
using RagCluster.Nodes.Tests.Running;

[assembly: AssemblyFixture(typeof(RagCluster.Nodes.Tests.Management.GuardedNode))]

namespace RagCluster.Nodes.Tests.Management;

/// <summary>A node whose management needs tokens or certificates, over TLS.</summary>
public sealed class GuardedNode : RunningNode
{
    public const string Viewer = "viewer-token-of-the-tests";
    public const string Operator = "operator-token-of-the-tests";
    public const string Admin = "admin-token-of-the-tests";

    private readonly TemporaryFolder _files = new();

    public TestAuthority Authority { get; } = new("management clients");

    public X509Certificate2 Certificate { get; private set; } = null!;

    protected override RagClusterOptions Configure(RagClusterOptions options)
    {
        Certificate = new TestAuthority("management server").Issue("localhost", "1.3.6.1.5.5.7.3.1");
        return options with
        {
            Management = options.Management with
            {
                Tokens =
                [
                    new ManagementTokenOptions { Name = "prometheus", TokenFile = _files.Write("viewer", Viewer + "\n") },
                    new ManagementTokenOptions { Name = "ann", TokenHash = Convert.ToHexString(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(Operator))), Role = ManagementRole.Operator },
                    new ManagementTokenOptions { Name = "root", TokenFile = _files.Write("admin", Admin), Role = ManagementRole.Admin },
                ],
                Tls = new ManagementTlsOptions
                {
                    Certificate = _files.Write("server.pem", Certificate.ExportCertificatePem()),
                    Key = _files.Write("server.key", Certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()),
                    Authorities = _files.Write("authorities.pem", Authority.Certificate.ExportCertificatePem()),
                    Role = ManagementRole.Operator,
                },
            },
        };
    }

    public HttpClient Client(string? token = null, X509Certificate2? certificate = null)
    {
        var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == Certificate.GetCertHashString(),
                LocalCertificateSelectionCallback = certificate is null ? null : (_, _, _, _, _) => certificate,
            },
        };
        var client = new HttpClient(handler) { BaseAddress = ManagementUrl };
        if (token is not null)
        {
            client.DefaultRequestHeaders.Authorization = new("Bearer", token);
        }

        return client;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _files.Dispose();
    }
}

/// <summary>Who may come in through the management port, and how far.</summary>
public sealed class AccessTests(GuardedNode node, OpenNode open)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null)]
    [InlineData("viewer-token-of-the-test")]
    [InlineData("viewer-token-of-the-testsx")]
    [InlineData("")]
    public async Task Without_a_valid_token_there_are_probes_and_nothing_else(string? token)
    {
        using var client = node.Client(token);
        foreach (var probe in new[] { "/alive", "/ready", "/startup" })
        {
            (await client.GetAsync(probe, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK, probe);
        }

        var health = JsonNode.Parse(await client.GetStringAsync("/health", Cancellation))!;
        health["checks"]!.AsArray().ShouldNotBeEmpty();
        health["checks"]!.AsArray().ShouldAllBe(check => check!["detail"] == null);
        foreach (var path in new[] { "/metrics", "/cluster", "/cluster/members/", "/config", "/flags", "/log", "/actors", "/nothing", "/bootstrap/seed-nodes", "/entities/conversation/default/x" })
        {
            var reply = await Reply.ReadAsync(await client.GetAsync(path, Cancellation), Cancellation);
            reply.ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
            reply.Message.Headers.WwwAuthenticate.ToString().ShouldBe("Bearer");
        }
    }

    [Theory]
    [InlineData(GuardedNode.Viewer, false)]
    [InlineData(GuardedNode.Operator, true)]
    [InlineData(GuardedNode.Admin, true)]
    public async Task A_viewer_looks_and_an_operator_changes(string token, bool changes)
    {
        using var client = node.Client(token);
        (await client.GetAsync("/cluster/members", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await client.GetAsync("/metrics", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
        var put = await Reply.ReadAsync(await client.PutAsync("/flags/vectors", Form(("on", "default"), ("reason", "the tests")), Cancellation), Cancellation);
        if (changes)
        {
            ((string?)put.Expect(HttpStatusCode.OK)["by"]).ShouldBe(token == GuardedNode.Admin ? "root" : "ann");
        }
        else
        {
            ((string?)put.ExpectProblem(HttpStatusCode.Forbidden, "forbidden")["detail"]).ShouldNotBeNull().ShouldContain("operator");
            (await client.DeleteAsync("/cluster/members/node-1", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
            (await client.GetAsync("/log", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.Forbidden, "the log names users");
        }
    }

    [Fact]
    public async Task A_client_certificate_of_the_right_authority_lets_in_and_no_other()
    {
        using (var client = node.Client(certificate: node.Authority.Issue("ops", "1.3.6.1.5.5.7.3.2")))
        {
            (await client.GetAsync("/cluster", Cancellation)).StatusCode.ShouldBe(HttpStatusCode.OK);
            var put = await Reply.ReadAsync(await client.PutAsync("/flags/vectors", Form(("on", "default"), ("reason", "the tests")), Cancellation), Cancellation);
            ((string?)put.Expect(HttpStatusCode.OK)["by"]).ShouldBe("ops");
        }

        X509Certificate2[] wrong =
        [
            new TestAuthority("somebody else").Issue("ops", "1.3.6.1.5.5.7.3.2"),
            node.Authority.Issue("ops", "1.3.6.1.5.5.7.3.1"),
            node.Authority.Issue("ops", "1.3.6.1.5.5.7.3.2", DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(-1)),
        ];
        foreach (var certificate in wrong)
        {
            using var client = node.Client(certificate: certificate);
            await Should.ThrowAsync<HttpRequestException>(() => client.GetAsync("/cluster", Cancellation));
        }
    }

    [Fact]
    public async Task Texts_are_for_admins()
    {
        using var caller = node.Caller();
        await caller.PostAsync("/api/v1/conversations/private/messages", new JsonObject { ["text"] = "Is the zanzibarword mine?", ["wait"] = true });
        var seen = new Dictionary<string, string>();
        foreach (var token in new[] { GuardedNode.Viewer, GuardedNode.Operator, GuardedNode.Admin })
        {
            using var client = node.Client(token);
            seen[token] = await client.GetStringAsync("/entities/conversation/default/private", Cancellation);
        }

        foreach (var token in new[] { GuardedNode.Viewer, GuardedNode.Operator })
        {
            seen[token].ShouldNotContain("zanzibarword");
            seen[token].ShouldContain("(hidden, 25 characters)");
            seen[token].ShouldContain("question-asked");
            ((bool?)JsonNode.Parse(seen[token])!["redacted"]).ShouldBe(true);
        }

        seen[GuardedNode.Admin].ShouldContain("zanzibarword");
    }

    [Fact]
    public async Task A_port_without_tokens_answers_under_loopback_names_only_and_to_no_web_page()
    {
        using var management = new Caller(open.ManagementUrl);
        (await management.GetAsync("/cluster", ("Host", "evil.example"))).ExpectProblem(HttpStatusCode.Forbidden, "forbidden");
        (await management.GetAsync("/alive", ("Host", "evil.example"))).Status.ShouldBe(HttpStatusCode.Forbidden);
        (await management.GetAsync("/cluster", ("Origin", "https://evil.example"))).ExpectProblem(HttpStatusCode.Forbidden, "forbidden");
        (await management.GetAsync("/cluster", ("Origin", $"http://{open.ManagementUrl.Authority}"))).Status.ShouldBe(HttpStatusCode.OK);
        (await management.GetAsync("/cluster", ("Host", "localhost"))).Status.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_token_in_a_URL_is_refused_also_where_none_is_needed()
    {
        using var management = new Caller(open.ManagementUrl);
        ((string?)(await management.GetAsync("/cluster?token=abc")).ExpectProblem(HttpStatusCode.BadRequest, "invalid")["detail"]).ShouldNotBeNull().ShouldContain("Authorization");
        using var client = node.Client();
        (await client.GetAsync("/cluster?access_token=" + GuardedNode.Admin, Cancellation)).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Fact]
    public void The_start_is_refused_beyond_loopback_without_tokens()
    {
        var refused = Should.Throw<InvalidConfigurationException>(() => RagClusterConfiguration.Load(null, new Dictionary<string, string>(), ConfigurationOverride.Parse("ragcluster.management.host=*")));
        refused.Message.ShouldContain("management.tokens");
        var tokens = """ragcluster.management.tokens=[{ name = t, token-file = "env:T" }]""";
        RagClusterConfiguration.Load(null, new Dictionary<string, string>(), ConfigurationOverride.Parse("ragcluster.management.host=*"), ConfigurationOverride.Parse(tokens)).Options.Management.Tokens.Count.ShouldBe(1);
        RagClusterConfiguration.Load(null, new Dictionary<string, string>(), ConfigurationOverride.Parse("ragcluster.management.host=*"), ConfigurationOverride.Parse("ragcluster.management.enabled=false"));
        Should.Throw<InvalidConfigurationException>(() => RagClusterConfiguration.Load(null, new Dictionary<string, string>(), ConfigurationOverride.Parse("""ragcluster.management.tokens=[{ name = t }]""")))
            .Message.ShouldContain("exactly one of token-file and token-hash");
    }

    private static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) => new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
}

/// <summary>An authority that lives as long as a test.</summary>
public sealed class TestAuthority
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public TestAuthority(string name)
    {
        var request = new CertificateRequest($"CN={name}", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        Certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-10), DateTimeOffset.UtcNow.AddDays(10));
    }

    public X509Certificate2 Certificate { get; }

    /// <param name="purpose">The extended key usage: 1.3.6.1.5.5.7.3.1 for servers, .2 for clients.</param>
    public X509Certificate2 Issue(string name, string purpose, DateTimeOffset? from = null, DateTimeOffset? until = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(purpose)], false));
        using var signed = request.Create(Certificate, from ?? DateTimeOffset.UtcNow.AddDays(-1), until ?? DateTimeOffset.UtcNow.AddDays(5), RandomNumberGenerator.GetBytes(8));
        using var whole = signed.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null, X509KeyStorageFlags.Exportable);
    }
}
