using System.Diagnostics;
using System.Globalization;
using RagCluster.Nodes.Client;
using RagCluster.Nodes.Commands;
using RagCluster.Nodes.Hosting;
using RagCluster.Nodes.Intake;

namespace RagCluster.Nodes.LocalCluster;

/// <summary>Starts what does not run of a local cluster: its database, then its nodes, all at once.</summary>
internal sealed class ClusterStart(string folder, TextWriter output)
{
    private readonly long _started = Stopwatch.GetTimestamp();

    /// <exception cref="CommandException">It could not be started; the message says why and what to do.</exception>
    public async Task RunAsync(
        int nodes, string? connection, string? config, IReadOnlyList<string> settings, bool withSamples, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (File.Exists(Path.Combine(folder, "store.db")))
        {
            throw new CommandException($"{folder} has the data of a single node, and a cluster's would not mix with it. Name another folder with --data.");
        }

        Directory.CreateDirectory(folder);
        var samples = withSamples && ClusterFile.Find(folder) is null && Directory.Exists(Samples.Folder);
        var cluster = await PrepareAsync(nodes, connection, config is null ? null : Path.GetFullPath(config), settings, cancellationToken);
        var all = Enumerable.Range(1, cluster.Nodes).Select(n => new LocalNode(cluster, n)).ToList();
        foreach (var node in all)
        {
            using var process = node.Find();
            if (process is null)
            {
                node.Start();
                Say($"{node.Name} starts; its log is {Path.GetRelativePath(Environment.CurrentDirectory, cluster.FolderOf(all.IndexOf(node) + 1))}/node.log");
            }
        }

        foreach (var ready in all.Select(node => ShowAsync(node, patience, cancellationToken)).ToList())
        {
            await ready;
        }

        if (samples)
        {
            await TakeInSamplesAsync(cluster, cancellationToken);
        }

        Say($"The cluster is up. Look: ragcluster cluster status --data {folder}   Ask: ragcluster ask --data {folder} \"...\"   Stop: ragcluster cluster down --data {folder}");
    }

    private async Task ShowAsync(LocalNode node, TimeSpan patience, CancellationToken cancellationToken)
    {
        NodeFile ready = await node.ReadyAsync(patience, last => Say($"{node.Name} is not ready yet: {last}"), cancellationToken);
        Say($"{node.Name} is ready.  Chat: {ready.Url}  Management: {ready.ManagementUrl}");
    }

    private static async Task TakeInSamplesAsync(ClusterFile cluster, CancellationToken cancellationToken)
    {
        using var client = new NodeClient(cluster.Running()[0].Url, Environment.GetEnvironmentVariable("RAGCLUSTER_TOKEN"), null);
        var report = new IngestReport(json: false, TimeProvider.System);
        using var run = new IngestRun(new HttpIntake(client), report, TimeProvider.System);
        var source = new PathsSource([Samples.Folder], watch: false, new Configuration.Options.WatchOptions(), TimeProvider.System);
        await report.ShowAsync("Taking in samples", () => run.RunAsync(source, cancellationToken));
    }

    /// <summary>What the cluster needs before its nodes: a secret and a database.</summary>
    private async Task<ClusterFile> PrepareAsync(
        int nodes, string? connection, string? config, IReadOnlyList<string> settings, CancellationToken cancellationToken)
    {
        var known = ClusterFile.Find(folder);
        if (known is not null && connection is not null && connection != known.Connection)
        {
            throw new CommandException($"The cluster in {folder} has another database already. Leave --postgres out, or name another folder with --data.");
        }

        var cluster = known is null
            ? new ClusterFile(connection ?? "", connection is null, 0, nodes, config, settings) { Folder = folder }
            : known with { Nodes = Math.Max(nodes, known.Nodes), Config = config ?? known.Config, Settings = settings.Count > 0 ? settings : known.Settings };
        _ = Secrets.ReadOrMake(cluster.SecretFile);
        if (cluster.OwnPostgres)
        {
            Say("PostgreSQL starts.");
            var port = await LocalPostgres.In(folder).StartAsync(cluster.PostgresPort, Secrets.ReadOrMake(cluster.PasswordFile), cancellationToken);
            if (port != cluster.PostgresPort && known is not null)
            {
                // Its nodes' files name the old one.
                throw new CommandException($"Another program has taken the port {cluster.PostgresPort} of the cluster's PostgreSQL: end it, then start the cluster again.");
            }

            cluster = cluster with { PostgresPort = port, Connection = LocalPostgres.ConnectionOn(port) };
            Say(string.Create(CultureInfo.InvariantCulture, $"PostgreSQL is ready on port {port}."));
        }

        cluster.Write();
        return cluster;
    }

    private void Say(string what)
    {
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(_started).TotalSeconds,5:0.0} s  {what}"));
        output.Flush();
    }
}
