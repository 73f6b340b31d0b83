using System.Text;
using Microsoft.Extensions.Configuration;
using RagCluster.Configuration.Options;

namespace RagCluster.Configuration.Tests;

/// <summary>What wins over what, and how a mistake is told.</summary>
public class RagClusterConfigurationTests
{
    private static readonly Dictionary<string, string> NoEnvironment = [];

    [Fact]
    public void The_command_line_wins_over_the_environment_and_that_over_the_file()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("my.conf", "ragcluster { http.port = 1, management.port = 2, node.name = file, documents.max-bytes = ${vars.size} }\nvars.size = 1MiB"u8);
        var environment = new Dictionary<string, string>
        {
            ["RAGCLUSTER__MANAGEMENT__PORT"] = "3",
            ["RAGCLUSTER__NODE__NAME"] = "a \"variable\": {1",
            ["RAGCLUSTER__HTTP__WEBSOCKET__MAX_FRAME"] = "32K",
            ["RAGCLUSTER__SECURITY__OPEN__ROLES"] = "[customer, admin]",
            ["RAGCLUSTER_PORT"] = "tcp://10.0.0.1:8080",
        };
        var loaded = RagClusterConfiguration.Load(file, environment, ConfigurationOverride.Parse("ragcluster.management.port=4"), new("ragcluster.data-folder", "C:\\data", "command-line argument --data"));

        loaded.Options.Http.Port.ShouldBe(1);
        loaded.Options.Documents.MaxBytes.ShouldBe(ByteSize.MiB(1));
        loaded.Options.Management.Port.ShouldBe(4);
        loaded.Options.Node.Name.ShouldBe("a \"variable\": {1");
        loaded.Options.Security.Open.Roles.ShouldBe(["customer", "admin"]);
        loaded.Options.Http.Websocket.MaxFrame.ShouldBe(ByteSize.KiB(32));
        loaded.Options.DataFolder.ShouldBe("C:\\data");
        var rendered = loaded.Render();
        rendered.ShouldContain($"ragcluster.http.port = 1  # {file}:1:26\n");
        rendered.ShouldContain("ragcluster.management.port = 4  # command-line argument -D ragcluster.management.port\n");
        rendered.ShouldContain("ragcluster.http.websocket.max-frame = 32KiB  # environment variable RAGCLUSTER__HTTP__WEBSOCKET__MAX_FRAME\n");
        rendered.ShouldContain("ragcluster.partitions.passivate-after = never  # built-in reference.conf:");
    }

    [Fact]
    public void All_mistakes_are_told_at_once_with_their_places()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("my.conf", """
            ragcluster {
              http.prot = 1
              http.port = many
              documents.max-bytes = 1PiB
              kernel = 5
              log.level = loud
              conversations.passivate-after = 5 parsecs
              inference.generation.provider = ollama
              security.open.roles = gateway
              security.tokens = [{ name = a, token-hash = secret }]
            }
            http.port = 2
            """u8);
        var environment = new Dictionary<string, string> { ["RAGCLUSTER__HTTP__PROT"] = "1" };
        var errors = Should.Throw<InvalidConfigurationException>(() => RagClusterConfiguration.Load(
            file, environment, ConfigurationOverride.Parse("http.port=9000"), ConfigurationOverride.Parse("ragcluster.retrieval.top-k=-1"))).Errors.Select(error => error.ToString()).ToArray();

        string[] expected =
        [
            $"{file}:2:15: ragcluster.http.prot is not a setting. Did you mean ragcluster.http.port?",
            $"{file}:3:15: ragcluster.http.port is the string \"many\", expected a whole number from 0 to 65535.",
            $"{file}:4:25: ragcluster.documents.max-bytes is the string \"1PiB\", expected a size from 1KiB to 2047MiB, such as 64KiB.",
            $"{file}:5:12: ragcluster.kernel is the number 5, expected an object in {{ }}.",
            $"{file}:6:15: ragcluster.log.level is the string \"loud\", expected one of trace, debug, information, warning, error, critical, none.",
            $"{file}:7:35: ragcluster.conversations.passivate-after is the string \"5 parsecs\", expected a duration from 1s to 30d, such as 500ms or 10s, or never.",
            $"{file}:9:25: ragcluster.security.open.roles is the string \"gateway\", expected a list of 0 to 100 items, in [ ].",
            $"{file}:10:22: ragcluster.security.tokens.0.user is missing, expected text of 1 to 100 characters.",
            $"{file}:12:13: http is not a setting. Did you mean ragcluster.http?",
            "environment variable RAGCLUSTER__HTTP__PROT: ragcluster.http.prot is not a setting. Did you mean RAGCLUSTER__HTTP__PORT?",
            "command-line argument -D http.port: http.port is not a setting. Did you mean ragcluster.http.port?",
            "command-line argument -D ragcluster.retrieval.top-k: ragcluster.retrieval.top-k is the string \"-1\", expected a whole number from 1 to 10000.",
        ];
        errors.Length.ShouldBeGreaterThan(expected.Length);
        foreach (var error in expected)
        {
            errors.ShouldContain(error);
        }

        errors.ShouldContain(error => error.StartsWith($"{file}:8:35: ragcluster.inference.generation.url is null, expected the http or https address of the server, because provider is ollama", StringComparison.Ordinal));
        string.Concat(errors).ShouldNotContain("secret,");
    }

    [Fact]
    public void A_file_that_is_no_hocon_is_told_beside_other_mistakes()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("my.conf", "ragcluster { http.port = }"u8);
        var e = Should.Throw<InvalidConfigurationException>(() => RagClusterConfiguration.Load(file, NoEnvironment, ConfigurationOverride.Parse("ragcluster.nod.name=x")));
        e.Errors.Count.ShouldBe(2);
        e.Message.ShouldContain($"{file}:1:26: found '}}', expected a value.");
        e.Message.ShouldContain("Did you mean ragcluster.node.name?");
        Should.Throw<InvalidConfigurationException>(() => RagClusterConfiguration.Load(Path.Combine(folder.Path, "none.conf"), NoEnvironment)).Message.ShouldContain("does not exist");
        Should.Throw<InvalidConfigurationException>(() => ConfigurationOverride.Parse("ragcluster.http.port"));
    }

    [Theory]
    [InlineData("ragcluster.http.host=0.0.0.0", "nobody could come in")]
    [InlineData("ragcluster.http.host=example.org", "an IP address, localhost or *")]
    [InlineData("ragcluster.http.allowed-origins=[\"example.org\"]", "an origin such as")]
    [InlineData("ragcluster.http.websocket.idle-timeout=5s", "more than heartbeat")]
    [InlineData("ragcluster.ingestion.chunk.max-tokens=100", "at least target-tokens")]
    [InlineData("ragcluster.documents.retry-backoff.min=1h", "retry-backoff.max is 5m, expected at least min")]
    [InlineData("ragcluster.retrieval.weights={lexical=0,vector=0}", "above 0")]
    [InlineData("ragcluster.inference.embedding={provider=openai,url=\"ftp://x\",model=m}", "the http or https address")]
    [InlineData("ragcluster.inference.embedding={provider=openai,model=m,endpoints=[{url=\"gpu:8000\"}]}", "expected the http or https address of the server, without user and password")]
    [InlineData("ragcluster.inference.embedding={provider=openai,model=m,url=\"http://a\",endpoints=[{url=\"http://b\"}]}", "the endpoints in the list have their own")]
    [InlineData("ragcluster.inference.embedding={provider=openai,model=m,endpoints=[{url=\"http://a\"},{url=\"http://b\",model=n}]}", "cannot be compared")]
    [InlineData("ragcluster.inference.generation={provider=openai,model=m,endpoints=[{url=\"http://a\",name=x},{url=\"http://b\",name=x}]}", "no other endpoint has")]
    [InlineData("ragcluster.inference.generation={provider=openai,model=m,fallback-models=[n],endpoints=[{url=\"http://a\"}]}", "a model of one of the endpoints")]
    [InlineData("ragcluster.inference.generation={endpoints=[{url=\"http://a\"}]}", "ollama or openai, here or for the group")]
    [InlineData("ragcluster.inference.fairness.tenants=[{name=a},{name=a}]", "a name that no other tenant has")]
    [InlineData("ragcluster.inference.reranking={provider=openai,url=\"http://a\"}", "the name of a model")]
    [InlineData("ragcluster.security.tokens=[{name=a,user=b}]", "exactly one of token-file and token-hash")]
    [InlineData("ragcluster.security.tokens=[{name=a,user=b,token-hash=12}]", "64 hexadecimal digits")]
    [InlineData("ragcluster.cluster.discovery.from=list", "the nodes' addresses")]
    [InlineData("ragcluster.cluster.discovery.addresses=[node-1]", "\"host:port\" each")]
    [InlineData("ragcluster.cluster.discovery.from=dns", "a DNS name")]
    [InlineData("ragcluster.cluster.discovery.name=\"a b\"", "a DNS name")]
    [InlineData("ragcluster.cluster.transport.detection-time=1s", "three times heartbeat-interval")]
    [InlineData("ragcluster.node.name=", "text of 1 to 100 characters")]
    [InlineData("ragcluster.node.name=${x}", null)]
    [InlineData("ragcluster.security.open.enabled=yes", null)]
    [InlineData("ragcluster.inference.embedding.url=null", null)]
    [InlineData("ragcluster.kernel.ask-timeout=never", "a duration")]
    public void Values_that_do_not_go_together_are_refused(string argument, string? problem)
    {
        var load = () => RagClusterConfiguration.Load(null, NoEnvironment, ConfigurationOverride.Parse(argument));
        if (problem is null)
        {
            load();
            return;
        }

        Should.Throw<InvalidConfigurationException>(load).Message.ShouldContain(problem);
    }

    [Fact]
    public void Tokens_bind_and_their_hashes_are_not_shown()
    {
        var hash = new string('a', 64);
        var loaded = RagClusterConfiguration.Load(null, NoEnvironment, new ConfigurationOverride("ragcluster.security.tokens", $"[{{ name = a, user = b, roles = [adviser], token-hash = {hash} }}]", "test"));
        var token = loaded.Options.Security.Tokens.ShouldHaveSingleItem();
        token.TokenHash.ShouldBe(hash);
        token.Roles.ShouldBe(["adviser"]);
        loaded.Render().ShouldContain("ragcluster.security.tokens.0.token-hash = (hidden)  # test");
        loaded.Render().ShouldNotContain(hash);
    }

    [Fact]
    public void A_hocon_file_is_a_source_of_Microsoft_configuration()
    {
        using var folder = new TemporaryFolder();
        var file = folder.Write("my.conf", Encoding.UTF8.GetBytes("ragcluster { http { port = 80${zero} }, list = [a, { b = c }], none = null }\nzero = 0"));
        var configuration = new ConfigurationBuilder().AddHocon(file).AddHocon(Path.Combine(folder.Path, "absent.conf"), optional: true).Build();
        configuration["ragcluster:http:port"].ShouldBe("800");
        configuration["ragcluster:list:0"].ShouldBe("a");
        configuration["ragcluster:list:1:b"].ShouldBe("c");
        configuration["ragcluster:none"].ShouldBeNull();
        configuration.GetSection("ragcluster").GetChildren().Select(child => child.Key).ShouldBe(["http", "list", "none"]);
    }
}
