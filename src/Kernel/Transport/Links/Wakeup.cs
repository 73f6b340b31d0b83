using System.Threading.Tasks.Sources;

namespace RagCluster.Kernel.Transport.Links;

/// <summary>Lets one sleeper be woken, again and again, without allocating. Who signals and who sleeps take turns: a lock of their own sees to that.</summary>
internal sealed class Wakeup : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };

    /// <summary>To be called before anybody can signal.</summary>
    public void Reset() => _core.Reset();

    public ValueTask SleepAsync() => new(this, _core.Version);

    public void Signal() => _core.SetResult(true);

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
