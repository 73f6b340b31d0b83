using Microsoft.Extensions.Logging;

namespace RagCluster.Kernel.Discovery;

/// <summary>Event ids 2700 to 2749 are discovery's.</summary>
internal static partial class DiscoveryLog
{
    [LoggerMessage(2700, LogLevel.Warning, "{Address}, from {Source}, is no member of the cluster. {Problem}")]
    internal static partial void Stray(ILogger log, string address, string source, string problem);

    [LoggerMessage(2701, LogLevel.Information, "{Address} is now a member of the cluster, or no longer expected.")]
    internal static partial void Settled(ILogger log, string address);

    [LoggerMessage(2702, LogLevel.Warning, "Where nodes should be cannot be found out from {Source}: {Reason}")]
    internal static partial void Failed(ILogger log, string source, string reason);
}
