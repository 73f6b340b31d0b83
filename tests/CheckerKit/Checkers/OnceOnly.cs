namespace RagCluster.CheckerKit.Checkers;

/// <summary>I3: a command takes effect at most once, however often it is sent.</summary>
public sealed class OnceOnly : IChecker
{
    public string Name => "C2-once";

    public string Promise => "A command id stands at most once in an entity's log, and so does what can be asked only once.";

    public IEnumerable<Violation> Check(Run run)
    {
        foreach (var twice in run.Log.Where(record => record.CommandId is not null).GroupBy(record => (record.Type, record.Entity, record.CommandId)).Where(group => group.Count() > 1))
        {
            yield return new Violation(Name, twice.Key.Entity, $"The command {twice.Key.CommandId} took effect at {string.Join(", ", twice.Select(record => record.Seq))}.");
        }

        var effects = run.Log.ToLookup(record => ((record.Type, record.Entity), Markers.Of(record.Event)));
        foreach (var operation in run.Operations.Where(operation => operation.Once))
        {
            if (effects[(operation.Entity, operation.Marker)].Skip(1).Any())
            {
                yield return new Violation(
                    Name, operation.Entity.Id, $"\"{operation.Marker}\" took effect at {string.Join(", ", effects[(operation.Entity, operation.Marker)].Select(record => record.Seq))}.");
            }
        }
    }
}
