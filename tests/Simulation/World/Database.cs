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
    private readonly LinkedList<Statement> _underWay = [];
    private readonly HashSet<string> _cut = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Shard, long Seq), (TimeSpan At, NodeIncarnation? Writer)> _commits = [];

    public Database(SimulatedRuntime world)
    {
        _world = world;
        Store = new InMemoryShardStore(world.Time, new StoreFaults { AtOnce = true });
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

    public int CallsUnderWay => _underWay.Count;

    public long Calls { get; private set; }

    public long CallsLost { get; private set; }

    private long Started { get; }

    public TimeSpan Now => _world.Time.GetElapsedTime(Started);

    /// <param name="isLater">The node is of a later release, and writes as that does.</param>
    public DatabaseClient Connect(SimulatedNode node, string machine, bool isLater = false) => new(this, node, machine, isLater);

    public void Cut(string machine) => _cut.Add(machine);

    public void Heal(string machine) => _cut.Remove(machine);

    /// <summary>Every connection breaks; what was sent and has not begun never does. Refuses new ones until it is up again.</summary>
    public void GoDown()
    {
        IsDown = true;
        foreach (var statement in _underWay.ToArray())
        {
            statement.Break();
        }

        _underWay.Clear();
    }

    public void ComeUp() => IsDown = false;

    public (TimeSpan At, NodeIncarnation? Writer)? CommitOf(int shard, long seq) => _commits.TryGetValue((shard, seq), out var commit) ? commit : null;

    internal bool Reaches(string machine) => !_cut.Contains(machine);

    internal TimeSpan Delay() =>
        Slowness > 0 && _world.Random.NextDouble() < Slowness
            ? TimeSpan.FromMilliseconds(_world.Random.Next(20, 5000))
            : TimeSpan.FromMicroseconds(_world.Random.Next(100, 1500));

    /// <summary>Carries a statement there and its answer back.</summary>
    internal void Carry<T>(string machine, Func<ValueTask<T>> work, TaskCompletionSource<T> done)
    {
        Calls++;
        if (!Reaches(machine) || (Loss > 0 && _world.Random.NextDouble() < Loss))
        {
            CallsLost++;
            return;
        }

        var statement = new Statement<T>(this, machine, work, done);
        statement.Place = _underWay.AddLast(statement);
        statement.Send();
    }

    /// <summary>After the time that a packet and a statement take now.</summary>
    internal void After(TimerCallback callback, Statement statement) => _world.Time.CreateTimer(callback, statement, Delay(), Timeout.InfiniteTimeSpan);

    /// <summary>Whether the answer that is on its way arrives.</summary>
    internal bool Answers(string machine) => Reaches(machine) && !(LostAnswers > 0 && _world.Random.NextDouble() < LostAnswers);

    internal void Lost(Statement statement)
    {
        CallsLost++;
        Ended(statement);
    }

    internal void Ended(Statement statement)
    {
        if (statement.Place is { List: not null } place)
        {
            _underWay.Remove(place);
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
