using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using RagCluster.Nodes.Hosting;
using RagCluster.Nodes.LocalCluster;
using RagCluster.Nodes.Management;
using RagCluster.Nodes.Management.Cluster;

namespace RagCluster.Nodes.Commands;

/// <summary>ragcluster cluster up, status and down: several nodes on this machine, for trying and for developing.</summary>
internal static class ClusterCommand
{
    private const int MostNodes = 20;

    /// <summary>How long a node may take to be ready, a first start with its samples not counted.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(3);

    public static Command Create(CommonOptions common)
    {
        var command = new Command("cluster", "Runs several nodes on this machine, as one cluster on a PostgreSQL.");
        command.Subcommands.Add(CreateUp(common));
        command.Subcommands.Add(CreateStatus(common));
        command.Subcommands.Add(CreateDown(common));
        return command;
    }

    private static Command CreateUp(CommonOptions common)
    {
        var nodes = new Option<int>("--nodes") { Description = "How many nodes there are to be; more than run already are added.", HelpName = "N", DefaultValueFactory = _ => 3 };
        nodes.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > MostNodes)
            {
                result.AddError($"--nodes is from 1 to {MostNodes}.");
            }
        });
        var postgres = new Option<string?>("--postgres")
        {
            Description = "The server to use, such as \"Host=db;Database=ragcluster;Username=ragcluster;Password=...\"; without it, one is started in the data folder.",
            HelpName = "CONNECTION",
        };
        var command = new Command("up", "Starts the cluster, or the nodes of it that do not run.") { nodes, postgres };
        command.SetAction(async (result, cancellationToken) =>
        {
            var options = common.Load(result).Options;
            var folder = Path.GetFullPath(options.DataFolder);
            var up = new ClusterStart(folder, Console.Out);
            await up.RunAsync(
                result.GetValue(nodes), result.GetValue(postgres), result.GetValue(common.Config), result.GetValue(common.Define) ?? [], options.Ingestion.SamplesOnFirstStart, s_patience, cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }

    private static Command CreateStatus(CommonOptions common)
    {
        var command = new Command("status", "Shows the nodes of the cluster and what each has.");
        command.SetAction(async (result, cancellationToken) =>
        {
            var cluster = Find(common, result);
            var status = await ClusterReport.MakeAsync(cluster, cancellationToken);
            if (result.GetValue(common.Json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(status, ClusterReportJson.Default.ClusterReport));
            }
            else
            {
                status.Write(Console.Out);
            }

            return status.IsWhole ? ExitCodes.Success : ExitCodes.Partial;
        });
        return command;
    }

    private static Command CreateDown(CommonOptions common)
    {
        var command = new Command("down", "Stops all nodes of the cluster, and the PostgreSQL that was started for it. The data stays.");
        command.SetAction(async (result, cancellationToken) =>
        {
            var cluster = Find(common, result);
            var patience = common.Load(result).Options.Kernel.ShutdownTimeout + TimeSpan.FromSeconds(10);
            var started = Stopwatch.GetTimestamp();
            var nodes = Enumerable.Range(1, cluster.Nodes).Select(n => new LocalNode(cluster, n)).ToList();
            var stops = await Task.WhenAll(nodes.Select(async node => (node.Name, InOrder: await node.StopAsync(patience, cancellationToken))));
            foreach (var (name, _) in stops.Where(stop => !stop.InOrder))
            {
                Console.Out.WriteLine($"{name} did not end within {patience.TotalSeconds:0} s and was killed; nothing that it acknowledged is lost.");
            }

            if (cluster.OwnPostgres)
            {
                await LocalPostgres.In(cluster.Folder).StopAsync(cancellationToken);
            }

            Console.Out.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"The cluster is down after {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s. Its data stays in {cluster.Folder}."));
            return stops.All(stop => stop.InOrder) ? ExitCodes.Success : ExitCodes.Partial;
        });
        return command;
    }

    private static ClusterFile Find(CommonOptions common, ParseResult result)
    {
        var folder = common.Load(result).Options.DataFolder;
        return ClusterFile.Find(folder) ?? throw new CommandException($"There is no cluster in {Path.GetFullPath(folder)}. Start one: ragcluster cluster up --data DIR");
    }
}
