using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RagCluster.Ingestion.Parsing;

namespace RagCluster.Ingestion.Isolation;

/// <summary>One worker process, used by one document at a time.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private const int KeptErrors = 4096;
    private readonly Process _process;
    private readonly StringBuilder _errors = new();
    private readonly Task _draining;
    private readonly ParserLimits _limits;

    private WorkerProcess(Process process, ParserLimits limits)
    {
        _process = process;
        _limits = limits;
        _draining = DrainErrorsAsync(process.StandardError);
        // Not our own process's to ask once it is disposed.
        Id = process.Id;
    }

    public int Id { get; }

    public int Documents { get; private set; }

    public bool HasExited => _process.HasExited;

    /// <summary>What the worker last wrote to its error stream.</summary>
    public string Errors
    {
        get
        {
            lock (_errors)
            {
                return _errors.ToString();
            }
        }
    }

    /// <exception cref="System.ComponentModel.Win32Exception">The program cannot be started.</exception>
    public static WorkerProcess Start(IsolationOptions options, ParserLimits limits)
    {
        var start = new ProcessStartInfo(options.Executable, [.. options.Arguments, .. ParseWorker.ArgumentsOf(limits)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            CreateNoWindow = true,
        };
        start.Environment["DOTNET_GCHeapHardLimit"] = limits.MemoryBytes.ToString("x", CultureInfo.InvariantCulture);
        start.Environment["DOTNET_gcServer"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        start.Environment["DOTNET_NOLOGO"] = "1";
        var process = Process.Start(start) ?? throw new InvalidOperationException("The worker's process was not started.");
        return new WorkerProcess(process, limits);
    }

    /// <summary>Asks, and waits for the answer.</summary>
    /// <exception cref="IOException">The worker ended; what it wrote before does not make an answer.</exception>
    /// <exception cref="InvalidDataException">The answer is too large, or none.</exception>
    /// <exception cref="JsonException">The answer is none.</exception>
    public async Task<ParseResult> ParseAsync(ReadOnlyMemory<byte> content, string name, string? mediaType, CancellationToken cancellation)
    {
        Documents++;
        var request = JsonSerializer.SerializeToUtf8Bytes(new WireRequest(name, mediaType, content.Length), IsolationJson.Default.WireRequest);
        var input = _process.StandardInput.BaseStream;
        await Frames.WriteAsync(input, request, cancellation);
        await input.WriteAsync(content, cancellation);
        await input.FlushAsync(cancellation);
        // A character takes up to six bytes in JSON; blocks and headings come on top.
        var limit = Math.Min(int.MaxValue, 16L * _limits.OutputCharacters + (64 << 20));
        var answer = await Frames.ReadAsync(_process.StandardOutput.BaseStream, limit, cancellation) ?? throw new EndOfStreamException("The worker ended without an answer.");
        var result = JsonSerializer.Deserialize(answer, IsolationJson.Default.WireResult) ?? throw new JsonException("The worker's answer is empty.");
        return result.ToResult();
    }

    /// <summary>The memory that the process holds, in bytes; 0 once it has exited.</summary>
    public long ResidentBytes()
    {
        try
        {
            _process.Refresh();
            return _process.HasExited ? 0 : _process.WorkingSet64;
        }
        catch (InvalidOperationException)
        {
            // It exited between the question and the answer.
            return 0;
        }
    }

    public void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It is gone already, which is what was wanted.
            return;
        }
    }

    /// <summary>Waits until the process is gone and its last words are read.</summary>
    public async Task<int> ExitAsync(CancellationToken cancellation)
    {
        await _process.WaitForExitAsync(cancellation);
        await _draining;
        return _process.ExitCode;
    }

    /// <summary>Ends the process: by the end of its input where it waits for work, by force where it does not.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // The other end is closed: it is ending by itself.
            Kill();
        }

        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            await ExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            Kill();
            await ExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    private async Task DrainErrorsAsync(StreamReader errors)
    {
        var buffer = new char[1024];
        while (await errors.ReadAsync(buffer) is var read and > 0)
        {
            lock (_errors)
            {
                _errors.Append(buffer, 0, read);
                if (_errors.Length > KeptErrors)
                {
                    // The first lines name the fault; a stack trace follows.
                    _errors.Length = KeptErrors;
                }
            }
        }
    }
}
