using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RagCluster.CheckerKit;
using RagCluster.TestKit;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Cluster.Tests.Running;

/// <summary>Nodes of the real program, on loopback or on machines of a lab, with a PostgreSQL of their own.</summary>
internal sealed class RealCluster : IAsyncDisposable
{
    /// <summary>Whoever changes a document does so under a name that is used once, by which it is found in the log.</summary>
    public const int Keepers = 4000;

    /// <summary>Of every node's transport, where each has a machine of its own.</summary>
    public const int LabPort = 2552;

    private readonly long _started = Stopwatch.GetTimestamp();

    private RealCluster(RealClusterOptions options, NetworkLab? lab, PostgresServer database, string connection, string folder, TextWriter output)
    {
        (Options, Lab, Database, Connection, Folder, Output) = (options, lab, database, connection, folder, output);
        Names = lab is null ? null : LabNames.Serve(lab, options.Nodes, LabPort);
        Certificates = options.Tls ? new TestCertificates() : null;
    }

    public RealClusterOptions Options { get; }

    public NetworkLab? Lab { get; }

    public LabNames? Names { get; }

    public TestCertificates? Certificates { get; }

    public PostgresServer Database { get; }

    public string Connection { get; }

    public string Folder { get; }

    public TextWriter Output { get; }

    public string ConfigFile => Path.Combine(Folder, "nodes.conf");

    public string SecretFile => Path.Combine(Folder, "secret");

    public List<RealNode> Nodes { get; } = [];

    /// <summary>The database's, which comes after those of the nodes; null where there is no lab.</summary>
    public LabMachine? DatabaseMachine => Lab?.Machines[^1];

    /// <summary>What clients did and saw. Lock it.</summary>
    public Run Record { get; } = new();

    /// <summary>What must not happen and no checker sees.</summary>
    public ConcurrentBag<string> Faults { get; } = [];

    public TimeSpan Now => Stopwatch.GetElapsedTime(_started);

    public TimeSpan Lease => Options.Lease;

    public static async Task<RealCluster> StartAsync(RealClusterOptions options, TextWriter output)
    {
        var lab = options.InLab ? await NetworkLab.CreateAsync(options.Nodes + 1) : null;
        var database = await PostgresServer.StartAsync(new PostgresServerOptions { Machine = lab?.Machines[^1] });
        var name = await database.CreateDatabaseAsync();
        var folder = Directory.CreateTempSubdirectory("ragcluster-real-").FullName;
        var cluster = new RealCluster(options, lab, database, database.ConnectionString(name), folder, output);
        AppDomain.CurrentDomain.ProcessExit += cluster.KillAll;
        try
        {
            await cluster.StartNodesAsync();
            return cluster;
        }
        catch (Exception e)
        {
            cluster.Faults.Add(e.Message);
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>The bearer token of a user; see <see cref="Config"/>.</summary>
    public static string TokenOf(string user) => "token-of-" + user;

    public void Say(string what)
    {
        lock (Output)
        {
            Output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{Now.TotalSeconds,8:0.0}  {what}"));
        }
    }

    public async ValueTask DisposeAsync()
    {
        AppDomain.CurrentDomain.ProcessExit -= KillAll;
        foreach (var node in Nodes)
        {
            await node.DisposeAsync();
        }

        await Database.DisposeAsync();
        Certificates?.Dispose();
        if (Lab is not null)
        {
            await Names!.DisposeAsync();
            await Lab.DisposeAsync();
        }

        if (Faults.IsEmpty)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    private void KillAll(object? sender, EventArgs e) => Nodes.ForEach(node => node.Kill());

    private async Task StartNodesAsync()
    {
        File.WriteAllText(SecretFile, "a secret that is for tests only");
        File.WriteAllText(ConfigFile, Config());
        for (var n = 1; n <= Options.Nodes; n++)
        {
            Nodes.Add(new RealNode(this, n));
        }

        Nodes.ForEach(node => node.Start());
        foreach (var node in Nodes)
        {
            await node.ReadyAsync();
        }

        Say($"{Options.Nodes} nodes are ready");
    }

    private string Config()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $$"""
            ragcluster {
              cluster { enabled = true, lease = {{(int)Lease.TotalMilliseconds}}ms }
              store { engine = postgres, postgres.connection = "{{Connection}}" }
              ingestion.samples-on-first-start = false
              limits { requests-per-second = 1000000, burst = 1000000 }
              security.tokens = [
            """);
        foreach (var (user, tenant, roles) in Users())
        {
            var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(TokenOf(user))));
            text.AppendLine(CultureInfo.InvariantCulture, $"    {{ name = {user}, token-hash = {hash}, tenant = {tenant}, user = {user}, roles = [{roles}] }}");
        }

        text.AppendLine("  ]\n}");
        return text.ToString();
    }

    private static IEnumerable<(string User, string Tenant, string Roles)> Users()
    {
        foreach (var tenant in new[] { "t0", "t1" })
        {
            yield return ($"agent-{tenant}", tenant, "agent");
            yield return ($"clerk-{tenant}", tenant, "clerk");
            yield return ($"both-{tenant}", tenant, "agent, clerk");
            for (var n = 0; n < 8; n++)
            {
                yield return ($"person-{tenant}-{n}", tenant, "agent, clerk");
                yield return ($"chatter-{tenant}-{n}", tenant, "agent, clerk");
            }

            for (var n = 0; n < Keepers / 2; n++)
            {
                yield return ($"keeper-{tenant}-{n}", tenant, "agent, clerk, admin");
            }
        }
    }
}
