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

    private readonly int _port = FreePort();
    private Process? _process;
    private bool _wanted;

    public string Name => string.Create(CultureInfo.InvariantCulture, $"node-{number}");

    /// <summary>Null while the node is not ready.</summary>
    public Uri? Url { get; private set; }

    public bool IsPaused { get; private set; }

    /// <summary>How often it ended because it was no member any more.</summary>
    public int Losses { get; private set; }

    public string LogFile => Path.Combine(cluster.Folder, Name + ".log");

    public void Start()
    {
        _wanted = true;
        Launch();
    }

    public async Task ReadyAsync() => await Retry.Until($"{Name} is ready", () => Url is not null, TimeSpan.FromSeconds(90));

    /// <summary>kill -9.</summary>
    public void Kill()
    {
        _wanted = false;
        Url = null;
        IsPaused = false;
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
        _wanted = false;
        var process = _process!;
        Signals.Send(process.Id, 15);
        await Task.Delay(300);
        Url = null;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync(patience.Token);
        return process.ExitCode;
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

        var process = Process.Start(start)!;
        _process = process;
        process.StandardInput.Close();
        _ = WatchAsync(process);
    }

    private string[] Settings() =>
    [
        .. new[]
        {
            $"ragcluster.node.name={Name}",
            $"ragcluster.data-folder={Path.Combine(cluster.Folder, Name)}",
            "ragcluster.http.port=0",
            "ragcluster.management.port=0",
            string.Create(CultureInfo.InvariantCulture, $"ragcluster.cluster.port={_port}"),
        }.SelectMany(setting => new[] { "-D", setting }),
    ];

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
            if (line.StartsWith("RagCluster is ready.", StringComparison.Ordinal) && process == _process)
            {
                Url = new Uri(line.Split(' ', StringSplitOptions.RemoveEmptyEntries).SkipWhile(word => word != "Chat:").ElementAt(1));
            }
        }

        await errors;
        await process.WaitForExitAsync();
        if (process != _process || !_wanted)
        {
            return;
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
        if (_wanted && process == _process)
        {
            Launch();
        }
    }

    private static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        return ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
    }
}
