using Microsoft.Extensions.Logging;

namespace RagCluster.Kernel.DeadLetters;

/// <summary>Counts every message that reached nobody, keeps the last few and logs at a bounded rate. Safe from any thread.</summary>
public sealed class DeadLetterOffice
{
    private static readonly int Reasons = Enum.GetValues<DeadLetterReason>().Length;

    private readonly long[] _counts = new long[Reasons];
    private readonly Queue<DeadLetter> _last = new();
    private readonly TimeProvider _time;
    private readonly ActorSystemOptions _options;
    private readonly ILogger _log;
    private Action<DeadLetter>? _subscribers;
    private long _windowStarted;
    private int _loggedInWindow;
    private long _leftOut;

    internal DeadLetterOffice(TimeProvider time, ActorSystemOptions options, ILogger log)
    {
        (_time, _options, _log) = (time, options, log);
        _windowStarted = time.GetTimestamp();
    }

    public long Total => _counts.Select((_, i) => Interlocked.Read(ref _counts[i])).Sum();

    public long Count(DeadLetterReason reason) => Interlocked.Read(ref _counts[(int)reason]);

    /// <summary>The last <see cref="ActorSystemOptions.DeadLettersKept"/>, oldest first.</summary>
    public IReadOnlyList<DeadLetter> Last()
    {
        lock (_last)
        {
            return [.. _last];
        }
    }

    /// <summary>Calls back for each dead letter, on the sender's thread: return at once and do not throw.</summary>
    public IDisposable Subscribe(Action<DeadLetter> subscriber)
    {
        lock (_last)
        {
            _subscribers += subscriber;
        }

        return new Subscription(this, subscriber);
    }

    internal void Add<T>(ActorPath recipient, T message, DeadLetterReason reason)
    {
        var letter = new DeadLetter(recipient, message?.GetType().Name ?? typeof(T).Name, reason, _time.GetUtcNow());
        Interlocked.Increment(ref _counts[(int)reason]);
        Action<DeadLetter>? subscribers;
        bool log;
        long leftOut;
        lock (_last)
        {
            if (_last.Count == _options.DeadLettersKept)
            {
                _last.TryDequeue(out _);
            }

            if (_options.DeadLettersKept > 0)
            {
                _last.Enqueue(letter);
            }

            subscribers = _subscribers;
            log = MayLog(out leftOut);
        }

        if (log)
        {
            KernelLog.DeadLetter(_log, letter.MessageType, letter.Recipient, letter.Reason, leftOut);
        }

        subscribers?.Invoke(letter);
        (message as IUndeliverable)?.Undelivered();
    }

    private bool MayLog(out long leftOut)
    {
        leftOut = 0;
        if (_time.GetElapsedTime(_windowStarted) >= TimeSpan.FromSeconds(1))
        {
            (_windowStarted, _loggedInWindow) = (_time.GetTimestamp(), 0);
        }

        if (_loggedInWindow == _options.DeadLetterLogsPerSecond)
        {
            _leftOut++;
            return false;
        }

        _loggedInWindow++;
        (leftOut, _leftOut) = (_leftOut, 0);
        return true;
    }

    private sealed class Subscription(DeadLetterOffice office, Action<DeadLetter> subscriber) : IDisposable
    {
        private Action<DeadLetter>? _subscriber = subscriber;

        public void Dispose()
        {
            lock (office._last)
            {
                office._subscribers -= _subscriber;
                _subscriber = null;
            }
        }
    }
}
