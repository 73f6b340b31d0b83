namespace RagCluster.Cluster.Tests.Running;

/// <summary>What the nodes of a cluster of real processes have in common, and where they run.</summary>
internal sealed record RealClusterOptions
{
    public int Nodes { get; init; } = 3;

    /// <summary>Each node and the database on a machine of its own in a <see cref="TestKit.NetworkLab"/>, whose paths can be cut.</summary>
    public bool InLab { get; init; }

    /// <summary>Mutual TLS between the nodes instead of a secret.</summary>
    public bool Tls { get; init; }

    /// <summary>What a node keeps, by its number from 1 on; null: all of it.</summary>
    public Func<int, IReadOnlyList<string>>? Roles { get; init; }

    /// <summary>
    /// Where nodes should be, by the number of who asks, as settings of <c>cluster.discovery</c>; null: nobody but the
    /// store says it.
    /// </summary>
    public Func<RealCluster, int, IReadOnlyList<string>>? Discovery { get; init; }

    /// <summary>Longer than a machine that is busy with all of this stands still by itself.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(6);
}
