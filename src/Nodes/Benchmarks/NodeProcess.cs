using System.Diagnostics;
using System.Globalization;
using RagCluster.Nodes.Commands;
using RagCluster.Nodes.Hosting;
using RagCluster.Nodes.Management;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>
/// A node in a process of its own, as a user starts it: so that its memory is its own, and the benchmark's garbage
/// collections do not stop it.
/// </summary>
internal sealed class NodeProcess : IAsyncDisposable
{
    private const string ReadyLine = "RagCluster is ready.";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly Task _draining;

    private NodeProcess(Process process, NodeFile file, TimeSpan ready, Task draining)
    {
        (_process, Url, ManagementUrl, ReadyAfter, _draining) = (process, file.Url, file.ManagementUrl, ready, draining);
    }

    public Uri Url { get; }

    /// <summary>Null where management is off.</summary>
    public Uri? ManagementUrl { get; }

    /// <summary>From the start of the process to the line that says that it is ready.</summary>
    public TimeSpan ReadyAfter { get; }

    /// <summary>Processor time that the node has used so far.</summary>
    public TimeSpan ProcessorTime => Refreshed().TotalProcessorTime;

    public double ResidentMiB => Refreshed().WorkingSet64 / (1024.0 * 1024);

    public double PeakResidentMiB => Refreshed().PeakWorkingSet64 / (1024.0 * 1024);

    /// <summary>Starts a node and waits until it is ready.</summary>
    /// <param name="further">Settings beside the benchmarks' usual ones, such as "ragcluster.conversations.max-live=10000".</param>
    /// <exception cref="CommandException">It did not start; the message has what it said.</exception>
    public static async Task<NodeProcess> StartAsync(string dataFolder, bool samples, CancellationToken cancellationToken, params string[] further)
    {
        var start = Program();
        string[] settings =
        [
            "ragcluster.http.host=127.0.0.1",
            "ragcluster.http.port=0",
            "ragcluster.management.port=0",
            "ragcluster.log.level=warning",
            $"ragcluster.ingestion.samples-on-first-start={(samples ? "true" : "false")}",
            .. further,
        ];
        foreach (var argument in (string[])["serve", "--data", dataFolder, .. settings.SelectMany(s => (string[])["-D", s])])
        {
            start.ArgumentList.Add(argument);
        }

        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        var watch = Stopwatch.StartNew();
        var process = Process.Start(start) ?? throw new CommandException($"{start.FileName} could not be started.");
        var said = new List<string>();
        var errors = DrainAsync(process.StandardError, said);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_patience);
        try
        {
            string? line;
            do
            {
                line = await process.StandardOutput.ReadLineAsync(limit.Token);
            }
            while (line?.StartsWith(ReadyLine, StringComparison.Ordinal) == false);

            var ready = watch.Elapsed;
            if (line is not null && NodeFile.Find(dataFolder) is { } file)
            {
                return new NodeProcess(process, file, ready, Task.WhenAll(errors, DrainAsync(process.StandardOutput, said)));
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        using (process)
        {
            await process.WaitForExitAsync(cancellationToken);
            await errors;
            throw new CommandException($"The node did not start (exit code {process.ExitCode}):\n{string.Join('\n', said)}");
        }
    }

    /// <summary>Ends the node as an operator does, and waits for it. Without such a way on this system, as <see cref="KillAsync"/>.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (OperatingSystem.IsWindows())
        {
            await KillAsync(cancellationToken);
            return;
        }

        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(s_patience);
        await _process.WaitForExitAsync(limit.Token);
        await _draining;
    }

    /// <summary>What ingestion does in the node; null where it has not started.</summary>
    public async Task<IngestBody?> IngestAsync(HttpClient http, CancellationToken cancellationToken)
    {
        using var response = await http.GetAsync(new Uri(ManagementUrl!, "/ingest"), cancellationToken);
        return response.IsSuccessStatusCode ? await response.Content.ReadFromJsonAsync(IngestManagementJson.Default.IngestBody, cancellationToken) : null;
    }

    /// <summary>Ends the node without warning, as a power cut does.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(cancellationToken);
        await _draining;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    /// <summary>This program: the file beside this assembly, whoever hosts it now.</summary>
    private static ProcessStartInfo Program()
    {
        var program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "ragcluster.exe" : "ragcluster");
        return File.Exists(program) ? new ProcessStartInfo(program) : new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "ragcluster.dll")]);
    }

    private static async Task DrainAsync(StreamReader reader, List<string> said)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (said)
            {
                if (said.Count < 100)
                {
                    said.Add(line);
                }
            }
        }
    }

    private Process Refreshed()
    {
        _process.Refresh();
        return _process;
    }
}
