using RagCluster.CastKit;
using RagCluster.CheckerKit;
using RagCluster.TestKit;

namespace RagCluster.Simulation.World;

/// <summary>Machines, the network between them, their database, their disks and their models, under one seed.</summary>
internal sealed class Cluster : IDisposable
{
    private readonly Dictionary<string, TimeSpan> _clockErrors = new(StringComparer.Ordinal);
    private readonly List<DirectoryInfo> _folders = [];

    public Cluster(Plan plan, Timeline timeline)
    {
        (Plan, Timeline) = (plan, timeline);
        World = new SimulatedRuntime(plan.Seed) { MaxStepsWithoutRest = 500_000 };
        Network = new SimulatedNetwork(World);
        Database = new Database(World) { Patience = plan.Patience };
        Blobs = new InMemoryBlobs(World.Time);
        Membership = plan.Embedded ? new Takeovers(this) : new Members(this);
        Machines = [.. Enumerable.Range(1, plan.Machines).Select(number => new Machine(this, $"n{number}"))];
        if (timeline.IsKept)
        {
            Network.Happened = what => timeline.AddText(Now, "network", what);
        }
    }

    public Plan Plan { get; }

    public Timeline Timeline { get; }

    public SimulatedRuntime World { get; }

    public SimulatedNetwork Network { get; }

    public Database Database { get; }

    public InMemoryBlobs Blobs { get; }

    public IMembership Membership { get; }

    public IReadOnlyList<Machine> Machines { get; }

    /// <summary>What clients did and saw.</summary>
    public Run Record { get; } = new();

    public TimeSpan Now => Database.Now;

    public Random Random => World.Random;

    /// <summary>The chance that a call of a model goes wrong.</summary>
    public double InferenceFaults { get; set; }

    /// <summary>Called when a machine that stood still is about to go on: whoever had turned to it meanwhile is answered first.</summary>
    public Action<Machine>? GoesOn { get; set; }

    public TimeSpan ClockErrorOf(string machine) => _clockErrors.GetValueOrDefault(machine);

    public void SetClock(Machine machine, TimeSpan error)
    {
        _clockErrors[machine.Name] = error;
        if (machine.Life is { } life)
        {
            life.Runtime.ClockError = error;
        }
    }

    public void Tell(string who, FormattableString what) => Timeline.Add(Now, who, what);

    public SimulatedInference InferenceOf(SimulatedNode node) => new(node)
    {
        Patience = TimeSpan.FromSeconds(8),
        Delay = () => TimeSpan.FromMilliseconds(Random.Next(2, 200)),
        WordsPerPiece = 4,
        ChatFault = DrawInferenceFault,
        EmbeddingFault = DrawInferenceFault,
    };

    /// <summary>Where a life keeps its index files: gone with it.</summary>
    public string FolderOf(string machine, NodeLife life)
    {
        if (!Plan.IndexFiles)
        {
            return "/nonexistent";
        }

        if (_folders.Count == 0)
        {
            _folders.Add(Directory.CreateDirectory(Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"ragcluster-simulation-{Guid.NewGuid():n}")));
        }

        return Path.Combine(_folders[0].FullName, $"{machine}-{life.Number}");
    }

    public TimeSpan Exponential(TimeSpan mean) => mean * Math.Min(-Math.Log(1 - Random.NextDouble()), 6);

    public Task Delay(TimeSpan time) => Task.Delay(time, World.Time);

    /// <summary>Waits for about so long, but not on when there is no more reason to.</summary>
    public async Task PauseAsync(TimeSpan mean, Func<bool> isOver)
    {
        for (var end = Now + Exponential(mean); Now < end && !isOver();)
        {
            // A delay of less than a millisecond is none.
            await Delay(TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling((end - Now).TotalMilliseconds), 1, 1000)));
        }
    }

    public void Dispose()
    {
        foreach (var machine in Machines)
        {
            machine.Kill();
        }

        foreach (var folder in _folders)
        {
            folder.Delete(recursive: true);
        }
    }

    private EndpointFault DrawInferenceFault() =>
        InferenceFaults > 0 && Random.NextDouble() < InferenceFaults ? (EndpointFault)Random.Next(Enum.GetValues<EndpointFault>().Length) : EndpointFault.None;
}
