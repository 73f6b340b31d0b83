using RagCluster.Configuration;
using RagCluster.Nodes.Hosting;

namespace RagCluster.EndToEnd;

/// <summary>The real node in this process, on a data folder of its own that outlives restarts.</summary>
internal sealed class RealNode : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ragcluster-page-").FullName;
    private NodeHost? _host;

    public int Port { get; private set; }

    /// <summary>Starts the node, on the port that it had if it ran before.</summary>
    public async Task StartAsync()
    {
        ConfigurationOverride[] settings =
        [
            new("ragcluster.data-folder", _folder, "test"),
            new("ragcluster.http.host", "127.0.0.1", "test"),
            new("ragcluster.http.port", $"{Port}", "test"),
            new("ragcluster.management.enabled", "false", "test"),
        ];
        var options = RagClusterConfiguration.Load(null, new Dictionary<string, string>(), settings).Options;
        _host = await NodeHost.StartAsync(options, Logging.ToErrorsOnly, CancellationToken.None);
        Port = _host.Url.Port;
    }

    public async Task StopAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
            _host = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
