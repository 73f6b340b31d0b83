using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using RagCluster.Configuration.Options;
using RagCluster.Kernel;
using RagCluster.Kernel.Backup;
using RagCluster.Kernel.Journal.Postgres;
using RagCluster.Kernel.Journal.Sqlite;
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
        var into = new Argument<string>("FOLDER") { Description = "A new folder for the backup." };
        var backup = new Command("backup", "Copies the configured store to a folder, also while nodes work on it.") { into };
        backup.SetAction((result, cancellationToken) => BackUpAsync(common, result, result.GetValue(into)!, cancellationToken));
        var from = new Argument<string>("FOLDER") { Description = "The folder of a backup." };
        var restore = new Command("restore", "Writes a backup into the configured store, which must be empty, and compares the two.") { from };
        restore.SetAction((result, cancellationToken) => RestoreAsync(common, result, result.GetValue(from)!, cancellationToken));
        var of = new Argument<string>("FOLDER") { Description = "The folder of a backup." };
        var verify = new Command("verify", "Tells whether a backup is whole and unchanged.") { of };
        verify.SetAction((result, cancellationToken) => VerifyAsync(common, result, result.GetValue(of)!, cancellationToken));
        foreach (var argument in new[] { into, from, of })
        {
            CommonOptions.RefuseOptions(argument);
        }

        return new Command("store", "Works on the configured store without starting a node.") { migrate, backup, restore, verify };
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

    private static async Task<int> BackUpAsync(CommonOptions common, ParseResult result, string folder, CancellationToken cancellationToken)
    {
        var options = common.Load(result).Options;
        var started = TimeProvider.System.GetTimestamp();
        var manifest = await ShownAsync(progress => options.Store.Engine == StoreEngine.Postgres
            ? new PostgresBackup(OneServer(options), TimeProvider.System).WriteAsync(folder, progress, cancellationToken)
            : new SqliteBackup(Embedded(options), TimeProvider.System).WriteAsync(folder, progress, cancellationToken));
        return Tell(common, result, manifest, $"Backed up to {Path.GetFullPath(folder)}", started);
    }

    private static async Task<int> RestoreAsync(CommonOptions common, ParseResult result, string folder, CancellationToken cancellationToken)
    {
        var options = common.Load(result).Options;
        var started = TimeProvider.System.GetTimestamp();
        var manifest = await ShownAsync(progress => options.Store.Engine == StoreEngine.Postgres
            ? new PostgresBackup(OneServer(options), TimeProvider.System).RestoreAsync(folder, progress, cancellationToken)
            : new SqliteBackup(Embedded(options), TimeProvider.System).RestoreAsync(folder, progress, cancellationToken));
        return Tell(common, result, manifest, "Restored, and compared byte for byte", started);
    }

    private static async Task<int> VerifyAsync(CommonOptions common, ParseResult result, string folder, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        var manifest = await ShownAsync(progress => BackupFolder.VerifyAsync(folder, progress, cancellationToken));
        return Tell(common, result, manifest, "The backup is whole and unchanged", started);
    }

    private static int Tell(CommonOptions common, ParseResult result, BackupManifest manifest, string done, long started)
    {
        var seconds = TimeProvider.System.GetElapsedTime(started).TotalSeconds;
        var (bytes, events) = (manifest.Parts.Sum(part => part.Bytes), manifest.Shards.Sum(shard => shard.LastSequence));
        Console.Out.WriteLine(result.GetValue(common.Json)
            ? JsonSerializer.Serialize(new { manifest.Engine, manifest.Made, Files = manifest.Parts.Count, Bytes = bytes, Shards = manifest.Shards.Count, Events = events, Seconds = seconds }, JsonSerializerOptions.Web)
            : string.Create(CultureInfo.InvariantCulture, $"{done}: {manifest.Shards.Count} shards, {events:N0} events, {bytes / 1048576.0:N1} MiB, of {manifest.Made:u}, in {seconds:0.0} s."));
        return ExitCodes.Success;
    }

    /// <summary>Shows how far it is, where somebody looks.</summary>
    private static async Task<T> ShownAsync<T>(Func<IProgress<BackupProgress>?, Task<T>> work)
    {
        if (Console.IsErrorRedirected)
        {
            return await work(null);
        }

        var shown = new LineProgress();
        try
        {
            return await work(shown);
        }
        finally
        {
            LineProgress.Clear();
        }
    }

    private static SqliteStoreOptions Embedded(RagClusterOptions options) => new() { Folder = options.DataFolder, BusyTimeout = options.Store.Sqlite.BusyTimeout };

    private static PostgresStoreOptions OneServer(RagClusterOptions options) => options.Store.Postgres.FurtherConnections.Count == 0
        ? OptionsMapping.Postgres(options.Store.Postgres)
        : throw new CommandException(
            "Several PostgreSQL servers have no moment in common that a copy could be of (store.postgres.further-connections). Stop the nodes, and back up each server with PostgreSQL's own tools.");

    /// <summary>One line that is written over, a few times a second.</summary>
    private sealed class LineProgress : IProgress<BackupProgress>
    {
        private long _last;

        public void Report(BackupProgress value)
        {
            if (TimeProvider.System.GetElapsedTime(_last).TotalMilliseconds >= 200)
            {
                _last = TimeProvider.System.GetTimestamp();
                Console.Error.Write(string.Create(CultureInfo.InvariantCulture, $"\r  {value.Bytes / 1048576.0:N0} MiB  {value.Part,-40}"));
            }
        }

        public static void Clear() => Console.Error.Write($"\r{new string(' ', 60)}\r");
    }
}
