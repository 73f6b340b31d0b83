namespace RagCluster.Nodes.Hosting;

/// <summary>One budget for all phases of a stop: what one phase does not use, the next ones have.</summary>
internal sealed class ShutdownBudget(TimeSpan total, TimeProvider time)
{
    private readonly long _start = time.GetTimestamp();

    /// <summary>Never negative; at least a moment, so that the last phases are tried at all.</summary>
    public TimeSpan Left => total - time.GetElapsedTime(_start) is var left && left > s_moment ? left : s_moment;

    private static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(200);

    /// <summary>A part of what is left, from 0 to 1.</summary>
    public TimeSpan Share(double part) => Left * part;
}
