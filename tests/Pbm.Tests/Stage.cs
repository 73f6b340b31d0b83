using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using RagCluster.Configuration;
using RagCluster.Nodes.Hosting;
using RagCluster.Nodes.Management;
using RagCluster.Nodes.Management.Logs;
using RagCluster.Pbm.Shell;

[assembly: AssemblyFixture(typeof(RagCluster.Pbm.Tests.Stage))]

namespace RagCluster.Pbm.Tests;

/// <summary>What a run of pbm printed.</summary>
public sealed record Run(int ExitCode, string Output, string Error)
{
    public JsonNode Json => JsonNode.Parse(Output)!;

    public Run Expect(int exitCode)
    {
        ExitCode.ShouldBe(exitCode, $"{Output}\n{Error}");
        return this;
    }
}

/// <summary>A node whose management needs tokens, and pbm in this process, with contexts in a folder of the tests.</summary>
public sealed class Stage : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ragcluster-pbm-");
    private readonly LogControl _logs = new(LogLevel.Information);
    private NodeHost? _node;

    public Uri Url => _node!.ManagementUrl!;

    public Uri Gateway => _node!.Url;

    public string File(string name) => Path.Combine(_folder.FullName, name);

    /// <summary>As an admin, against the node.</summary>
    public Task<Run> RunAsync(params string[] args) => BareAsync("", [.. args, "--url", Url.ToString(), "--token-file", File("admin")]);

    /// <summary>With nothing but these words.</summary>
    public static async Task<Run> BareAsync(string input, params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var exitCode = await Cli.RunAsync(args, new Terminal(new StringReader(input), output, error, IsInteractive: false));
        return new Run(exitCode, output.ToString(), error.ToString());
    }

    public async ValueTask InitializeAsync()
    {
        Environment.SetEnvironmentVariable("PBM_CONFIG", File("contexts.json"));
        Environment.SetEnvironmentVariable("PBM_URL", null);
        Environment.SetEnvironmentVariable("PBM_TOKEN", null);
        await System.IO.File.WriteAllTextAsync(File("admin"), "the-admin's-token\n");
        await System.IO.File.WriteAllTextAsync(File("viewer"), "the-viewer's-token\n");
        var settings = new Dictionary<string, string>
        {
            ["data-folder"] = File("data"),
            ["http.port"] = "0",
            ["management.port"] = "0",
            ["management.tokens"] = $$"""[{ name = admin, token-file = "{{File("admin")}}", role = admin }, { name = viewer, token-file = "{{File("viewer")}}" }]""",
        };
        var configuration = RagClusterConfiguration.Load(
            null, new Dictionary<string, string>(), settings.Select(setting => new ConfigurationOverride("ragcluster." + setting.Key, setting.Value, "the tests")));
        _node = await NodeHost.StartAsync(configuration.Options, _logs.AddTo, CancellationToken.None, new NodeOperator(configuration.Settings, _logs));
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null)
        {
            await _node.DisposeAsync();
        }

        _logs.Dispose();
        _folder.Delete(recursive: true);
    }
}
