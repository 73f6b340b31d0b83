using System.Runtime.InteropServices;

namespace RagCluster.Kernel;

/// <summary>
/// Timestamps from CLOCK_BOOTTIME on Linux, which goes on while the machine is suspended; the runtime's own clock stands
/// still then (measured), and a node would believe in a lease that others have seen end. Elsewhere the runtime's own.
/// </summary>
internal sealed partial class SuspendAwareTime : TimeProvider
{
    private const int ClockBootTime = 7;
    private const long NanosecondsPerSecond = 1_000_000_000;

    private readonly bool _boot;

    private SuspendAwareTime() => _boot = OperatingSystem.IsLinux() && Environment.Is64BitProcess && TryRead(out _);

    public static SuspendAwareTime Instance { get; } = new();

    public override long TimestampFrequency => _boot ? NanosecondsPerSecond : base.TimestampFrequency;

    public override long GetTimestamp() => _boot && TryRead(out var nanoseconds) ? nanoseconds : base.GetTimestamp();

    private static bool TryRead(out long nanoseconds)
    {
        var failed = ReadClock(ClockBootTime, out var time);
        nanoseconds = (time.Seconds * NanosecondsPerSecond) + time.Nanoseconds;
        return failed == 0;
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [SuppressGCTransition]
    private static partial int ReadClock(int clock, out TimeSpec time);

    private struct TimeSpec
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
