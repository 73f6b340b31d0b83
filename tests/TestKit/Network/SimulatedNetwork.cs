using RagCluster.Kernel;

namespace RagCluster.TestKit;

/// <summary>
/// A network in one process and in virtual time: endpoints at addresses, links between them, and faults that can be
/// switched while it runs. What it does follows from the seed of the runtime. Call it on the runtime's thread, or while
/// nothing runs.
/// </summary>
/// <remarks>
/// <para>A link is a TCP connection with heartbeats: in order, at most once; packets that cannot pass wait for the path to heal,
/// and the link is lost when an end has had no sign of the other for the detection time. What was queued or on the way
/// is then gone. A one-way cut from A to B stops new links both ways; of the links that stand, B's messages to A still
/// arrive until B misses the answers to its heartbeats.</para>
/// <para>The database is no endpoint: cut a node from it where the store is simulated.</para>
/// </remarks>
public sealed class SimulatedNetwork
{
    private readonly SimulatedRuntime _runtime;
    private readonly SortedDictionary<string, SimulatedTransport> _endpoints = new(StringComparer.Ordinal);
    private readonly HashSet<(string From, string To)> _cuts = [];
    private readonly HashSet<string> _isolated = [];
    private readonly Dictionary<(string From, string To), Weather> _weather = [];
    private readonly List<SimulatedLink> _links = [];

    public SimulatedNetwork(SimulatedRuntime runtime, NetworkOptions? options = null)
    {
        _runtime = runtime;
        Options = options ?? new NetworkOptions();
        Random = new Random(unchecked((runtime.Seed * 397) ^ 0x6E6574));
    }

    public NetworkOptions Options { get; }

    /// <summary>For pairs without weather of their own, from now on.</summary>
    public Weather Weather
    {
        get => field ??= Options.Weather;
        set;
    }

    /// <summary>Told of what happens to links (never of single messages), for timelines.</summary>
    public Action<string>? Happened { get; set; }

    public long MessagesDelivered { get; internal set; }

    public long LinksMade { get; internal set; }

    public long LinksLost { get; internal set; }

    /// <summary>Messages that were taken by a send and never reached a handler.</summary>
    public long MessagesLost { get; internal set; }

    internal Random Random { get; }

    internal TimeProvider Time => _runtime.Time;

    /// <summary>The transport of one node, to be started by it.</summary>
    /// <param name="address">"host:port". Free, or its last endpoint was closed or killed.</param>
    /// <param name="node">Where the node's code runs; null: the network's runtime.</param>
    /// <param name="release">Null: the present one.</param>
    public SimulatedTransport CreateEndpoint(string address, IRuntime? node = null, WireRelease? release = null) =>
        new(this, address, node ?? _runtime, release ?? WireRelease.Present);

    /// <summary>No packet passes between the two, either way, until <see cref="Heal"/>.</summary>
    public void Cut(string a, string b)
    {
        _cuts.Add((a, b));
        _cuts.Add((b, a));
        PathsChanged($"cut {a} <-> {b}");
    }

    public void CutOneWay(string from, string to)
    {
        _cuts.Add((from, to));
        PathsChanged($"cut {from} -> {to}");
    }

    /// <summary>Cuts one address from all others, also from those that come later.</summary>
    public void Isolate(string address)
    {
        _isolated.Add(address);
        PathsChanged($"isolated {address}");
    }

    /// <summary>Cuts every address of one group from every address of the other, both ways.</summary>
    public void Partition(IReadOnlyCollection<string> left, IReadOnlyCollection<string> right)
    {
        foreach (var a in left)
        {
            foreach (var b in right)
            {
                _cuts.Add((a, b));
                _cuts.Add((b, a));
            }
        }

        PathsChanged($"partitioned {string.Join(',', left)} | {string.Join(',', right)}");
    }

    public void Heal(string a, string b)
    {
        _cuts.Remove((a, b));
        _cuts.Remove((b, a));
        PathsChanged($"healed {a} <-> {b}");
    }

    /// <summary>Takes back every cut and isolation. Weather and pauses stay.</summary>
    public void HealAll()
    {
        _cuts.Clear();
        _isolated.Clear();
        PathsChanged("healed all");
    }

    /// <summary>From now on, one way.</summary>
    public void SetWeather(string from, string to, Weather weather) => _weather[(from, to)] = weather;

    public void ClearWeather() => _weather.Clear();

    /// <summary>
    /// The node's process stands still (SIGSTOP) as far as the network can tell: it takes nothing in, sends nothing and
    /// answers no heartbeat; what arrives waits for it. Its own code must be stopped by whoever runs it.
    /// </summary>
    public void Pause(string address)
    {
        if (_endpoints.TryGetValue(address, out var endpoint))
        {
            endpoint.Pause();
            PathsChanged($"paused {address}");
        }
    }

    public void Resume(string address)
    {
        if (_endpoints.TryGetValue(address, out var endpoint))
        {
            endpoint.Resume();
            PathsChanged($"resumed {address}");
        }
    }

    /// <summary>The process is gone; its handler hears nothing more. The address is free again.</summary>
    /// <param name="silently">The machine is gone as well, so that no reset tells the peers.</param>
    public void Kill(string address, bool silently = false)
    {
        if (_endpoints.Remove(address, out var endpoint))
        {
            Happened?.Invoke($"killed {address}{(silently ? " silently" : "")}");
            endpoint.Die();
            foreach (var link in LinksOf(endpoint))
            {
                link.Vanish(endpoint, silently);
            }

            PathsChanged(null);
        }
    }

    /// <summary>Resets the links between the two, both ways, as a firewall that forgot its state does. New ones can be made at once.</summary>
    public void ResetLinks(string a, string b)
    {
        foreach (var link in _links.Where(link => (link.From.Address == a && link.To.Address == b) || (link.From.Address == b && link.To.Address == a)).ToArray())
        {
            link.LoseAtSender(new IOException($"The link between {a} and {b} was reset."));
            link.LoseAtReceiver(new IOException($"The link between {a} and {b} was reset."));
        }
    }

    /// <summary>The same for all links of a node.</summary>
    public void ResetLinks(string address)
    {
        foreach (var other in _links.Where(link => link.From.Address == address || link.To.Address == address)
            .Select(link => link.From.Address == address ? link.To.Address : link.From.Address).Distinct().ToArray())
        {
            ResetLinks(address, other);
        }
    }

    internal bool Passes(string from, string to) =>
        !_cuts.Contains((from, to)) && !_isolated.Contains(from) && !_isolated.Contains(to);

    internal Weather WeatherFrom(string from, string to) => _weather.GetValueOrDefault((from, to)) ?? Weather;

    internal TimeSpan DelayFrom(string from, string to)
    {
        var weather = WeatherFrom(from, to);
        return weather.LeastDelay + ((weather.GreatestDelay - weather.LeastDelay) * Random.NextDouble());
    }

    internal SimulatedTransport? At(string address) => _endpoints.GetValueOrDefault(address);

    internal bool TryListen(SimulatedTransport endpoint) => _endpoints.TryAdd(endpoint.Address, endpoint);

    internal void Remove(SimulatedTransport endpoint)
    {
        if (_endpoints.GetValueOrDefault(endpoint.Address) == endpoint)
        {
            _endpoints.Remove(endpoint.Address);
        }
    }

    internal void Add(SimulatedLink link)
    {
        LinksMade++;
        _links.Add(link);
        Happened?.Invoke($"link {link} up");
    }

    internal void Remove(SimulatedLink link) => _links.Remove(link);

    internal SimulatedLink[] LinksOf(SimulatedTransport endpoint) => [.. _links.Where(link => link.From == endpoint || link.To == endpoint)];

    internal ITimer After(TimeSpan delay, Action action) =>
        Time.CreateTimer(static state => ((Action)state!)(), action, delay, Timeout.InfiniteTimeSpan);

    private void PathsChanged(string? what)
    {
        if (what is not null)
        {
            Happened?.Invoke(what);
        }

        foreach (var link in _links.ToArray())
        {
            link.PathChanged();
        }
    }
}
