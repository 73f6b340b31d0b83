using RagCluster.Simulation.World;
using RagCluster.TestKit;

namespace RagCluster.Simulation.Faults;

/// <summary>Makes things go wrong as the plan says, until it is told to heal.</summary>
internal sealed class Nemesis(Cluster cluster)
{
    private readonly List<Task> _under = [];
    private bool _healing;

    /// <summary>How many faults of each kind were made.</summary>
    public SortedDictionary<Fault, int> Made { get; } = [];

    private Random Random => cluster.Random;

    public void Start()
    {
        foreach (var (kind, mean) in cluster.Plan.Faults)
        {
            _under.Add(LoopAsync(kind, mean));
        }
    }

    /// <summary>Takes everything back and starts what does not run. Completes when no fault is under way.</summary>
    public async Task HealAsync()
    {
        _healing = true;
        Tell($"everything heals");
        HealNow();
        foreach (var loop in _under)
        {
            await loop;
        }

        HealNow();
        await cluster.Membership.HealAsync();
    }

    private void HealNow()
    {
        cluster.Network.HealAll();
        cluster.Network.ClearWeather();
        cluster.Network.Weather = Weather.Fair;
        foreach (var machine in cluster.Machines)
        {
            cluster.Database.Heal(machine.Name);
            if (machine.IsPaused)
            {
                machine.Resume();
            }
        }

        cluster.Database.ComeUp();
        (cluster.Database.Loss, cluster.Database.LostAnswers, cluster.Database.Slowness) = (0, 0, 0);
        (cluster.Blobs.Delay, cluster.Blobs.Fault) = (null, null);
        cluster.InferenceFaults = 0;
    }

    private async Task LoopAsync(Fault kind, TimeSpan mean)
    {
        while (true)
        {
            await WaitAsync(cluster.Exponential(mean));
            if (_healing)
            {
                return;
            }

            await MakeAsync(kind);
        }
    }

    /// <summary>Ends early when everything is to heal.</summary>
    private async Task WaitAsync(TimeSpan time)
    {
        for (var end = cluster.Now + time; !_healing && cluster.Now < end;)
        {
            // A delay of less than a millisecond is none.
            await cluster.Delay(TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling((end - cluster.Now).TotalMilliseconds), 1, 1000)));
        }
    }

    private async Task MakeAsync(Fault kind)
    {
        var machine = Any();
        if (machine is null && kind is not (Fault.DatabaseRestart or Fault.SlowDatabase or Fault.LostStatements or Fault.SlowDisk or Fault.FailingDisk or Fault.Inference or Fault.HandOff))
        {
            return;
        }

        Made[kind] = Made.GetValueOrDefault(kind) + 1;
        switch (kind)
        {
            case Fault.Crash:
            case Fault.PowerLoss:
                Tell($"{machine!.Name} {(kind == Fault.Crash ? "crashes" : "loses its power")}");
                machine.Kill(silently: kind == Fault.PowerLoss);
                await WaitAsync(Seconds(0.1, 8));
                await machine.StartAsync();
                break;
            case Fault.ShortPause:
            case Fault.LongPause:
                Tell($"{machine!.Name} stands still");
                var life = machine.Life;
                machine.Pause();
                await WaitAsync(kind == Fault.ShortPause ? Seconds(0.05, 1) : cluster.Plan.Lease * (1 + (Random.NextDouble() * 3)));
                if (machine.Life == life)
                {
                    Tell($"{machine.Name} goes on");
                    cluster.GoesOn?.Invoke(machine);
                    machine.Resume();
                }

                break;
            case Fault.Suspension:
                Tell($"{machine!.Name} is suspended");
                var sleeper = machine.Life;
                machine.Suspend();
                await WaitAsync(cluster.Plan.Lease * (1 + (Random.NextDouble() * 3)));
                if (machine.Life == sleeper)
                {
                    Tell($"{machine.Name} wakes");
                    cluster.GoesOn?.Invoke(machine);
                    machine.Resume();
                }

                break;
            case Fault.RollingRestart:
                await RollAsync();
                break;
            case Fault.HandOff:
                Tell($"a hand-off");
                await cluster.Membership.HandOffAsync();
                break;
            case Fault.Partition:
                var left = cluster.Machines.Where(_ => Random.Next(2) == 0).Select(m => m.Address).ToList();
                Tell($"a partition: {string.Join(' ', left)} alone");
                cluster.Network.Partition(left, [.. cluster.Machines.Select(m => m.Address).Except(left)]);
                await WaitAsync(Seconds(0.5, 12));
                cluster.Network.HealAll();
                Tell($"the partition heals");
                break;
            case Fault.OneWayCut:
                var other = cluster.Machines[Random.Next(cluster.Machines.Count)];
                Tell($"no packet from {machine!.Name} to {other.Name}");
                cluster.Network.CutOneWay(machine.Address, other.Address);
                await WaitAsync(Seconds(0.5, 12));
                cluster.Network.HealAll();
                break;
            case Fault.CutFromDatabase:
                Tell($"{machine!.Name} does not reach the database");
                cluster.Database.Cut(machine.Name);
                await WaitAsync(Seconds(0.5, 12));
                cluster.Database.Heal(machine.Name);
                Tell($"{machine.Name} reaches the database again");
                break;
            case Fault.FoulWeather:
                Tell($"foul weather between the nodes");
                cluster.Network.Weather = Weather.Foul with { Loss = Random.NextDouble() * 0.1 };
                await WaitAsync(Seconds(1, 15));
                cluster.Network.Weather = Weather.Fair;
                break;
            case Fault.LinkReset:
                var peer = cluster.Machines[Random.Next(cluster.Machines.Count)];
                Tell($"links between {machine!.Name} and {peer.Name} are reset");
                cluster.Network.ResetLinks(machine.Address, peer.Address);
                break;
            case Fault.DatabaseRestart:
                Tell($"the database goes down");
                cluster.Database.GoDown();
                await WaitAsync(Seconds(0.1, 6));
                cluster.Database.ComeUp();
                Tell($"the database is up");
                break;
            case Fault.SlowDatabase:
                cluster.Database.Slowness = Random.NextDouble();
                Tell($"{cluster.Database.Slowness:0%} of the statements are slow");
                await WaitAsync(Seconds(1, 12));
                cluster.Database.Slowness = 0;
                break;
            case Fault.LostStatements:
                (cluster.Database.Loss, cluster.Database.LostAnswers) = (Random.NextDouble() * 0.2, Random.NextDouble() * 0.3);
                Tell($"{cluster.Database.Loss:0%} of the statements and {cluster.Database.LostAnswers:0%} of their answers are lost");
                await WaitAsync(Seconds(1, 12));
                (cluster.Database.Loss, cluster.Database.LostAnswers) = (0, 0);
                break;
            case Fault.ClockJump:
                var error = TimeSpan.FromSeconds((Random.NextDouble() - 0.5) * 7200);
                Tell($"the clock of {machine!.Name} is wrong by {error.TotalSeconds:0} s");
                cluster.SetClock(machine, error);
                break;
            case Fault.SlowDisk:
                Tell($"the disk is slow");
                cluster.Blobs.Delay = () => Seconds(0, 3);
                await WaitAsync(Seconds(1, 10));
                cluster.Blobs.Delay = null;
                break;
            case Fault.FailingDisk:
                var rate = Random.NextDouble();
                Tell($"{rate:0%} of what is asked of the disk fails");
                cluster.Blobs.Fault = () => Random.NextDouble() < rate ? new IOException("The simulated disk failed.") : null;
                await WaitAsync(Seconds(1, 10));
                cluster.Blobs.Fault = null;
                break;
            case Fault.Inference:
                cluster.InferenceFaults = Random.NextDouble();
                Tell($"{cluster.InferenceFaults:0%} of the calls of models go wrong");
                await WaitAsync(Seconds(1, 20));
                cluster.InferenceFaults = 0;
                break;
            case Fault.DeclaredDead:
                Tell($"{machine!.Name} loses its power, and somebody knows");
                machine.Kill(silently: true);
                await DeclareDeadAsync(machine);
                await WaitAsync(Seconds(0.1, 8));
                await machine.StartAsync();
                break;
            case Fault.MistakenlyDead when !cluster.Plan.Embedded:
                cluster.Record.ReadsMayBeStale = true;
                await DeclareDeadAsync(machine!);
                break;
            case Fault.MistakenlyDead:
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "Nobody knows how to make this fault.");
        }
    }

    private async Task RollAsync()
    {
        foreach (var machine in cluster.Machines)
        {
            if (_healing)
            {
                return;
            }

            if (machine.IsUp && !machine.IsPaused)
            {
                Tell($"{machine.Name} is told to stop");
                await machine.StopAsync(TimeSpan.FromSeconds(10));
                await WaitAsync(Seconds(0.2, 2));
                await machine.StartAsync();
                await WaitAsync(Seconds(0.5, 2));
            }
        }
    }

    private async Task DeclareDeadAsync(Machine machine)
    {
        var members = await cluster.Database.Store.ListMembersAsync();
        var member = members.FirstOrDefault(row => row.Node.Node == machine.Name);
        if (member is not null)
        {
            Tell($"{member.Node} is declared dead");
            await cluster.Database.Store.DeclareDeadAsync(member.Node);
        }
    }

    private Machine? Any()
    {
        var up = cluster.Machines.Where(machine => machine is { Life: not null, IsPaused: false }).ToList();
        return up.Count == 0 ? null : up[Random.Next(up.Count)];
    }

    private TimeSpan Seconds(double least, double most) => TimeSpan.FromSeconds(least + (Random.NextDouble() * Random.NextDouble() * (most - least)));

    private void Tell(FormattableString what) => cluster.Tell("fault", what);
}
