using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RagCluster.CheckerKit;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Cluster.Tests.Running;

/// <summary>Nodes of the real program on loopback, with a PostgreSQL of their own.</summary>
internal sealed class RealCluster : IAsyncDisposable
{
    /// <summary>Whoever changes a document does so under a name that is used once, by which it is found in the log.</summary>
    public const int Keepers = 4000;

    private readonly long _started = Stopwatch.GetTimestamp();

    private RealCluster(PostgresServer database, string connection, string folder, TextWriter output)
    {
        (Database, Connection, Folder, Output) = (database, connection, folder, output);
    }

    public PostgresServer Database { get; }

    public string Connection { get; }

    public string Folder { get; }

    public TextWriter Output { get; }

    public string ConfigFile => Path.Combine(Folder, "nodes.conf");

    public List<RealNode> Nodes { get; } = [];

    /// <summary>What clients did and saw. Lock it.</summary>
    public Run Record { get; } = new();

    /// <summary>What must not happen and no checker sees.</summary>
    public ConcurrentBag<string> Faults { get; } = [];

    public TimeSpan Now => Stopwatch.GetElapsedTime(_started);

    public static TimeSpan Lease { get; } = TimeSpan.FromSeconds(4);

    public static async Task<RealCluster> StartAsync(int nodes, TextWriter output)
    {
        var database = await PostgresServer.StartAsync();
        var name = await database.CreateDatabaseAsync();
        var folder = Directory.CreateTempSubdirectory("ragcluster-real-").FullName;
        var cluster = new RealCluster(database, database.ConnectionString(name), folder, output);
        File.WriteAllText(Path.Combine(folder, "secret"), "a secret that is for tests only");
        File.WriteAllText(cluster.ConfigFile, cluster.Config());
        for (var n = 1; n <= nodes; n++)
        {
            cluster.Nodes.Add(new RealNode(cluster, n));
        }

        cluster.Nodes.ForEach(node => node.Start());
        foreach (var node in cluster.Nodes)
        {
            await node.ReadyAsync();
        }

        cluster.Say($"{nodes} nodes are ready");
        return cluster;
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
        foreach (var node in Nodes)
        {
            await node.DisposeAsync();
        }

        await Database.DisposeAsync();
        if (Faults.IsEmpty)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    private string Config()
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $$"""
            ragcluster {
              cluster { enabled = true, host = "127.0.0.1", secret-file = "{{Path.Combine(Folder, "secret")}}", lease = {{(int)Lease.TotalMilliseconds}}ms }
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
            }

            for (var n = 0; n < Keepers / 2; n++)
            {
                yield return ($"keeper-{tenant}-{n}", tenant, "agent, clerk, admin");
            }
        }
    }
}
