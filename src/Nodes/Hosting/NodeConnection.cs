using RagCluster.Configuration.Options;
using RagCluster.Nodes.Client;
using RagCluster.Nodes.Commands;
using RagCluster.Nodes.LocalCluster;

namespace RagCluster.Nodes.Hosting;

/// <summary>
/// A node to talk to: one that runs already, or one in this process, started for one command on the same data folder
/// and stopped after it. The command cannot tell the difference: it talks HTTP to both.
/// </summary>
internal sealed class NodeConnection : IAsyncDisposable
{
    private readonly NodeHost? _own;

    private NodeConnection(NodeClient client, NodeHost? own) => (Client, _own) = (client, own);

    public NodeClient Client { get; }

    /// <summary>Whether the node lives in this process only.</summary>
    public bool IsOwn => _own is not null;

    /// <param name="withSamples">A node started for this command takes in the samples if its data folder is new.</param>
    public static async Task<NodeConnection> OpenAsync(
        RagClusterOptions options, Uri? url, string? token, string? roles, bool withSamples, CancellationToken cancellationToken)
    {
        if (url is not null)
        {
            return new NodeConnection(new NodeClient(url, token, roles), null);
        }

        if (NodeFile.Find(options.DataFolder) is { } running)
        {
            return new NodeConnection(new NodeClient(running.Url, token, roles), null);
        }

        if (ClusterFile.Find(options.DataFolder) is { } cluster)
        {
            var ready = cluster.Running();
            return ready.Count > 0
                ? new NodeConnection(new NodeClient(ready[Random.Shared.Next(ready.Count)].Url, token, roles), null)
                : throw new CommandException($"No node of the cluster in {options.DataFolder} is ready. Start it: ragcluster cluster up --data {options.DataFolder}");
        }

        // Nobody else is to find it and no port is to be taken: it lives as long as the command.
        var alone = options with
        {
            Http = options.Http with { Host = "127.0.0.1", Port = 0 },
            Management = options.Management with { Enabled = false },
        };
        var own = await NodeHost.StartAsync(alone, Logging.ToErrorsOnly, cancellationToken);
        if (withSamples)
        {
            await Samples.TakeInOnFirstStartAsync(own, alone, cancellationToken);
        }

        return new NodeConnection(new NodeClient(own.Url, token, roles), own);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (_own is not null)
        {
            await _own.DisposeAsync();
        }
    }
}
