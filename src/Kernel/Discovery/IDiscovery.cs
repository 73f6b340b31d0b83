using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Discovery;

/// <summary>A place where a node of this cluster may be reached.</summary>
/// <param name="Address">"host:port".</param>
/// <param name="Node">Who is there, where that is known.</param>
public readonly record struct Candidate(string Address, NodeIncarnation? Node = null);

/// <summary>
/// Tells where nodes of this cluster may be. Who belongs to it is decided by the store's member rows, and who is at an
/// address by the transport's handshake; these are places to look at.
/// </summary>
public interface IDiscovery
{
    /// <summary>For people: where it looks.</summary>
    string Source { get; }

    /// <summary>The candidates of now, each address once, in ordinal order; none is an answer as well.</summary>
    /// <exception cref="DiscoveryException">It could not be found out.</exception>
    ValueTask<IReadOnlyList<Candidate>> FindAsync(CancellationToken cancellationToken = default);
}

/// <summary>Where nodes are could not be found out; it may succeed later.</summary>
public sealed class DiscoveryException : Exception
{
    public DiscoveryException()
    {
    }

    public DiscoveryException(string message)
        : base(message)
    {
    }

    public DiscoveryException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
