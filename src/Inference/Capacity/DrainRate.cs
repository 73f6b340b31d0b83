namespace RagCluster.Inference.Capacity;

/// <summary>
/// How fast work leaves, in tokens a second, while there is any: a sum that forgets, divided by a time that forgets. Pure;
/// not safe for concurrent use.
/// </summary>
public sealed class DrainRate
{
    private static readonly TimeSpan s_half = TimeSpan.FromSeconds(10);

    private double _tokens;
    private double _busy;
    private TimeSpan _last;
    private bool _wasBusy;

    /// <summary>Null until a second of work has been seen.</summary>
    public double? PerSecond => _busy >= 1 ? _tokens / _busy : null;

    /// <param name="isBusy">Whether anything is under way from now on.</param>
    /// <param name="tokens">Work that has just ended.</param>
    public void Note(TimeSpan now, bool isBusy, long tokens)
    {
        var passed = now - _last;
        if (passed > TimeSpan.Zero && _wasBusy)
        {
            var keep = Math.Pow(0.5, passed / s_half);
            _tokens *= keep;
            _busy = (_busy * keep) + passed.TotalSeconds;
        }

        _last = now;
        _wasBusy = isBusy;
        _tokens += tokens;
    }
}
