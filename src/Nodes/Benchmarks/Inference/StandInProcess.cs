using System.Diagnostics;
using System.Globalization;
using System.Text;
using RagCluster.Nodes.Commands;

namespace RagCluster.Nodes.Benchmarks.Inference;

/// <summary>The stand-in for a model server, in a process of its own: a project among the tests, which knows nothing of this program.</summary>
internal sealed class StandInProcess : IAsyncDisposable
{
    private const string Name = "RagCluster.InferenceStandIn";

    private static readonly HttpClient s_http = new() { Timeout = TimeSpan.FromSeconds(10) };

    private readonly Process _process;

    private StandInProcess(Process process, Uri url) => (_process, Url) = (process, url);

    public Uri Url { get; }

    /// <param name="program">The stand-in's file; null looks for it in the source tree that this program was built in.</param>
    /// <param name="port">0 takes any free one.</param>
    public static async Task<StandInProcess> StartAsync(string? program, string behaviour, int port, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(program ?? Find(), ["--with-parent", "--port", port.ToString(CultureInfo.InvariantCulture), "--behaviour", behaviour])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        var process = Process.Start(start) ?? throw new CommandException($"{start.FileName} could not be started.");
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        var line = await process.StandardOutput.ReadLineAsync(limit.Token);
        return line?.Split(' ') is ["ready", var url]
            ? new StandInProcess(process, new Uri(url))
            : throw new CommandException($"The stand-in did not start; it said \"{line}\".");
    }

    /// <summary>What it is to do from now on, as its own JSON.</summary>
    public async Task BehaveAsync(string behaviour, CancellationToken cancellationToken)
    {
        using var content = new StringContent(behaviour, Encoding.UTF8, "application/json");
        using var response = await s_http.PutAsync(new Uri(Url, "/stand-in"), content, cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>One of its counts, such as "requests".</summary>
    public async Task<long> CountAsync(string name, CancellationToken cancellationToken)
    {
        using var counts = System.Text.Json.JsonDocument.Parse(await s_http.GetStringAsync(new Uri(Url, "/stand-in"), cancellationToken));
        return counts.RootElement.GetProperty(name).GetInt64();
    }

    public async Task KillAsync(CancellationToken cancellationToken)
    {
        _process.Kill();
        await _process.WaitForExitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            await KillAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private static string Find()
    {
        foreach (var build in (string[])["Release", "Debug"])
        {
            for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            {
                var file = Path.Combine(folder.FullName, "tests", "InferenceStandIn", "bin", build, "net10.0", Name);
                if (File.Exists(file))
                {
                    return file;
                }
            }
        }

        throw new CommandException("The stand-in for a model server is not built: dotnet build -c Release tests/InferenceStandIn, or name its file with --stand-in.");
    }
}
