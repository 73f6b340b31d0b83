using RagCluster.Actors.Documents;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.CheckerKit;

/// <summary>
/// What became of one document, and which of its states a search could have seen. A state may show as soon as somebody
/// asked for it, and must as soon as that was acknowledged, or the log says that the index has it.
/// </summary>
internal sealed class DocumentCourse
{
    private readonly List<State> _states = [new State(false, RoleSet.Empty, 0, false, TimeSpan.MinValue, TimeSpan.MinValue)];

    private DocumentState _state = new();

    /// <param name="MayFrom">The earliest moment at which it could be seen.</param>
    /// <param name="MustFrom">From when on no earlier state may be seen; <see cref="TimeSpan.MaxValue"/> for never.</param>
    /// <param name="IsIndexed">The index is known to have this version.</param>
    internal sealed record State(bool Exists, RoleSet Readers, int Version, bool IsIndexed, TimeSpan MayFrom, TimeSpan MustFrom)
    {
        public int AccessRevision { get; init; }

        public bool IsReadableBy(Principal principal) => Exists && principal.Roles.MayRead(Readers);

        public override string ToString() => Exists ? $"version {Version} for [{Readers}]{(IsIndexed ? " indexed" : "")} ({Moment(MayFrom)} to {Moment(MustFrom)})" : "gone";

        private static string Moment(TimeSpan at) => at == TimeSpan.MinValue ? "ever" : at == TimeSpan.MaxValue ? "never" : at.ToString("c", null);
    }

    public static Dictionary<string, DocumentCourse> All(Run run)
    {
        var operations = run.Operations.Where(operation => operation.Entity.Type == "document").GroupBy(operation => (operation.Entity.Id, operation.Marker)).ToDictionary(group => group.Key, group => group.First());
        var courses = new Dictionary<string, DocumentCourse>(StringComparer.Ordinal);
        foreach (var record in run.Log.Where(record => record.Event is DocumentEvent))
        {
            if (!courses.TryGetValue(record.Entity, out var course))
            {
                courses.Add(record.Entity, course = new DocumentCourse());
            }

            var operation = Markers.Of(record.Event) is { } marker ? operations.GetValueOrDefault((record.Entity, marker)) : null;
            course.Apply(record, operation);
        }

        return courses;
    }

    /// <summary>The states that a search in this time could have seen.</summary>
    public IReadOnlyList<State> Between(TimeSpan from, TimeSpan to)
    {
        var first = _states.FindLastIndex(state => state.MustFrom < from);
        return [.. _states.Skip(Math.Max(first, 0)).Where((state, index) => index == 0 || state.MayFrom <= to)];
    }

    private void Apply(LogRecord record, Operation? operation)
    {
        var last = _states[^1];
        _state = Document.Evolve(_state, (DocumentEvent)record.Event);

        // Where nobody watched the database, only acknowledgements say from when on something must be seen.
        var committed = record.CommittedAt ?? TimeSpan.MaxValue;
        var may = operation?.InvokedAt ?? (record.CommittedAt ?? TimeSpan.MinValue);
        switch (record.Event)
        {
            case DocumentReceived e:
                // That it was received is acknowledged, not that it is searchable.
                Add(new State(true, e.Readers, e.Version, false, may, TimeSpan.MaxValue) { AccessRevision = e.AccessRevision });
                break;
            case DocumentProgressed { Reached: Indexed } e when e.Version == last.Version:
                // Readers that changed meanwhile need not have reached the index with it.
                Add(last with { IsIndexed = true, MustFrom = _state.AccessPending ? TimeSpan.MaxValue : committed });
                break;
            case AccessChanged e:
                Add(last with { Readers = e.Readers, AccessRevision = e.AccessRevision, MayFrom = may, MustFrom = AcknowledgedAt(operation) });
                break;
            case AccessApplied e:
                for (var i = 0; i < _states.Count; i++)
                {
                    if (_states[i].AccessRevision == e.AccessRevision && _states[i].MustFrom > committed)
                    {
                        _states[i] = _states[i] with { MustFrom = committed };
                    }
                }

                break;
            case RemovalRequested:
                Add(new State(false, RoleSet.Empty, last.Version, false, may, AcknowledgedAt(operation)));
                break;
            case DocumentRemoved when !last.Exists:
                _states[^1] = last with { MustFrom = last.MustFrom < committed ? last.MustFrom : committed };
                break;
        }
    }

    private static TimeSpan AcknowledgedAt(Operation? operation) =>
        operation is { Outcome: Outcome.Acknowledged, Unchanged: false, EndedAt: { } at } ? at : TimeSpan.MaxValue;

    private void Add(State state) => _states.Add(state);
}
