using RagCluster.CheckerKit;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.TestKit;

namespace RagCluster.Simulation.World;

/// <summary>
/// The one database of a simulated cluster and the way to it. Statements run here, in the database's own time, whatever
/// becomes of who sent them meanwhile: they may arrive late, and their answers may not arrive at all.
/// </summary>
internal sealed class Database
{
    private readonly SimulatedRuntime _world;
    private readonly List<Action> _inFlight = [];
    private readonly HashSet<string> _cut = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Shard, long Seq), (TimeSpan At, NodeIncarnation? Writer)> _commits = [];

    public Database(SimulatedRuntime world)
    {
        _world = world;
        Store = new InMemoryShardStore(world.Time);
        Started = world.Time.GetTimestamp();
    }

    public InMemoryShardStore Store { get; }

    /// <summary>Every change of owner, as it was made.</summary>
    public List<OwnerChange> Owners { get; } = [];

    /// <summary>Called after each commit, with the shard.</summary>
    public Action<int>? Committed { get; set; }

    public bool IsDown { get; private set; }

    /// <summary>The chance that a request does not arrive; its sender waits until its patience ends.</summary>
    public double Loss { get; set; }

    /// <summary>The chance that a statement takes effect and its answer does not arrive.</summary>
    public double LostAnswers { get; set; }

    /// <summary>The chance that a statement takes up to some seconds.</summary>
    public double Slowness { get; set; }

    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(4);

    public int CallsUnderWay => _inFlight.Count;

    public long Calls { get; private set; }

    public long CallsLost { get; private set; }

    private long Started { get; }

    public TimeSpan Now => _world.Time.GetElapsedTime(Started);

    public DatabaseClient Connect(SimulatedNode node, string machine) => new(this, node, machine);

    public void Cut(string machine) => _cut.Add(machine);

    public void Heal(string machine) => _cut.Remove(machine);

    /// <summary>Every connection breaks; what was sent and has not begun never does. Refuses new ones until it is up again.</summary>
    public void GoDown()
    {
        IsDown = true;
        foreach (var broken in _inFlight.ToArray())
        {
            broken();
        }

        _inFlight.Clear();
    }

    public void ComeUp() => IsDown = false;

    public (TimeSpan At, NodeIncarnation? Writer)? CommitOf(int shard, long seq) => _commits.TryGetValue((shard, seq), out var commit) ? commit : null;

    internal bool Reaches(string machine) => !_cut.Contains(machine);

    internal TimeSpan Delay() =>
        Slowness > 0 && _world.Random.NextDouble() < Slowness
            ? TimeSpan.FromMilliseconds(_world.Random.Next(20, 5000))
            : TimeSpan.FromMicroseconds(_world.Random.Next(100, 1500));

    /// <summary>Carries a statement there and its answer back.</summary>
    internal void Carry<T>(string machine, Func<ValueTask<T>> statement, TaskCompletionSource<T> done)
    {
        Calls++;
        var broken = false;
        void Break()
        {
            broken = true;
            done.TrySetException(new ConnectionBrokenException());
        }

        if (!Reaches(machine) || (Loss > 0 && _world.Random.NextDouble() < Loss))
        {
            CallsLost++;
            return;
        }

        _inFlight.Add(Break);
        After(Delay(), async () =>
        {
            if (broken || !Reaches(machine))
            {
                CallsLost++;
                _inFlight.Remove(Break);
                return;
            }

            T answer;
            try
            {
                answer = await statement();
            }
            catch (Exception e)
            {
                _inFlight.Remove(Break);
                After(Delay(), () => Answer(() => done.TrySetException(e)));
                return;
            }

            After(Delay(), () =>
            {
                _inFlight.Remove(Break);
                return Answer(() => done.TrySetResult(answer));
            });
        });

        Task Answer(Action arrive)
        {
            if (Reaches(machine) && !(LostAnswers > 0 && _world.Random.NextDouble() < LostAnswers))
            {
                arrive();
            }
            else
            {
                CallsLost++;
            }

            return Task.CompletedTask;
        }
    }

    internal void Note(NodeIncarnation? writer, IReadOnlyList<ShardBatch> batches, IReadOnlyList<AppendResult> results)
    {
        for (var i = 0; i < batches.Count; i++)
        {
            if (results[i] != AppendResult.Committed)
            {
                continue;
            }

            for (var n = 0; n < batches[i].Events.Count; n++)
            {
                _commits[(batches[i].ShardId, batches[i].FirstShardSeq + n)] = (Now, writer);
            }

            Committed?.Invoke(batches[i].ShardId);
        }
    }

    internal void Note(int shard, long epoch, NodeIncarnation? owner) => Owners.Add(new OwnerChange(Now, shard, epoch, owner));

    private void After(TimeSpan delay, Func<Task> work) =>
        _world.Time.CreateTimer(static state => _ = ((Func<Task>)state!)(), work, delay, Timeout.InfiniteTimeSpan);
}

/// <summary>The connection is gone with a statement on it: whether it took effect is not known.</summary>
internal sealed class ConnectionBrokenException : Exception
{
    public ConnectionBrokenException()
        : base("The connection to the simulated database broke.")
    {
    }

    public ConnectionBrokenException(string message)
        : base(message)
    {
    }

    public ConnectionBrokenException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
