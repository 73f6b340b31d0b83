using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using RagCluster.Ingestion.Sources;
using RagCluster.Messages;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Pipeline;

/// <summary>
/// Drains one source into the sink, whatever kind it is. One reader deals the items out to lanes by their URI: items of
/// one document are handed over one after the other, those of different documents side by side. Every lane is bounded,
/// so that a slow sink stops the reader, and with it the source.
/// </summary>
/// <remarks>
/// An item ends in one of two ways, of which the source is told: durable, or refused with a reason. What fails for a
/// reason of its own is tried a bounded number of times and then refused; while the sink is not available, items wait.
/// </remarks>
public sealed partial class SourcePipeline : IAsyncDisposable
{
    private readonly string _name;
    private readonly IDocumentSource _source;
    private readonly TenantId? _tenant;
    private readonly IDocumentSink _sink;
    private readonly SourcePipelineOptions _options;
    private readonly PipelineSteps _steps;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly StepMeter _settling;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _lock = new();
    private readonly Queue<RefusedItem> _refusals = new();
    private TaskCompletionSource _moved = Signal();
    private CancellationTokenSource? _reading;
    private SourceState _state = SourceState.Running;
    private string? _reason;
    private long _read;
    private long _durable;
    private long _refused;
    private long _open;
    private Task _running = Task.CompletedTask;

    /// <param name="tenant">Whose the items are that name no tenant themselves; null refuses them.</param>
    public SourcePipeline(
        string name, IDocumentSource source, TenantId? tenant, IDocumentSink sink, SourcePipelineOptions options, PipelineSteps steps, TimeProvider time, ILogger logger)
    {
        (_name, _source, _tenant, _sink, _options, _steps, _time, _logger) = (name, source, tenant, sink, options, steps, time, logger);
        _settling = new StepMeter(name, options.Lanes, time);
    }

    public string Name => _name;

    public IDocumentSource Source => _source;

    /// <summary>Begins to read, in the background.</summary>
    public void Start() => _running = Task.Run(RunAsync);

    public SourceStatus Describe()
    {
        lock (_lock)
        {
            return new SourceStatus(_name, _state, _reason, _read, _durable, _refused, Interlocked.Read(ref _open), _settling.Describe().PerSecond);
        }
    }

    /// <summary>The newest refused items, newest first.</summary>
    public IReadOnlyList<RefusedItem> Refusals()
    {
        lock (_lock)
        {
            return [.. _refusals.Reverse()];
        }
    }

    /// <summary>Asks the source for no more; what was read goes on. False where the source is not being read.</summary>
    public bool Pause() => Change(s => s is SourceState.Running or SourceState.Failed or SourceState.Paused, SourceState.Paused, "An operator has paused it.");

    /// <summary>Reads on, from where the source itself knows. False where it is ended.</summary>
    public bool Resume() => Change(s => s is not SourceState.Ended, SourceState.Running, null);

    /// <summary>Stops reading, so that a shared source gives its part to others, and hands over what was read. False where it is ended.</summary>
    public bool Drain()
    {
        if (!Change(s => s is not SourceState.Ended, SourceState.Draining, "An operator has drained it."))
        {
            return false;
        }

        lock (_lock)
        {
            _reading?.Cancel();
        }

        return true;
    }

    /// <summary>Completes when the source is in that state. Waits for no time of its own.</summary>
    public async Task ReachedAsync(SourceState state, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task moved;
            lock (_lock)
            {
                if (_state == state)
                {
                    return;
                }

                moved = _moved.Task;
            }

            await moved.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Drains for so long at most, then stops; what is not handed over by then is yielded again by the next reading.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        if (!_running.IsCompleted && Drain())
        {
            using var limit = new CancellationTokenSource(patience, _time);
            try
            {
                await ReachedAsync(SourceState.Drained, limit.Token);
            }
            catch (OperationCanceledException)
            {
                // Whatever takes so long is yielded again.
            }
        }

        await DisposeAsync();
    }

    /// <summary>Stops at once; what is not handed over yet is yielded again by the next reading.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
        {
            return;
        }

        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }

    private static TaskCompletionSource Signal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool Change(Func<SourceState, bool> may, SourceState state, string? reason)
    {
        lock (_lock)
        {
            if (!may(_state))
            {
                return false;
            }

            if (_state != state)
            {
                (_state, _reason) = (state, reason);
                Interlocked.Exchange(ref _moved, Signal()).TrySetResult();
            }

            return true;
        }
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                await NextAsync(s => s is SourceState.Running, _stopping.Token);
                using var reading = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
                lock (_lock)
                {
                    _reading = reading;
                }

                var failure = await ReadThroughAsync(reading.Token);
                lock (_lock)
                {
                    _reading = null;
                }

                _stopping.Token.ThrowIfCancellationRequested();
                if (failure is not null)
                {
                    ReadingFailed(_name, _options.RestartAfter, failure);
                    Change(s => s is SourceState.Running, SourceState.Failed, failure.Message);
                    await Task.Delay(_options.RestartAfter, _time, _stopping.Token);
                    Change(s => s is SourceState.Failed, SourceState.Running, null);
                }
                else if (!Change(s => s is SourceState.Draining, SourceState.Drained, "An operator has drained it."))
                {
                    if (!reading.IsCancellationRequested && Change(s => s is SourceState.Running, SourceState.Ended, "It has yielded everything."))
                    {
                        return;
                    }
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // As asked. What is not settled is yielded again.
            return;
        }
    }

    /// <summary>Waits until the state allows it, and says which it is.</summary>
    private async ValueTask NextAsync(Func<SourceState, bool> until, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task moved;
            lock (_lock)
            {
                if (until(_state))
                {
                    return;
                }

                moved = _moved.Task;
            }

            await moved.WaitAsync(cancellationToken);
        }
    }

    /// <summary>One reading of the source; returns why it failed, or null where it ended or was cancelled. What was read is settled by then.</summary>
    private async Task<Exception?> ReadThroughAsync(CancellationToken reading)
    {
        var lanes = Array.ConvertAll(new int[_options.Lanes], _ => Channel.CreateBounded<SourceItem>(
            new BoundedChannelOptions(_options.LaneCapacity) { SingleReader = true, SingleWriter = true }));
        var workers = Array.ConvertAll(lanes, lane => Task.Run(() => WorkAsync(lane.Reader, _stopping.Token)));
        Exception? failure = null;
        try
        {
            await foreach (var item in _source.ReadAsync(reading))
            {
                Interlocked.Increment(ref _read);
                Interlocked.Increment(ref _open);
                await lanes[(uint)item.Uri.GetHashCode(StringComparison.Ordinal) % (uint)lanes.Length].Writer.WriteAsync(item, _stopping.Token);
                await NextAsync(s => s is not SourceState.Paused, reading);
            }
        }
        catch (OperationCanceledException) when (reading.IsCancellationRequested)
        {
            // Drained or stopped.
        }
        catch (Exception e)
        {
            failure = e;
        }

        foreach (var lane in lanes)
        {
            lane.Writer.Complete();
        }

        await Task.WhenAll(workers);
        return failure;
    }

    private async Task WorkAsync(ChannelReader<SourceItem> lane, CancellationToken stopping)
    {
        try
        {
            await foreach (var item in lane.ReadAllAsync(stopping))
            {
                using var scope = _settling.Begin();
                var settlement = await SettleAsync(item, stopping);
                Count(item, settlement);
                scope.Done();
                _source.Settled(item, settlement);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // What is left in the lane is yielded again by the next reading.
            return;
        }
    }

    private async Task<Settlement> SettleAsync(SourceItem item, CancellationToken stopping)
    {
        if (item is SourceProblem problem)
        {
            return new Settlement(problem.Code, problem.Detail);
        }

        if ((item.Tenant ?? _tenant) is not { } tenant)
        {
            return new Settlement(FailureCodes.UnknownTenant, "The item names no tenant, and its source serves none in particular.");
        }

        var backoff = _options.MinBackoff;
        for (var attempt = 1; ;)
        {
            using var receiving = _steps.Receive.Begin();
            try
            {
                var settlement = await _sink.TakeAsync(tenant, item, stopping);
                receiving.Done();
                return settlement;
            }
            catch (SinkUnavailableException e)
            {
                // Nothing is wrong with this item, so it does not count as tried.
                SinkUnavailable(_name, item.Uri, backoff, e);
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                if (attempt++ >= _options.MaxAttempts)
                {
                    var unreadable = e is IOException or UnauthorizedAccessException;
                    ItemFailed(_name, item.Uri, _options.MaxAttempts, e);
                    return new Settlement(
                        unreadable ? FailureCodes.Unreadable : FailureCodes.Internal,
                        unreadable
                            ? $"Its bytes could not be read in {_options.MaxAttempts} attempts: {e.Message}"
                            : $"It failed {_options.MaxAttempts} times for a reason of RagCluster's own ({e.GetType().Name}); the node's log has it.");
                }
            }

            await Task.Delay(backoff, _time, stopping);
            backoff = backoff * 2 < _options.MaxBackoff ? backoff * 2 : _options.MaxBackoff;
        }
    }

    private void Count(SourceItem item, Settlement settlement)
    {
        Interlocked.Decrement(ref _open);
        if (settlement.IsDurable)
        {
            Interlocked.Increment(ref _durable);
            return;
        }

        ItemRefused(_name, item.Uri, settlement.Code!, settlement.Detail ?? "");
        lock (_lock)
        {
            _refused++;
            _refusals.Enqueue(new RefusedItem(_name, item.Uri, (item.Tenant ?? _tenant)?.Value, settlement.Code!, settlement.Detail ?? "", _time.GetUtcNow(), item.Position));
            if (_refusals.Count > _options.KeptRefusals)
            {
                _refusals.Dequeue();
            }
        }
    }

    [LoggerMessage(4201, LogLevel.Warning, "The source '{Source}' cannot be read; it is tried again after {Wait}")]
    private partial void ReadingFailed(string source, TimeSpan wait, Exception exception);

    [LoggerMessage(4202, LogLevel.Debug, "Source '{Source}': {Uri} waits, because documents cannot be taken at the moment; it is offered again after {Wait}")]
    private partial void SinkUnavailable(string source, string uri, TimeSpan wait, Exception exception);

    [LoggerMessage(4203, LogLevel.Error, "Source '{Source}': {Uri} failed in {Attempts} attempts and is refused")]
    private partial void ItemFailed(string source, string uri, int attempts, Exception exception);

    [LoggerMessage(4204, LogLevel.Warning, "Source '{Source}': {Uri} is refused ({Code}): {Detail}")]
    private partial void ItemRefused(string source, string uri, string code, string detail);
}
