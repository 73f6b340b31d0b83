using System.CommandLine;
using RagCluster.Configuration.Options;
using RagCluster.Kernel;
using RagCluster.Kernel.Journal.Postgres;
using RagCluster.Nodes.Hosting;
using RagCluster.Nodes.Management.Logs;

namespace RagCluster.Nodes.Commands;

/// <summary>ragcluster store: what is done to a store without a node.</summary>
internal static class StoreCommand
{
    public static Command Create(CommonOptions common)
    {
        var migrate = new Command("migrate", "Makes the tables of the configured store, or brings them to this version, and ends. Nodes do it themselves where their user may.");
        // A server that is not there yet is waited for, as a node does; Ctrl-C or the orchestrator ends that.
        migrate.SetAction((result, cancellationToken) => MigrateAsync(common, result, cancellationToken));
        return new Command("store", "Works on the configured store without starting a node.") { migrate };
    }

    private static async Task<int> MigrateAsync(CommonOptions common, ParseResult result, CancellationToken cancellationToken)
    {
        var options = common.Load(result).Options;
        if (options.Store.Engine == StoreEngine.Postgres)
        {
            // The node's own opening, which looks at the server's settings, too: what it refuses would be refused at the start.
            using var control = new LogControl((Microsoft.Extensions.Logging.LogLevel)options.Log.Level);
            using var loggers = LoggerFactory.Create(Logging.AsConfigured(options.Log, control));
            var postgres = options.Store.Postgres;
            await using var stores = (await PostgresStores.OpenAsync(OptionsMapping.Postgres(postgres), postgres.FurtherConnections, SystemRuntime.Instance, loggers, cancellationToken)).Store;
            Console.Out.WriteLine($"The schema {postgres.Schema} is ready for this version{(postgres.FurtherConnections.Count > 0 ? $", on {postgres.FurtherConnections.Count + 1} servers" : "")}.");
            return ExitCodes.Success;
        }

        Console.Out.WriteLine($"The store is the file of {Path.GetFullPath(options.DataFolder)}: a node migrates it when it starts, and no other process can have it open.");
        return ExitCodes.Success;
    }
}
