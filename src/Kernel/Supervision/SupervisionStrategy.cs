namespace RagCluster.Kernel.Supervision;

public enum SupervisionDirective
{
    /// <summary>A new instance after a pause; children stop, timers end, mailbox and stash stay.</summary>
    Restart,

    Stop,

    /// <summary>The parent fails with a <see cref="ChildFailedException"/>; without a parent, as <see cref="Stop"/>.</summary>
    Escalate,
}

/// <summary>
/// What follows the failure of an actor. The pause before the n-th restart within <see cref="Within"/> is
/// min(<see cref="MaxBackoff"/>, <see cref="MinBackoff"/> * 2^(n-1)) * (1 + r * <see cref="Jitter"/>), r uniform in
/// [0, 1): jitter keeps actors that failed together from coming back together.
/// </summary>
public sealed record SupervisionStrategy
{
    public static SupervisionStrategy Default { get; } = new();

    public static SupervisionStrategy Stop { get; } = new() { Decide = static _ => SupervisionDirective.Stop };

    public static SupervisionStrategy Escalate { get; } = new() { Decide = static _ => SupervisionDirective.Escalate };

    public Func<Exception, SupervisionDirective> Decide { get; init; } = static _ => SupervisionDirective.Restart;

    /// <summary>Zero restarts at once.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>0 to 1.</summary>
    public double Jitter { get; init; } = 0.2;

    /// <summary>The failure after so many restarts within <see cref="Within"/> stops the actor. Null: never.</summary>
    public int? MaxRestarts { get; init; } = 10;

    public TimeSpan Within { get; init; } = TimeSpan.FromMinutes(1);

    /// <param name="restart">The how manieth restart within the window, from 1.</param>
    public TimeSpan Backoff(int restart, Random random)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(restart);
        var ticks = Math.Min(MaxBackoff.Ticks, MinBackoff.Ticks * Math.Pow(2, restart - 1));
        return TimeSpan.FromTicks((long)(ticks * (1 + (Jitter * random.NextDouble()))));
    }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MinBackoff, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBackoff, MinBackoff);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxBackoff, TimeSpan.FromDays(1));
        ArgumentOutOfRangeException.ThrowIfNegative(Jitter);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Jitter, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxRestarts ?? 0);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Within, TimeSpan.Zero);
    }
}
