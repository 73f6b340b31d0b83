using Microsoft.Extensions.Logging;

namespace RagCluster.Kernel.Transport;

/// <summary>Event ids 2600 to 2699 are the transport's.</summary>
internal static partial class TransportLog
{
    [LoggerMessage(2600, LogLevel.Information, "Listening for peers at {Address} ({Security}).")]
    internal static partial void Listening(ILogger log, string address, string security);

    [LoggerMessage(2601, LogLevel.Information, "Link to {Peer} is up.")]
    internal static partial void OutboundUp(ILogger log, Peer peer);

    [LoggerMessage(2602, LogLevel.Information, "Link from {Peer} is up.")]
    internal static partial void InboundUp(ILogger log, Peer peer);

    [LoggerMessage(2603, LogLevel.Information, "Link to {Peer} is lost: {Reason}")]
    internal static partial void OutboundLost(ILogger log, Peer peer, string reason);

    [LoggerMessage(2604, LogLevel.Information, "Link from {Peer} is lost: {Reason}")]
    internal static partial void InboundLost(ILogger log, Peer peer, string reason);

    [LoggerMessage(2610, LogLevel.Warning, "No link to {Peer}: {Reason} ({LeftOut} more were not logged.)")]
    internal static partial void NoLink(ILogger log, Peer peer, string reason, long leftOut);

    [LoggerMessage(2611, LogLevel.Warning, "Refused a connection from {Remote}: {Reason} ({LeftOut} more were not logged.)")]
    internal static partial void Refused(ILogger log, string remote, string reason, long leftOut);

    [LoggerMessage(2612, LogLevel.Error, "Accepting connections fails: {Reason} Trying again. ({LeftOut} more were not logged.)")]
    internal static partial void AcceptFailed(ILogger log, string reason, long leftOut);

    [LoggerMessage(2613, LogLevel.Error, "The handler of messages from {Peer} failed; its link is closed.")]
    internal static partial void HandlerFailed(ILogger log, Exception exception, Peer peer);

    [LoggerMessage(2614, LogLevel.Error, "The handler of lost links failed for {Peer}.")]
    internal static partial void LostHandlerFailed(ILogger log, Exception exception, Peer peer);

    [LoggerMessage(2620, LogLevel.Information, "The transport's certificate {File} was replaced; the new one is valid until {Until:yyyy-MM-dd}. New links use it.")]
    internal static partial void CertificateReplaced(ILogger log, string file, DateTime until);

    [LoggerMessage(2621, LogLevel.Error, "The transport's certificate has changed but cannot be used; the former one stays in force. {Reason}")]
    internal static partial void CertificateNotReplaced(ILogger log, string reason);

    [LoggerMessage(2622, LogLevel.Error, "The transport failed in a way that it should not; this is a defect.")]
    internal static partial void Defect(ILogger log, Exception exception);
}

/// <summary>Says the same about the same peer once a minute, and how often it was left out.</summary>
internal sealed class LogLimit(TimeProvider time)
{
    private const int MaxSubjects = 1_000;

    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (long At, long LeftOut)> _said = [];

    /// <param name="leftOut">How many were left out since the last that was said.</param>
    public bool MaySay(string subject, out long leftOut)
    {
        lock (_lock)
        {
            var known = _said.TryGetValue(subject, out var last);
            leftOut = last.LeftOut;
            if (known && time.GetElapsedTime(last.At) < Pause)
            {
                _said[subject] = (last.At, leftOut + 1);
                return false;
            }

            if (!known && _said.Count >= MaxSubjects)
            {
                _said.Clear();
            }

            _said[subject] = (time.GetTimestamp(), 0);
            return true;
        }
    }
}
