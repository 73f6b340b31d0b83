using System.Collections.Concurrent;
using System.ComponentModel;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Isolation;

/// <summary>
/// Parses formats with dangerous parsers in worker processes, so that a crash, a hang or a memory bomb costs one
/// document and never the node. Workers are started when first needed, kept warm, replaced after a number of documents
/// and after every fault. Other formats are parsed in this process.
/// </summary>
public sealed partial class IsolatedParser : IDocumentParser, IAsyncDisposable
{
    private static readonly TimeSpan MemoryCheck = TimeSpan.FromMilliseconds(50);
    private readonly IsolationOptions _options;
    private readonly ParserLimits _limits;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly DocumentParser _inProcess;
    private readonly SemaphoreSlim _places;
    private readonly ConcurrentBag<WorkerProcess> _idle = [];
    private volatile bool _disposed;

    public IsolatedParser(IsolationOptions options, ParserLimits limits, TimeProvider time, ILogger<IsolatedParser>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Workers, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.DocumentsPerWorker, 1);
        _options = options;
        _limits = limits;
        _time = time;
        _logger = logger ?? NullLogger<IsolatedParser>.Instance;
        _inProcess = new DocumentParser(limits, time);
        _places = new SemaphoreSlim(options.Workers);
    }

    public async Task<ParseResult> ParseAsync(ReadOnlyMemory<byte> content, string name, string? mediaType, CancellationToken cancellation)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (content.Length > _limits.InputBytes || !MustIsolate(content.Span, name, mediaType))
        {
            return await _inProcess.ParseAsync(content, name, mediaType, cancellation);
        }

        await _places.WaitAsync(cancellation);
        try
        {
            // A worker that died while it waited is not this document's fault: a fresh one gets it.
            while (_idle.TryTake(out var waiting))
            {
                if (!waiting.HasExited)
                {
                    return await UseAsync(waiting, content, name, mediaType, cancellation);
                }

                await waiting.DisposeAsync();
            }

            var fresh = WorkerProcess.Start(_options, _limits);
            WorkerStarted(fresh.Id);
            return await UseAsync(fresh, content, name, mediaType, cancellation);
        }
        catch (Win32Exception e)
        {
            NotStarted(_options.Executable, e);
            return new ParseFailure(FailureCodes.Internal, $"The parse worker '{_options.Executable}' could not be started: {e.Message}") { Transient = true };
        }
        finally
        {
            _places.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        while (_idle.TryTake(out var worker))
        {
            await worker.DisposeAsync();
        }

        _places.Dispose();
    }

    private bool MustIsolate(ReadOnlySpan<byte> content, string name, string? mediaType)
    {
        try
        {
            return _options.Formats is null || _options.Formats.Contains(Sniffer.Sniff(content, name, mediaType));
        }
        catch (ParseException)
        {
            // It is refused; the parser in this process says why.
            return false;
        }
    }

    private async Task<ParseResult> UseAsync(WorkerProcess worker, ReadOnlyMemory<byte> content, string name, string? mediaType, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(_limits.Time + _options.Grace, _time);
        using var memory = new CancellationTokenSource();
        using var any = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token, memory.Token);
        await using var watch = _time.CreateTimer(_ => WatchMemory(worker, memory), null, MemoryCheck, MemoryCheck);
        try
        {
            var result = await worker.ParseAsync(content, name, mediaType, any.Token);
            if (result is ParseFailure { Code: FailureCodes.ParserMemory or FailureCodes.ParserTimeout or FailureCodes.ParserCrashed } fault)
            {
                WorkerFault(worker.Id, fault.Code, fault.Detail);
                await EndAsync(worker);
            }
            else if (worker.Documents >= _options.DocumentsPerWorker || _disposed)
            {
                await worker.DisposeAsync();
            }
            else
            {
                _idle.Add(worker);
            }

            return result;
        }
        catch (OperationCanceledException)
        {
            await EndAsync(worker);
            cancellation.ThrowIfCancellationRequested();
            return Reported(worker, memory.IsCancellationRequested
                ? new ParseFailure(FailureCodes.ParserMemory, $"Parsing needed more than {_limits.MemoryBytes:N0} bytes of memory and was stopped. Split the document.")
                : new ParseFailure(FailureCodes.ParserTimeout, $"Parsing took longer than {_limits.Time.TotalSeconds:0.#} seconds and was stopped.") { Transient = true });
        }
        catch (Exception e) when (e is IOException or InvalidDataException or JsonException)
        {
            worker.Kill();
            var code = await worker.ExitAsync(CancellationToken.None);
            var errors = worker.Errors;
            await worker.DisposeAsync();
            return Reported(worker, memory.IsCancellationRequested || errors.Contains("Out of memory", StringComparison.OrdinalIgnoreCase) || errors.Contains("OutOfMemory", StringComparison.Ordinal)
                ? new ParseFailure(FailureCodes.ParserMemory, $"Parsing needed more than {_limits.MemoryBytes:N0} bytes of memory and was stopped. Split the document.")
                : new ParseFailure(FailureCodes.ParserCrashed, $"The parser crashed on this document (exit code {code}: {FirstLine(errors, e)}). Other documents are not affected."));
        }
    }

    private static async Task EndAsync(WorkerProcess worker)
    {
        worker.Kill();
        await worker.DisposeAsync();
    }

    // The managed heap has its own hard limit; this catches memory outside of it.
    private void WatchMemory(WorkerProcess worker, CancellationTokenSource exceeded)
    {
        try
        {
            if (worker.ResidentBytes() > _limits.MemoryBytes + _limits.MemoryBytes / 4 + (160L << 20))
            {
                exceeded.Cancel();
                worker.Kill();
            }
        }
        catch (ObjectDisposedException)
        {
            // The document was done while this tick was on its way.
            return;
        }
    }

    private ParseFailure Reported(WorkerProcess worker, ParseFailure failure)
    {
        WorkerFault(worker.Id, failure.Code, failure.Detail);
        return failure;
    }

    private static string FirstLine(string errors, Exception e)
    {
        var line = errors.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() ?? e.Message;
        return TextCleaner.OneLine(TextCleaner.Clean(line.Length > 200 ? line[..200] : line)).TrimEnd('.');
    }

    [LoggerMessage(4001, LogLevel.Debug, "Parse worker {Pid} started")]
    private partial void WorkerStarted(int pid);

    [LoggerMessage(4002, LogLevel.Warning, "Parse worker {Pid} was ended: {Code}: {Detail}")]
    private partial void WorkerFault(int pid, string code, string detail);

    [LoggerMessage(4003, LogLevel.Error, "The parse worker '{Executable}' could not be started")]
    private partial void NotStarted(string executable, Exception exception);
}
