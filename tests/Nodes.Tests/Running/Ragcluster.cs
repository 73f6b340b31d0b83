using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;

namespace RagCluster.Nodes.Tests.Running;

/// <summary>What a run of the program left behind.</summary>
public sealed record Run(int ExitCode, string Output, string Error)
{
    /// <summary>Checks the exit status; shows what was printed where it is another.</summary>
    public Run Expect(int exitCode)
    {
        ExitCode.ShouldBe(exitCode, $"{Output}\n{Error}");
        return this;
    }
}

/// <summary>The program in a process of its own, killed at the latest with the test.</summary>
public sealed class Ragcluster : IAsyncDisposable
{
    private static readonly ConcurrentDictionary<int, Process> s_running = new();

    private readonly Process _process;
    private readonly StringBuilder _error = new();

    static Ragcluster() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (var process in s_running.Values)
        {
            process.Kill(entireProcessTree: true);
        }
    };

    private Ragcluster(Process process) => _process = process;

    public Uri Url { get; private set; } = null!;

    public int ProcessId => _process.Id;

    public string Error
    {
        get
        {
            lock (_error)
            {
                return _error.ToString();
            }
        }
    }

    /// <summary>Starts a node on free ports and waits until it is ready.</summary>
    public static async Task<Ragcluster> ServeAsync(string dataFolder, params string[] arguments)
    {
        var process = Start([.. Serve(dataFolder), .. arguments]);
        var node = new Ragcluster(process);
        process.ErrorDataReceived += (_, e) =>
        {
            lock (node._error)
            {
                node._error.AppendLine(e.Data);
            }
        };
        process.BeginErrorReadLine();
        process.StandardInput.Close();
        while (await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            if (line.StartsWith("RagCluster is ready.", StringComparison.Ordinal))
            {
                node.Url = new Uri(line.Split(' ', StringSplitOptions.RemoveEmptyEntries).SkipWhile(w => w != "Chat:").ElementAt(1));
                return node;
            }
        }

        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        throw new InvalidOperationException($"The node ended with {process.ExitCode}: {node.Error}");
    }

    /// <summary>The arguments of a node on free ports.</summary>
    public static string[] Serve(string dataFolder) =>
        ["serve", "--data", dataFolder, "-D", "ragcluster.http.port=0", "-D", "ragcluster.management.port=0", "-D", "ragcluster.ingestion.samples-on-first-start=false"];

    /// <summary>Runs the program to its end.</summary>
    public static Task<Run> RunAsync(params string[] arguments) => RunWithAsync("", arguments);

    /// <summary>Runs the program to its end with this piped into it.</summary>
    public static async Task<Run> RunWithAsync(string input, params string[] arguments)
    {
        using var process = Start(arguments);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(limit.Token);
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.StandardInput.WriteAsync(input.AsMemory(), limit.Token);
            process.StandardInput.Close();
            await process.WaitForExitAsync(limit.Token);
            return new Run(process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }

            s_running.TryRemove(process.Id, out _);
        }
    }

    /// <summary>kill -9: no goodbye, no flush.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Asks it to stop, as an orchestrator does, and waits.</summary>
    public async Task<int> TerminateAsync(TimeSpan patience)
    {
        using (var kill = Process.Start("sh", ["-c", $"kill -TERM {_process.Id}"]))
        {
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
            kill.ExitCode.ShouldBe(0);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(patience);
        await _process.WaitForExitAsync(limit.Token);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync(CancellationToken.None);
        s_running.TryRemove(_process.Id, out _);
        _process.Dispose();
    }

    private static Process Start(string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "ragcluster"), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(k => k.StartsWith("RAGCLUSTER_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        var process = Process.Start(start)!;
        s_running[process.Id] = process;
        return process;
    }
}

/// <summary>A folder that is gone after the test.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("ragcluster-test-").FullName;

    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file below the folder and gives its path.</summary>
    public string Write(string name, string text)
    {
        var path = File(name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
