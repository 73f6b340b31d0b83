using RagCluster.Kernel.Mailboxes;
using RagCluster.Kernel.Supervision;

namespace RagCluster.Kernel;

/// <summary>How one actor runs. Share one instance among actors of a kind: it is kept per actor.</summary>
public sealed record SpawnOptions
{
    public static SpawnOptions Default { get; } = new();

    /// <summary>Messages that wait before senders do; 1 to 16,777,215.</summary>
    public int MailboxCapacity { get; init; } = 1024;

    /// <summary>Messages handled in one turn before other actors get theirs.</summary>
    public int Throughput { get; init; } = 128;

    public int StashCapacity { get; init; } = 1024;

    /// <summary>What happens when this actor fails.</summary>
    public SupervisionStrategy Supervision { get; init; } = SupervisionStrategy.Default;

    internal SpawnOptions Validated()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MailboxCapacity);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MailboxCapacity, Mailbox<object>.MaxCapacity);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Throughput);
        ArgumentOutOfRangeException.ThrowIfNegative(StashCapacity);
        Supervision.Validate();
        return this;
    }
}
