using RagCluster.CheckerKit.Checkers;

namespace RagCluster.CheckerKit;

/// <summary>Every promise that can be checked today. C11 (the audit chain) waits for what it is about.</summary>
public static class AllCheckers
{
    /// <summary>What must hold at every moment, whatever goes wrong.</summary>
    public static IReadOnlyList<IChecker> Safety { get; } =
    [
        new AcknowledgedWrites(), new DenseLog(), new OnceOnly(), new Linearizability(), new Epochs(), new Replays(), new Chunks(), new Spans(), new Tenants(), new Access(), new Streams(), new Answers(), new Offsets(), new Bounds(),
    ];

    /// <summary>What must hold once nothing goes wrong any more.</summary>
    public static IReadOnlyList<IChecker> Liveness { get; } = [new Liveness()];

    public static IReadOnlyList<Violation> Check(Run run) => [.. Safety.Concat(Liveness).SelectMany(checker => Check(checker, run))];

    /// <summary>A history that cannot even be read is a violation as well.</summary>
    private static List<Violation> Check(IChecker checker, Run run)
    {
        var violations = new List<Violation>();
        try
        {
            foreach (var violation in checker.Check(run))
            {
                violations.Add(violation);
            }
        }
        catch (Exception e)
        {
            violations.Add(new Violation(checker.Name, "", $"The history makes no sense to the checker: {e}"));
        }

        return violations;
    }
}
