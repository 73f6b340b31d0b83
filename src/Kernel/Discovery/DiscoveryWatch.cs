using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Discovery;

/// <summary>A place where a node should be, and no member is.</summary>
/// <param name="Problem">Who is there instead, or why nobody is reached.</param>
public sealed record Stray(string Address, string Problem);

/// <summary>
/// Compares where nodes should be with the members that the store knows. A node that answers and is no member runs on
/// another store: two clusters that hold each other for one. A place that does not answer is a node that did not start.
/// </summary>
/// <remarks>It decides nothing; it tells people, once for each change.</remarks>
public sealed class DiscoveryWatch : IAsyncDisposable
{
    /// <summary>Of one look; a list or a DNS zone can be any length.</summary>
    private const int MaxCandidates = 1_000;

    private readonly IDiscovery _discovery;
    private readonly StoreDiscovery _members;
    private readonly Func<string, CancellationToken, ValueTask<NodeIncarnation>> _identify;
    private readonly TimeSpan _interval;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Dictionary<string, string> _told = new(StringComparer.Ordinal);
    private readonly Task _running;
    private string? _failure;

    /// <param name="identify">Who is at an address: <see cref="TcpTransport.IdentifyAsync"/>.</param>
    public DiscoveryWatch(
        IDiscovery discovery,
        IClusterStore store,
        Func<string, CancellationToken, ValueTask<NodeIncarnation>> identify,
        TimeSpan interval,
        IRuntime runtime,
        ILogger<DiscoveryWatch> log)
    {
        (_discovery, _members, _identify, _interval, _time, _log) = (discovery, new StoreDiscovery(store), identify, interval, runtime.Time, log);
        _running = runtime.Run(RunAsync);
    }

    /// <summary>As of the last look, in the order of their addresses.</summary>
    public IReadOnlyList<Stray> Strays { get; private set; } = [];

    public async ValueTask DisposeAsync()
    {
        _stopping.Cancel();
        await _running;
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                // First a while for the others, who start at the same time.
                await Task.Delay(_interval, _time, _stopping.Token);
                try
                {
                    Tell(await LookAsync());
                    _failure = null;
                }
                catch (DiscoveryException e)
                {
                    if (_failure != e.Message)
                    {
                        _failure = e.Message;
                        DiscoveryLog.Failed(_log, _discovery.Source, e.Message);
                    }
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    private async Task<List<Stray>> LookAsync()
    {
        var candidates = await _discovery.FindAsync(_stopping.Token);
        var members = await _members.FindAsync(_stopping.Token);
        var strays = new List<Stray>();
        foreach (var (address, _) in candidates.Take(MaxCandidates))
        {
            if (members.Any(member => member.Address == address))
            {
                continue;
            }

            try
            {
                var node = await _identify(address, _stopping.Token);
                if (!members.Any(member => member.Node == node))
                {
                    strays.Add(new Stray(address, $"{node} is there and belongs to this cluster, but the store knows no such member: does it use another database?"));
                }
            }
            catch (PeerUnreachableException e)
            {
                strays.Add(new Stray(address, e.Message));
            }
        }

        return strays;
    }

    private void Tell(List<Stray> strays)
    {
        foreach (var stray in strays)
        {
            if (_told.GetValueOrDefault(stray.Address) != stray.Problem)
            {
                DiscoveryLog.Stray(_log, stray.Address, _discovery.Source, stray.Problem);
            }
        }

        foreach (var address in _told.Keys.Except(strays.Select(stray => stray.Address)).Order(StringComparer.Ordinal).ToArray())
        {
            DiscoveryLog.Settled(_log, address);
        }

        _told.Clear();
        foreach (var stray in strays)
        {
            _told[stray.Address] = stray.Problem;
        }

        Strays = strays;
    }
}
