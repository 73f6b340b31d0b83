using System.Diagnostics;
using System.Threading.Channels;

namespace RagCluster.InferenceStandIn;

/// <summary>An answer that the device is writing: a token arrives for each step that it is part of.</summary>
internal sealed class Sequence(int promptTokens, int answerTokens)
{
    public int Unread { get; set; } = promptTokens;

    public int Left { get; set; } = answerTokens;

    public bool IsAborted { get; set; }

    public Channel<bool> Tokens { get; } = Channel.CreateUnbounded<bool>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });
}

/// <summary>The times of one GPU: see <see cref="ServiceTimes"/>. Steps keep to a schedule, so that late timers do not add up.</summary>
internal sealed class Device : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Queue<Sequence> _waiting = new();
    private readonly List<Sequence> _running = [];
    private readonly HashSet<ulong> _prefixes = [];
    private readonly CancellationTokenSource _stop = new();
    private TaskCompletionSource _work = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _steps;
    private readonly Func<ServiceTimes> _times;
    private double _freeAt;
    private double _busyMs;
    private int _mostRunning;
    private int _embedding;
    private long _promptTokens;

    public Device(Func<ServiceTimes> times)
    {
        _times = times;
        _steps = StepAsync();
    }

    public double BusyMs
    {
        get
        {
            lock (_gate)
            {
                return _busyMs;
            }
        }
    }

    public int Running
    {
        get
        {
            lock (_gate)
            {
                return _running.Count;
            }
        }
    }

    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count + Math.Max(0, _embedding - 1);
            }
        }
    }

    public int MostRunning => _mostRunning;

    public long PromptTokens => Interlocked.Read(ref _promptTokens);

    /// <summary>Waits as long as a batch takes, and for those before it.</summary>
    /// <returns>False if too many wait.</returns>
    public async ValueTask<bool> EmbedAsync(IReadOnlyList<int> tokens, CancellationToken cancellationToken)
    {
        var times = _times();
        var cost = times.EmbedFixedMs + (times.EmbedPerTokenMs * (times.EmbedPads ? (long)tokens.Max() * tokens.Count : tokens.Sum(t => (long)t)));
        if (cost <= 0)
        {
            return true;
        }

        double end;
        lock (_gate)
        {
            if (_embedding > times.MaxWaiting)
            {
                return false;
            }

            _embedding++;
            end = _freeAt = Math.Max(_freeAt, Now()) + cost;
            _busyMs += cost;
        }

        try
        {
            await UntilAsync(end, cancellationToken);
        }
        finally
        {
            lock (_gate)
            {
                _embedding--;
            }
        }

        return true;
    }

    /// <summary>Null if too many wait. Whoever got a sequence ends it with <see cref="Leave"/>.</summary>
    public Sequence? Begin(string prompt, int answerTokens)
    {
        var times = _times();
        lock (_gate)
        {
            if (_waiting.Count >= times.MaxWaiting)
            {
                return null;
            }

            var sequence = new Sequence(Words.Tokens(prompt) - (Known(prompt, times.PrefixBlock) / 4), answerTokens);
            Interlocked.Add(ref _promptTokens, sequence.Unread);
            if (times is { StepMs: <= 0, StepPerAnswerMs: <= 0, PrefillPerTokenMs: <= 0 })
            {
                for (var i = 0; i < answerTokens; i++)
                {
                    sequence.Tokens.Writer.TryWrite(true);
                }

                sequence.Tokens.Writer.Complete();
                return sequence;
            }

            _waiting.Enqueue(sequence);
            _work.TrySetResult();
            return sequence;
        }
    }

    public void Leave(Sequence sequence)
    {
        lock (_gate)
        {
            sequence.IsAborted = true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _work.TrySetResult();
        await _steps;
        _stop.Dispose();
    }

    /// <summary>Characters at the beginning of a prompt that an earlier one had, too.</summary>
    private int Known(string prompt, int block)
    {
        var known = 0;
        if (block > 0)
        {
            if (_prefixes.Count > 100_000)
            {
                _prefixes.Clear();
            }

            var isKnown = true;
            for (var end = block; end <= prompt.Length; end += block)
            {
                isKnown &= !_prefixes.Add(Words.Hash(prompt.AsSpan(0, end)));
                known = isKnown ? end : known;
            }
        }

        return known;
    }

    private async Task StepAsync()
    {
        var schedule = 0d;
        while (!_stop.IsCancellationRequested)
        {
            double cost;
            lock (_gate)
            {
                cost = Plan(_times());
                if (cost < 0)
                {
                    _work = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }
            }

            if (cost < 0)
            {
                await _work.Task;
                schedule = Now();
                continue;
            }

            schedule = Math.Max(schedule, Now() - 20) + cost;
            try
            {
                await UntilAsync(schedule, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            lock (_gate)
            {
                Emit();
            }
        }
    }

    /// <summary>What the next step does, and its time; negative if there is nothing to do.</summary>
    private double Plan(ServiceTimes times)
    {
        _running.RemoveAll(s => s.IsAborted);
        while (_running.Count < times.MaxAnswers && _waiting.TryDequeue(out var next))
        {
            if (!next.IsAborted)
            {
                _running.Add(next);
            }
        }

        _mostRunning = Math.Max(_mostRunning, _running.Count);
        if (_running.Count == 0)
        {
            return -1;
        }

        var room = times.PrefillPerStep;
        var read = 0;
        var writing = 0;
        foreach (var sequence in _running)
        {
            if (sequence.Unread > 0)
            {
                var take = Math.Min(sequence.Unread, room);
                sequence.Unread -= take;
                room -= take;
                read += take;
            }
            else
            {
                writing++;
            }
        }

        return times.StepMs + (times.StepPerAnswerMs * writing) + (times.PrefillPerTokenMs * read);
    }

    private void Emit()
    {
        for (var i = _running.Count - 1; i >= 0; i--)
        {
            var sequence = _running[i];
            if (sequence.Unread > 0)
            {
                continue;
            }

            sequence.Tokens.Writer.TryWrite(true);
            if (--sequence.Left <= 0)
            {
                sequence.Tokens.Writer.TryComplete();
                _running.RemoveAt(i);
            }
        }
    }

    private static double Now() => Stopwatch.GetTimestamp() * 1000.0 / Stopwatch.Frequency;

    private static async Task UntilAsync(double time, CancellationToken cancellationToken)
    {
        var wait = time - Now();
        if (wait >= 0.5)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Max(1, wait)), cancellationToken);
        }
        else
        {
            await Task.Yield();
        }
    }
}
