using RagCluster.CheckerKit.Checkers;

namespace RagCluster.CheckerKit;

/// <summary>Every promise that can be checked today. C5 (Kafka offsets) and C11 (the audit chain) wait for what they are about.</summary>
public static class AllCheckers
{
    /// <summary>What must hold at every moment, whatever goes wrong.</summary>
    public static IReadOnlyList<IChecker> Safety { get; } =
    [
        new AcknowledgedWrites(), new DenseLog(), new OnceOnly(), new Linearizability(), new Epochs(), new Replays(), new Chunks(), new Spans(), new Tenants(), new Access(), new Streams(), new Answers(), new Bounds(),
    ];

    /// <summary>What must hold once nothing goes wrong any more.</summary>
    public static IReadOnlyList<IChecker> Liveness { get; } = [new Liveness()];

    public static IReadOnlyList<Violation> Check(Run run) => [.. Safety.Concat(Liveness).SelectMany(checker => checker.Check(run))];
}
