using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Cluster.Wire;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>Who hears of what the membership finds out. Called one at a time.</summary>
internal interface IMembershipObserver
{
    void Looked(MembershipView former, MembershipView view, IReadOnlyList<ShardRow> shards);

    /// <summary>This node is no member any more; called once.</summary>
    void Fenced(string reason);
}

/// <summary>
/// This node's membership: its row and lease, what it knows of the others, and the loops that keep both fresh.
/// </summary>
/// <remarks>
/// 1. Joining: the row is there, the transport listens, every member that is up must answer a probe (which proves both ways);
///    then the row says up.
/// 2. Renewing: every third of the lease. Without success for nine tenths of it, or when the store says no, the node stops
///    itself for good.
/// 3. Looking: the rows of shards, then of members. In this order an owner that is not among the members is gone; in the
///    other it could be one that has just come.
/// 4. Probing: who does not answer is suspected, and the rows are looked at more often; only the row decides.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "Its source has no timer and no handle.")]
internal sealed partial class Membership
{
    private static readonly TimeSpan LeastBetweenLooks = TimeSpan.FromMilliseconds(10);

    private readonly IClusterStore _store;
    private readonly ITransport _transport;
    private readonly IRuntime _runtime;
    private readonly ClusterOptions _options;
    private readonly ILogger _log;
    private readonly IMembershipObserver _observer;
    private readonly Pulse _look;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private volatile MembershipView _view = MembershipView.Empty;
    private volatile IReadOnlyList<ShardRow> _shards = [];
    private volatile IReadOnlyList<string> _hosts = [];
    private bool _fenced;
    private bool _expiring;
    private string _suspects = "";
    private long _suspectedAt;

    public Membership(IClusterStore store, ITransport transport, IRuntime runtime, ClusterOptions options, IMembershipObserver observer, ILogger log)
    {
        (_store, _transport, _runtime, _options, _observer, _log) = (store, transport, runtime, options, observer, log);
        _look = new Pulse(runtime.Time);
        Lease = new Lease(runtime.LeaseTime, options.Lease);
        Neighbours = new Neighbours(runtime.Time, options.SuspectAfter);
    }

    public NodeIncarnation Self { get; private set; }

    public Lease Lease { get; }

    public Neighbours Neighbours { get; }

    public MembershipView View => _view;

    /// <summary>As last read.</summary>
    public IReadOnlyList<ShardRow> Shards => _shards;

    /// <summary>The entity types that this node keeps, in ordinal order.</summary>
    public IReadOnlyList<string> Hosts => _hosts;

    /// <summary>Cancelled when this node has left or stopped itself.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Reads the rows soon.</summary>
    public void Look() => _look.Beat();

    public void Host(string entityType)
    {
        lock (_gate)
        {
            _hosts = [.. _hosts.Append(entityType).Order(StringComparer.Ordinal)];
        }

        Tell(look: false);
        Look();
    }

    /// <summary>Keeps nothing from now on; nobody is to place anything here.</summary>
    public void HostNothing()
    {
        lock (_gate)
        {
            _hosts = [];
        }

        Tell(look: true);
    }

    /// <summary>Tells the others how this node is.</summary>
    public void Tell(bool look)
    {
        foreach (var member in _view.Members.Where(member => member.Node != Self))
        {
            _transport.TrySend(member.Peer, Status(asks: false, answers: false, look));
        }
    }

    public void Heard(Peer from, StatusMessage status)
    {
        var news = Neighbours.Heard(from.Node, status.Hosts, status.Suspects, status.Answers);
        if (status.Asks)
        {
            _transport.TrySend(from, Status(asks: false, answers: true, look: false));
        }

        if (news || status.Look)
        {
            Look();
        }
    }

    public void LinkLost(Peer peer)
    {
        Neighbours.LinkLost(peer.Node);
        _transport.TrySend(peer, Status(asks: true, answers: false, look: false));
        Look();
    }

    /// <summary>False if the store could not be told; the lease ends by itself.</summary>
    public async Task<bool> ChangeStateAsync(NodeState state)
    {
        try
        {
            return await _store.ChangeStateAsync(Self, state);
        }
        catch (StoreException e)
        {
            EntityLog.NodeStateNotSaved(_log, e, state);
            return false;
        }
        finally
        {
            Look();
            Tell(look: true);
        }
    }

    /// <summary>The end, in good order: the row says left, and nothing runs any more.</summary>
    public async Task LeaveAsync()
    {
        _stopping.Cancel();
        await ChangeStateAsync(NodeState.Left);
        Lease.End("The node has left.");
    }

    private async Task RenewAsync()
    {
        var wait = _options.Lease / 3;
        while (await PauseAsync(wait))
        {
            var sent = Lease.Now;
            try
            {
                if (await _store.RenewAsync(Self, _options.Lease))
                {
                    Lease.Renewed(sent);
                    wait = _options.Lease / 3;
                }
                else if (!_stopping.IsCancellationRequested)
                {
                    Fence($"Node {Self} is no member any more: its lease ran out, or somebody declared it dead.");
                }
            }
            catch (StoreException e)
            {
                ClusterLog.NotRenewed(_log, e, Self, Lease.Left);
                wait = _options.Lease / 12;
            }
        }
    }

    private async Task WatchAsync()
    {
        while (await PauseAsync(Least(Lease.Left + TimeSpan.FromMilliseconds(1), _options.Lease / 4)))
        {
            if (!Lease.IsValid)
            {
                Fence($"Node {Self} could not renew its lease for {_options.Lease}: the store did not answer, or the process or its machine stood still.");
            }
        }
    }

    private void Fence(string reason)
    {
        lock (_gate)
        {
            if (_fenced || _stopping.IsCancellationRequested)
            {
                return;
            }

            _fenced = true;
        }

        Lease.End(reason);
        ClusterLog.Fenced(_log, Self, reason);
        ClusterMetrics.Fenced.Add(1);
        _stopping.Cancel();
        _observer.Fenced(reason);
    }

    private async Task LookAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            var seen = _look.Version;
            try
            {
                await LookOnceAsync();
            }
            catch (StoreException e)
            {
                ClusterLog.NotLooked(_log, e);
            }

            try
            {
                await _look.WaitAsync(seen, MustLookClosely() ? _options.PollSuspectEvery : Jitter(_options.PollEvery), _stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await PauseAsync(LeastBetweenLooks);
        }
    }

    /// <summary>While a lease may be about to end. A suspect that still renews after some leases lives, and is only out of reach.</summary>
    private bool MustLookClosely()
    {
        var suspects = string.Join(',', Suspects());
        if (suspects != _suspects)
        {
            (_suspects, _suspectedAt) = (suspects, _runtime.Time.GetTimestamp());
        }

        return _expiring || (suspects.Length > 0 && _runtime.Time.GetElapsedTime(_suspectedAt) < _options.Lease * 3);
    }

    private IEnumerable<NodeIncarnation> Suspects() =>
        _view.Members.Where(member => member.Node != Self && Neighbours.IsSuspect(member.Node)).Select(member => member.Node);

    private async Task LookOnceAsync()
    {
        if (_expiring || Suspects().Any())
        {
            foreach (var dead in await _store.BuryAsync())
            {
                ClusterLog.Buried(_log, dead);
                Tell(look: true);
            }
        }

        var shards = await _store.ListShardsAsync();
        var rows = await _store.ListMembersAsync();
        _expiring = rows.Any(row => row.Expired != (row.State == NodeState.Dead));
        var (former, view) = (_view, MembershipView.From(rows));
        if (!view.IsAlive(Self))
        {
            if (!_stopping.IsCancellationRequested)
            {
                Fence($"Node {Self} is no member any more: the store says that it is dead.");
            }

            return;
        }

        Neighbours.Follow(view);
        (_view, _shards) = (view, shards);
        foreach (var (member, change) in view.Since(former))
        {
            ClusterLog.MemberChanged(_log, member.Node, member.Peer.Address, change);
        }

        _observer.Looked(former, view, shards);
    }

    private async Task ProbeAsync()
    {
        do
        {
            foreach (var member in _view.Members.Where(member => member.Node != Self))
            {
                _transport.TrySend(member.Peer, Status(asks: true, answers: false, look: false));
            }
        }
        while (await PauseAsync(Jitter(_options.ProbeEvery)));
    }

    private StatusMessage Status(bool asks, bool answers, bool look) => new(
        asks, answers, look, _hosts, [.. Suspects()]);

    /// <summary>False: this node stops.</summary>
    private async Task<bool> PauseAsync(TimeSpan time)
    {
        try
        {
            await Task.Delay(time, _runtime.Time, _stopping.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private TimeSpan Jitter(TimeSpan time) => time * (0.8 + (_runtime.Random.NextDouble() * 0.4));

    private static TimeSpan Least(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
