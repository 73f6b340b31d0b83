namespace RagCluster.Ingestion.Pipeline;

/// <summary>How a step of the pipeline is doing. Rates and shares are of the last ten seconds or so.</summary>
/// <param name="Width">How many items it can have in work at a time.</param>
/// <param name="Working">How many it has in work.</param>
/// <param name="Waiting">How many wait for it.</param>
/// <param name="PerSecond">Items done per second.</param>
/// <param name="Busy">The share of the time in which something was in work.</param>
/// <param name="Load">The average number in work as a share of the width.</param>
public readonly record struct StepStatus(string Name, int Width, int Working, int Waiting, long Done, long Failed, double PerSecond, double Busy, double Load);

/// <summary>Counts what goes through a step, and how much of the time it works. Safe for several threads.</summary>
public sealed class StepMeter(string name, int width, TimeProvider time)
{
    /// <summary>Over how long rates and shares are taken, about.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Queue<Sample> _samples = new();
    private long _lastChange = time.GetTimestamp();
    private long _lastSample;
    private TimeSpan _busy;
    private TimeSpan _work;
    private int _working;
    private int _waiting;
    private long _done;
    private long _failed;

    private readonly record struct Sample(long At, TimeSpan Busy, TimeSpan Work, long Done);

    public string Name => name;

    /// <summary>Something waits for the step; dispose when it no longer does.</summary>
    public Waiter Wait()
    {
        Interlocked.Increment(ref _waiting);
        return new Waiter(this);
    }

    /// <summary>Something is in work; dispose when it no longer is, and say before whether it is done.</summary>
    public Scope Begin()
    {
        lock (_lock)
        {
            Advance();
            _working++;
        }

        return new Scope(this);
    }

    public StepStatus Describe()
    {
        lock (_lock)
        {
            Advance();
            var now = new Sample(_lastChange, _busy, _work, _done);
            var first = _samples.TryPeek(out var oldest) ? oldest : now;
            var span = time.GetElapsedTime(first.At, now.At);
            var known = span > TimeSpan.FromMilliseconds(100);
            return new StepStatus(
                name,
                width,
                _working,
                Volatile.Read(ref _waiting),
                _done,
                _failed,
                known ? (now.Done - first.Done) / span.TotalSeconds : 0,
                known ? Math.Min(1, (now.Busy - first.Busy) / span) : 0,
                known ? (now.Work - first.Work) / span / width : 0);
        }
    }

    private void Advance()
    {
        var now = time.GetTimestamp();
        var elapsed = time.GetElapsedTime(_lastChange, now);
        if (_working > 0)
        {
            _busy += elapsed;
            _work += elapsed * _working;
        }

        _lastChange = now;
        if (_samples.Count > 0 && time.GetElapsedTime(_lastSample, now) < Interval)
        {
            return;
        }

        _lastSample = now;
        _samples.Enqueue(new Sample(now, _busy, _work, _done));

        // Of those older than the window one stays: from it the window is counted.
        while (_samples.Count > 2 && time.GetElapsedTime(_samples.ElementAt(1).At, now) > Window)
        {
            _samples.Dequeue();
        }
    }

    private void End(bool done)
    {
        lock (_lock)
        {
            Advance();
            _working--;
            if (done)
            {
                _done++;
            }
            else
            {
                _failed++;
            }
        }
    }

    /// <summary>One item in work.</summary>
    public sealed class Scope(StepMeter meter) : IDisposable
    {
        private bool _done;

        /// <summary>Without this, what is disposed of counts as failed.</summary>
        public void Done() => _done = true;

        public void Dispose() => meter.End(_done);
    }

    /// <summary>One item that waits.</summary>
    public readonly struct Waiter(StepMeter meter) : IDisposable
    {
        public void Dispose() => Interlocked.Decrement(ref meter._waiting);
    }
}
