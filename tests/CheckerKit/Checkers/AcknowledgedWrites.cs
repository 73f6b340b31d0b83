namespace RagCluster.CheckerKit.Checkers;

/// <summary>C1: what was acknowledged is in the log, and what certainly failed is not.</summary>
public sealed class AcknowledgedWrites : IChecker
{
    public string Name => "C1";

    public string Promise => "An acknowledged write is in the log; one that was refused, or said to have no effect, is not.";

    public IEnumerable<Violation> Check(Run run)
    {
        var found = run.Log
            .Where(record => Markers.Of(record.Event) is not null)
            .ToLookup(record => ((record.Type, record.Entity), Markers.Of(record.Event)!));
        foreach (var operation in run.Operations)
        {
            var records = found[(operation.Entity, operation.Marker)];
            switch (operation.Outcome)
            {
                case Outcome.Acknowledged when !operation.Unchanged && !records.Any():
                    yield return Broken(operation, $"was acknowledged (at {operation.Seq}) and is not in the log.");
                    break;
                case Outcome.Acknowledged when !operation.Unchanged && operation.Once && records.All(record => record.Seq > operation.Seq):
                    yield return Broken(operation, $"was acknowledged as of {operation.Seq}, and stands in the log only at {records.First().Seq}.");
                    break;
                case Outcome.NoEffect when records.Any():
                    yield return Broken(operation, $"was said to have no effect, and is in the log at {records.First().Seq}.");
                    break;
            }
        }
    }

    private Violation Broken(Operation operation, string detail) => new(Name, operation.Entity.Id, $"\"{operation.Marker}\" of {operation.Client} {detail}");
}
