using System.CommandLine;
using RagCluster.Nodes.Hosting;
using RagCluster.Nodes.Management;
using RagCluster.Nodes.Management.Logs;

namespace RagCluster.Nodes.Commands;

/// <summary>ragcluster serve, and ragcluster alone: a node that runs until it is stopped.</summary>
internal static class ServeCommand
{
    public static Command Create(CommonOptions common)
    {
        var command = new Command("serve", "Starts a node and serves until it is stopped. The default command.");
        command.SetAction((result, cancellationToken) => RunAsync(common, result, cancellationToken));
        return command;
    }

    public static async Task<int> RunAsync(CommonOptions common, ParseResult result, CancellationToken cancellationToken)
    {
        var configuration = common.Load(result);
        var options = configuration.Options;
        using var logs = new LogControl((Microsoft.Extensions.Logging.LogLevel)options.Log.Level);
        await using var node = await NodeHost.StartAsync(options, Logging.AsConfigured(options.Log, logs), cancellationToken, new NodeOperator(configuration.Settings, logs));
        await Samples.TakeInOnFirstStartAsync(node, options, cancellationToken);

        // Scripts and tests wait for this line: the node is ready.
        Console.Out.WriteLine($"RagCluster is ready.  Chat: {node.Url}  API: {new Uri(node.Url, "openapi/v1.json")}{(node.ManagementUrl is { } m ? $"  Management: {m}" : "")}");
        Console.Out.WriteLine($"Data: {Path.GetFullPath(options.DataFolder)}  Stop with Ctrl-C.");
        Console.Out.Flush();
        return await node.WaitForStopAsync(cancellationToken) ? ExitCodes.Success : ExitCodes.Lost;
    }
}
