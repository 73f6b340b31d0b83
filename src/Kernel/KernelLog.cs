using Microsoft.Extensions.Logging;
using RagCluster.Kernel.DeadLetters;

namespace RagCluster.Kernel;

/// <summary>Event ids 1000 to 1999 are the actors'.</summary>
internal static partial class KernelLog
{
    [LoggerMessage(1000, LogLevel.Warning, "{Path} failed and restarts in {Backoff} (restart {Restart} within the window).")]
    internal static partial void Restarting(ILogger log, Exception exception, ActorPath path, TimeSpan backoff, int restart);

    [LoggerMessage(1001, LogLevel.Error, "{Path} failed and is stopped, as its supervision says.")]
    internal static partial void StoppedAfterFailure(ILogger log, Exception exception, ActorPath path);

    [LoggerMessage(1002, LogLevel.Error, "{Path} failed again after {Restarts} restarts within {Within} and is stopped for good.")]
    internal static partial void GaveUpRestarting(ILogger log, Exception exception, ActorPath path, int? restarts, TimeSpan within);

    [LoggerMessage(1003, LogLevel.Warning, "{Path} failed; its parent decides.")]
    internal static partial void Escalated(ILogger log, Exception exception, ActorPath path);

    [LoggerMessage(1004, LogLevel.Error, "{Path} failed while it cleaned up ({Reason}); it is stopped all the same.")]
    internal static partial void CleanUpFailed(ILogger log, Exception exception, ActorPath path, StopReason reason);

    [LoggerMessage(1005, LogLevel.Error, "{Path}: a callback on its cancellation token failed.")]
    internal static partial void CancellationFailed(ILogger log, Exception exception, ActorPath path);

    [LoggerMessage(1006, LogLevel.Critical, "{Path}: its life cycle broke; this is a defect of the kernel. The actor is stuck; restart the node.")]
    internal static partial void LifecycleBroke(ILogger log, Exception exception, ActorPath path);

    [LoggerMessage(1010, LogLevel.Information, "A {MessageType} for {Recipient} reached nobody: {Reason}. {LeftOut} more were not logged.")]
    internal static partial void DeadLetter(ILogger log, string messageType, ActorPath recipient, DeadLetterReason reason, long leftOut);

    [LoggerMessage(1020, LogLevel.Warning, "Actor system {Name} did not stop within {Budget}; still running: {Paths}.")]
    internal static partial void TerminationIncomplete(ILogger log, string name, TimeSpan budget, string paths);
}
