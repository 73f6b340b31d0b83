namespace RagCluster.Simulation.World;

/// <summary>What can go wrong.</summary>
internal enum Fault
{
    /// <summary>A process dies and is started again.</summary>
    Crash,

    /// <summary>A machine dies without a word to its peers.</summary>
    PowerLoss,

    /// <summary>A process stands still for less than its lease.</summary>
    ShortPause,

    /// <summary>A process stands still for longer than its lease, and goes on as if nothing had been.</summary>
    LongPause,

    /// <summary>A machine is suspended for longer than its lease, and wakes as if no time had passed.</summary>
    Suspension,

    /// <summary>A node is drained and stopped, and comes back.</summary>
    RollingRestart,

    /// <summary>Shards are moved by hand, or another node takes them.</summary>
    HandOff,

    /// <summary>No packet between some nodes and the others.</summary>
    Partition,

    OneWayCut,

    /// <summary>A node reaches its peers and not the database.</summary>
    CutFromDatabase,

    /// <summary>Delay, loss, duplication and disorder between nodes.</summary>
    FoulWeather,

    LinkReset,

    DatabaseRestart,

    /// <summary>Statements take up to some seconds.</summary>
    SlowDatabase,

    /// <summary>Statements, or their answers, get lost.</summary>
    LostStatements,

    ClockJump,

    SlowDisk,

    FailingDisk,

    /// <summary>Endpoints hang, fail, break off, and talk garbage.</summary>
    Inference,

    /// <summary>A machine dies, and an operator who knows says so.</summary>
    DeclaredDead,

    /// <summary>An operator is mistaken, and declares a living node dead. Until it hears of it, it may answer reads with what was true before.</summary>
    MistakenlyDead,
}

/// <summary>
/// What one seed runs: how many machines, how much load, and which faults how often. Drawn so that seeds differ in kind
/// and not only in order (swarm testing): a fault that is always there hides what happens without it.
/// </summary>
internal sealed record Plan
{
    public required int Seed { get; init; }

    /// <summary>Nodes that know nothing of each other and take everything at their start, instead of a cluster.</summary>
    public required bool Embedded { get; init; }

    /// <summary>A long time with little load and few faults, as most of a cluster's life is.</summary>
    public required bool Quiet { get; init; }

    /// <summary>Processes start in the present release or in a later one, as during an upgrade that is not over, or is taken back.</summary>
    public required bool Upgrades { get; init; }

    /// <summary>The first release has left a journal with work that it had not finished.</summary>
    public required bool FormerJournal { get; init; }

    public required int Machines { get; init; }

    /// <summary>For so long things go wrong; then all is healed, and must come to rest.</summary>
    public required TimeSpan Troubled { get; init; }

    /// <summary>The mean time between two of a kind.</summary>
    public required IReadOnlyDictionary<Fault, TimeSpan> Faults { get; init; }

    public required int Tenants { get; init; }

    /// <summary>Of each tenant.</summary>
    public required int Conversations { get; init; }

    public required int Documents { get; init; }

    public required int Searchers { get; init; }

    /// <summary>The mean pause of a client between two requests.</summary>
    public required TimeSpan Think { get; init; }

    /// <summary>How long a node waits for a statement.</summary>
    public required TimeSpan Patience { get; init; }

    public required int Shards { get; init; }

    public required int PartitionsPerTenant { get; init; }

    public required int SnapshotEvery { get; init; }

    public required TimeSpan PassivateAfter { get; init; }

    public required int RecentEvents { get; init; }

    /// <summary>Whether nodes keep lists in SQLite; they cost more time than all else.</summary>
    public required bool Catalog { get; init; }

    /// <summary>Whether partitions take snapshots, which are files on a real disk.</summary>
    public required bool IndexFiles { get; init; }

    public required TimeSpan Lease { get; init; }

    public static Plan Draw(int seed)
    {
        var random = new Random(unchecked((seed * 16777619) ^ 0x5EED));
        var kinds = Enum.GetValues<Fault>();
        var amount = random.Next(6);
        var faults = new SortedDictionary<Fault, TimeSpan>();
        if (amount > 0)
        {
            foreach (var kind in kinds.OrderBy(_ => random.Next()).Take(1 + random.Next(amount * 2)))
            {
                faults[kind] = TimeSpan.FromSeconds(4 + (random.NextDouble() * random.NextDouble() * 40));
            }
        }

        // Without leases and regions in front of them, the journal's own fences are all there is; and busy clients are met
        // by faults in mid-command.
        var embedded = random.Next(6) == 0;
        var busy = random.Next(6) == 0;
        if (embedded)
        {
            faults[Fault.HandOff] = TimeSpan.FromSeconds(random.Next(2, 8));
            faults[Pick(random, Fault.SlowDatabase, Fault.LostStatements, Fault.DatabaseRestart)] = TimeSpan.FromSeconds(random.Next(2, 8));
        }

        var quiet = !busy && !embedded && random.Next(8) == 0;
        if (quiet)
        {
            foreach (var kind in faults.Keys.ToArray())
            {
                faults[kind] *= 10;
            }
        }

        return new Plan
        {
            Seed = seed,
            Embedded = embedded,
            Quiet = quiet,
            Upgrades = random.Next(4) == 0,
            FormerJournal = random.Next(6) == 0,
            Machines = embedded ? 3 : Pick(random, 1, 2, 2, 3, 3, 3, 5),
            Troubled = TimeSpan.FromSeconds(busy ? random.Next(6, 18) : quiet ? random.Next(300, 900) : random.Next(20, 120)),
            Faults = faults,
            Tenants = random.Next(1, 3),
            Conversations = random.Next(1, 4),
            Documents = random.Next(1, 5),
            Searchers = random.Next(1, 3),
            Think = TimeSpan.FromMilliseconds(busy ? Pick(random, 50, 200) : quiet ? random.Next(15_000, 40_000) : Pick(random, 1500, 4000, 8000, 20_000)),
            Patience = TimeSpan.FromMilliseconds(Pick(random, 800, 2000, 4000)),
            Shards = Pick(random, 1, 2, 4),
            PartitionsPerTenant = Pick(random, 1, 1, 2),
            SnapshotEvery = Pick(random, 0, 3, 7, 20),
            PassivateAfter = TimeSpan.FromMilliseconds(Pick(random, 300, 2000, 60_000)),
            RecentEvents = Pick(random, 0, 2, 16),
            Catalog = random.Next(16) == 0,
            IndexFiles = random.Next(12) == 0,
            Lease = TimeSpan.FromSeconds(Pick(random, 2, 5)),
        };
    }

    public override string ToString() =>
        $"{Machines} machines{(Embedded ? " that are embedded" : "")}{(Quiet ? " on quiet days" : "")}{(Upgrades ? ", of two releases" : "")}{(FormerJournal ? ", with a journal of the first release" : "")}, {Tenants} tenants with {Conversations} conversations, {Documents} documents, {Searchers} searchers, a request every {Think.TotalSeconds:0.0} s; "
        + $"{Shards} shards, {PartitionsPerTenant} partitions, snapshots every {SnapshotEvery}, passivation after {PassivateAfter.TotalSeconds:0.0} s, {RecentEvents} recent events, lease {Lease.TotalSeconds:0} s; "
        + $"{Troubled.TotalSeconds:0} s of {(Faults.Count == 0 ? "no faults" : string.Join(", ", Faults.Select(fault => $"{fault.Key} every {fault.Value.TotalSeconds:0} s")))}";

    private static T Pick<T>(Random random, params T[] values) => values[random.Next(values.Length)];
}
