using System.Collections.Concurrent;
using RagCluster.Kernel.Cells;

namespace RagCluster.Kernel.Inspection;

/// <summary>How long one actor was busy while somebody looked.</summary>
/// <param name="Messages">How many it finished in that time.</param>
/// <param name="Busy">The time of all of them, what they awaited included.</param>
/// <param name="Longest">The longest of one message.</param>
/// <param name="LongestMessage">The class of that message; the message itself may be big or secret.</param>
public sealed record ActorTiming(ActorPath Path, string Type, long Messages, TimeSpan Busy, TimeSpan Longest, string LongestMessage);

/// <summary>
/// Times the messages of all actors of a system for a while. Only then: two readings of the clock for each message would
/// cost more than the fastest actors do.
/// </summary>
internal sealed class ActorMeasurement(TimeProvider time)
{
    /// <summary>Actors beyond this are not timed: a measurement must not become what fills the memory.</summary>
    private const int MaxActors = 10_000;

    private readonly ConcurrentDictionary<ActorCell, Timing> _timings = new();

    public ValueTask ReceiveAsync<T>(ActorCell cell, Actor<T> actor, T message, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var handling = actor.ReceiveAsync(message, cancellationToken);
        if (handling.IsCompletedSuccessfully)
        {
            Add(cell, message, start);
            return handling;
        }

        return FinishAsync(handling, cell, message, start);
    }

    public IReadOnlyList<ActorTiming> Result() => [.. _timings.Select(entry => entry.Value.Of(entry.Key)).OrderByDescending(timing => timing.Busy).ThenBy(timing => timing.Path.ToString(), StringComparer.Ordinal)];

    private async ValueTask FinishAsync<T>(ValueTask handling, ActorCell cell, T message, long start)
    {
        try
        {
            await handling;
        }
        finally
        {
            Add(cell, message, start);
        }
    }

    private void Add<T>(ActorCell cell, T message, long start)
    {
        if (!_timings.TryGetValue(cell, out var timing))
        {
            if (_timings.Count >= MaxActors)
            {
                return;
            }

            timing = _timings.GetOrAdd(cell, static _ => new Timing());
        }

        timing.Add(time.GetElapsedTime(start), message?.GetType() ?? typeof(T));
    }

    private sealed class Timing
    {
        private readonly Lock _gate = new();
        private long _messages;
        private TimeSpan _busy;
        private TimeSpan _longest;
        private Type? _longestMessage;

        public void Add(TimeSpan took, Type message)
        {
            lock (_gate)
            {
                _messages++;
                _busy += took;
                if (took >= _longest)
                {
                    (_longest, _longestMessage) = (took, message);
                }
            }
        }

        public ActorTiming Of(ActorCell cell)
        {
            lock (_gate)
            {
                return new ActorTiming(cell.Path, cell.TypeName, _messages, _busy, _longest, _longestMessage?.Name ?? "");
            }
        }
    }
}
