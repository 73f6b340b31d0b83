using System.Collections.Immutable;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace RagCluster.Nodes.Management.Logs;

/// <summary>One line of the log.</summary>
/// <param name="Id">Of the event, unique to what it tells; 0 for none.</param>
/// <param name="Exception">Its class and message; the log itself has the stack.</param>
public sealed record LogLineJson(DateTimeOffset At, string Level, string Category, int Id, string Message, string? Exception, string? Trace);

/// <summary>Keeps the last lines of the log and passes new ones to who follows. Who is too slow misses lines, and is told how many.</summary>
internal sealed class LogTail : ILoggerProvider
{
    private const int MaxKept = 1000;
    private const int MaxText = 4000;
    private const int MaxWaiting = 1000;
    private const int MaxFollowers = 16;

    private readonly Lock _gate = new();
    private readonly Queue<LogLineJson> _kept = new();
    private ImmutableArray<Follower> _followers = [];

    public ILogger CreateLogger(string categoryName) => new Writer(this, categoryName);

    /// <summary>The newest lines, oldest first.</summary>
    public IReadOnlyList<LogLineJson> Last(int count, Func<LogLineJson, bool> filter)
    {
        lock (_gate)
        {
            return [.. _kept.Where(filter).TakeLast(count)];
        }
    }

    /// <summary>The newest lines, then those to come.</summary>
    /// <exception cref="InvalidOperationException">Too many follow already.</exception>
    public IAsyncEnumerable<LogLineJson> Follow(int last, Func<LogLineJson, bool> filter, CancellationToken cancellationToken)
    {
        var follower = new Follower(filter);
        LogLineJson[] past;
        lock (_gate)
        {
            if (_followers.Length >= MaxFollowers)
            {
                throw new InvalidOperationException($"{MaxFollowers} follow this log already.");
            }

            past = [.. _kept.Where(filter).TakeLast(last)];
            _followers = _followers.Add(follower);
        }

        return ReadAsync(follower, past, cancellationToken);
    }

    public void Dispose()
    {
        foreach (var follower in _followers)
        {
            follower.Lines.Writer.TryComplete();
        }
    }

    private async IAsyncEnumerable<LogLineJson> ReadAsync(Follower follower, LogLineJson[] past, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        try
        {
            foreach (var line in past)
            {
                yield return line;
            }

            await foreach (var line in follower.Lines.Reader.ReadAllAsync(cancellationToken))
            {
                yield return line;
                if (Interlocked.Exchange(ref follower.Missed, 0) is > 0 and var missed)
                {
                    yield return new LogLineJson(line.At, "warning", "RagCluster.Nodes.Management", 0, $"{missed} lines were left out here: there were more than could be sent.", null, null);
                }
            }
        }
        finally
        {
            lock (_gate)
            {
                _followers = _followers.Remove(follower);
            }
        }
    }

    private void Add(LogLineJson line)
    {
        ImmutableArray<Follower> followers;
        lock (_gate)
        {
            if (_kept.Count == MaxKept)
            {
                _kept.Dequeue();
            }

            _kept.Enqueue(line);
            followers = _followers;
        }

        foreach (var follower in followers)
        {
            if (follower.Filter(line) && !follower.Lines.Writer.TryWrite(line))
            {
                Interlocked.Increment(ref follower.Missed);
            }
        }
    }

    private sealed class Follower(Func<LogLineJson, bool> filter)
    {
        public int Missed;

        public Func<LogLineJson, bool> Filter => filter;

        public Channel<LogLineJson> Lines { get; } = Channel.CreateBounded<LogLineJson>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    }

    private sealed class Writer(LogTail tail, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        /// <summary>The filter before it decides.</summary>
        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var text = formatter(state, exception);
            tail.Add(new LogLineJson(
                TimeProvider.System.GetUtcNow(),
                logLevel.ToString().ToLowerInvariant(),
                category,
                eventId.Id,
                text.Length <= MaxText ? text : text[..MaxText] + "...",
                exception is null ? null : $"{exception.GetType().Name}: {exception.Message}",
                Activity.Current?.TraceId.ToString()));
        }
    }
}
