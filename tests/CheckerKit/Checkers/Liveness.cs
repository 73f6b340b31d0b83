namespace RagCluster.CheckerKit.Checkers;

/// <summary>C12 and I5: when the faults are over and time has passed, nothing hangs.</summary>
public sealed class Liveness : IChecker
{
    public string Name => "C12";

    public string Promise => "After the faults, every request ends, every question and document reaches an end, every stream arrives at the journal's end, and every shard has a live owner.";

    public IEnumerable<Violation> Check(Run run) =>
        run.Unfinished.Select(what => new Violation(Name, "", what))
            .Concat(run.Operations.Where(operation => operation.Outcome == Outcome.Pending).Select(operation => new Violation(Name, operation.Entity.Id, $"{operation} never ended.")));
}

/// <summary>C13 and I9: what is bounded stays below its bound.</summary>
public sealed class Bounds : IChecker
{
    public string Name => "C13";

    public string Promise => "Queues, tables and timers stay within their limits.";

    public IEnumerable<Violation> Check(Run run) =>
        run.Measures.Where(measure => measure.Value > measure.Limit).Select(measure => new Violation(Name, "", $"{measure.Name}: {measure.Value}, the limit is {measure.Limit}."));
}
