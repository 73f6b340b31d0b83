using System.Diagnostics;
using System.Globalization;
using RagCluster.TestKit;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Cluster.Tests.Running;

/// <summary>
/// A node of the cluster as an orchestrator runs it: the real program in a process of its own, started again when it ends
/// by itself because it has lost its membership.
/// </summary>
internal sealed class RealNode(RealCluster cluster, int number) : IAsyncDisposable
{
    private const int LostMembership = 4;

    /// <summary>As long as a node may need on a machine that many others keep busy: it loses a start to its own lease now and then.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private readonly Lock _gate = new();
    private Process? _process;

    /// <summary>The process whose end is wanted: it is not looked into, and nothing follows it by itself.</summary>
    private Process? _ending;

    public string Name => string.Create(CultureInfo.InvariantCulture, $"node-{number}");

    /// <summary>Null while the node is not ready.</summary>
    public Uri? Url { get; private set; }

    /// <summary>/ready, /metrics and /cluster; null while the node is not ready.</summary>
    public Uri? ManagementUrl { get; private set; }

    public bool IsPaused { get; private set; }

    /// <summary>How often it ended because it was no member any more.</summary>
    public int Losses { get; private set; }

    /// <summary>Null where there is no lab.</summary>
    public LabMachine? Machine => cluster.Lab?.Machines[number - 1];

    public string LogFile => Path.Combine(cluster.Folder, Name + ".log");

    /// <summary>Where the other nodes reach it.</summary>
    public int Port { get; } = cluster.Lab is null ? FreePort() : RealCluster.LabPort;

    public void Start() => Launch();

    public async Task ReadyAsync() => await Retry.Until($"{Name} is ready", () => Url is not null, s_patience);

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        Url = null;
        IsPaused = false;
        lock (_gate)
        {
            _ending = _process;
        }

        if (_process is { HasExited: false } process)
        {
            process.Kill();
        }
    }

    /// <summary>SIGSTOP.</summary>
    public void Pause()
    {
        IsPaused = true;
        Signals.Send(_process!.Id, Signals.Stop);
    }

    public void Resume()
    {
        IsPaused = false;
        if (_process is { HasExited: false } process)
        {
            Signals.Send(process.Id, Signals.Continue);
        }
    }

    /// <summary>SIGTERM, as at a rolling restart. The balancer notices a little later, as balancers do.</summary>
    public async Task<int> TerminateAsync()
    {
        Process process;
        lock (_gate)
        {
            process = _ending = _process!;
        }

        Signals.Send(process.Id, 15);
        await Task.Delay(300);
        Url = null;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync(patience.Token);
        return process.ExitCode;
    }

    /// <summary>Whether its log has a line with all of these words, whole or in part.</summary>
    public bool HasLogged(params string[] words)
    {
        if (!File.Exists(LogFile))
        {
            return false;
        }

        using var reader = new StreamReader(new FileStream(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        while (reader.ReadLine() is { } line)
        {
            if (words.All(word => line.Contains(word, StringComparison.Ordinal)))
            {
                return true;
            }
        }

        return false;
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        if (_process is { } process)
        {
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    private void Launch()
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "ragcluster"), ["serve", "--config", cluster.ConfigFile, .. Settings()])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(key => key.StartsWith("RAGCLUSTER_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        var process = Process.Start(Machine?.Place(start) ?? start)!;
        lock (_gate)
        {
            _process = process;
        }

        process.StandardInput.Close();
        _ = WatchAsync(process);
    }

    private string[] Settings()
    {
        string[] settings =
        [
            $"node.name={Name}",
            $"data-folder={Path.Combine(cluster.Folder, Name)}",
            $"http.host={Machine?.Address ?? "127.0.0.1"}",
            "http.port=0",
            "management.port=0",
            $"cluster.host={Machine?.Address ?? "127.0.0.1"}",
            string.Create(CultureInfo.InvariantCulture, $"cluster.port={Port}"),
            .. Machine is null ? Array.Empty<string>() : [$"cluster.advertise={LabNames.NameOf(number)}"],
            .. cluster.Options.Roles is { } roles ? [$"node.roles=[{string.Join(", ", roles(number))}]"] : Array.Empty<string>(),
            .. cluster.Options.Discovery is { } discovery ? discovery(cluster, number).Select(setting => "cluster.discovery." + setting) : [],
            .. Identity(),
        ];
        return [.. settings.SelectMany(setting => new[] { "-D", "ragcluster." + setting })];
    }

    private IEnumerable<string> Identity()
    {
        if (cluster.Certificates is not { } certificates)
        {
            return [$"cluster.secret-file={cluster.SecretFile}"];
        }

        var files = certificates.Issue(Name, Machine is null ? null : LabNames.NameOf(number));
        return [$"cluster.tls.certificate={files.Certificate}", $"cluster.tls.key={files.Key}", $"cluster.tls.authorities={files.Authorities}"];
    }

    private async Task WatchAsync(Process process)
    {
        var errors = Task.Run(async () =>
        {
            while (await process.StandardError.ReadLineAsync() is { } line)
            {
                await File.AppendAllTextAsync(LogFile, line + "\n");
            }
        });
        while (await process.StandardOutput.ReadLineAsync() is { } line)
        {
            await File.AppendAllTextAsync(LogFile, line + "\n");
            if (line.StartsWith("RagCluster is ready.", StringComparison.Ordinal) && process == _process && process != _ending)
            {
                ManagementUrl = After(line, "Management:");
                Url = After(line, "Chat:");
            }
        }

        await errors;
        await process.WaitForExitAsync();
        lock (_gate)
        {
            if (process != _process || process == _ending)
            {
                return;
            }
        }

        Url = null;
        if (process.ExitCode == LostMembership)
        {
            Losses++;
        }
        else
        {
            cluster.Say($"{Name} ended by itself with {process.ExitCode}; its log is {LogFile}");
            cluster.Faults.Add($"{Name} ended by itself with {process.ExitCode}.");
        }

        await Task.Delay(500);
        lock (_gate)
        {
            if (process != _process || process == _ending)
            {
                return;
            }
        }

        Launch();
    }

    private static Uri After(string line, string word) => new(line.Split(' ', StringSplitOptions.RemoveEmptyEntries).SkipWhile(other => other != word).ElementAt(1));

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
