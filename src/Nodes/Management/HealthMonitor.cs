using System.Collections.Concurrent;

namespace RagCluster.Nodes.Management;

/// <summary>What a look at something found.</summary>
internal readonly record struct HealthState(HealthStatus Status, string? Detail = null)
{
    public static HealthState Up => new(HealthStatus.Up);
}

/// <summary>
/// Looks at what the node needs, once a second and beside everything else, so that a probe is answered at once whatever
/// hangs. What is down or saturated for a few looks makes the node not ready; nothing here makes it not alive, for a
/// restart would repair none of it.
/// </summary>
internal sealed class HealthMonitor
{
    /// <summary>Looks in a row before readiness is taken away: a pause of the database is not a reason to move all traffic.</summary>
    private const int Patience = 3;

    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_timeout = TimeSpan.FromSeconds(2);

    private readonly ConcurrentDictionary<string, Check> _checks = new(StringComparer.Ordinal);

    /// <summary>Null: nothing keeps the node from taking work.</summary>
    public string? NotReady
    {
        get
        {
            foreach (var (name, check) in _checks.OrderBy(entry => entry.Key, StringComparer.Ordinal))
            {
                if (check.Latest is { Status: HealthStatus.Down or HealthStatus.Saturated } state && check.InARow >= Patience)
                {
                    return $"{name} is {state.Status.ToString().ToLowerInvariant()}: {state.Detail}";
                }
            }

            return null;
        }
    }

    /// <summary>Begins to look at something.</summary>
    public void Add(string name, Func<CancellationToken, ValueTask<HealthState>> look) => _checks[name] = new Check(look);

    /// <param name="details">Whether the reader may know what is wrong with what.</param>
    public IReadOnlyList<CheckBody> Report(bool details) =>
    [
        .. _checks.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => new CheckBody(
            entry.Key, entry.Value.Latest.Status.ToString().ToLowerInvariant(), details ? entry.Value.Latest.Detail : null, entry.Value.Since)),
    ];

    public HealthStatus Worst => _checks.Values.Select(check => check.Latest.Status).DefaultIfEmpty(HealthStatus.Up).Max();

    public async Task RunAsync(TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await LookAsync(time, cancellationToken);
                await Task.Delay(s_every, time, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The node stops.
        }
    }

    /// <summary>Looks at everything once.</summary>
    internal Task LookAsync(TimeProvider time, CancellationToken cancellationToken) => Task.WhenAll(_checks.Values.Select(check => LookAsync(check, time, cancellationToken)));

    private static async Task LookAsync(Check check, TimeProvider time, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var timer = time.CreateTimer(_ => limit.Cancel(), null, s_timeout, Timeout.InfiniteTimeSpan);
        HealthState state;
        try
        {
            state = await check.Look(limit.Token).AsTask().WaitAsync(s_timeout, time, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            state = new HealthState(HealthStatus.Down, e is TimeoutException or OperationCanceledException ? $"no answer within {s_timeout.TotalSeconds:0} s" : e.Message);
        }

        check.Found(state, time.GetUtcNow());
    }

    private sealed class Check(Func<CancellationToken, ValueTask<HealthState>> look)
    {
        private readonly Lock _gate = new();
        private HealthState _latest;
        private DateTimeOffset? _since;
        private int _inARow;

        public Func<CancellationToken, ValueTask<HealthState>> Look => look;

        public HealthState Latest
        {
            get
            {
                lock (_gate)
                {
                    return _latest;
                }
            }
        }

        public DateTimeOffset? Since => _since;

        public int InARow => Volatile.Read(ref _inARow);

        public void Found(HealthState state, DateTimeOffset now)
        {
            lock (_gate)
            {
                if (_since is null || state.Status != _latest.Status)
                {
                    (_since, _inARow) = (now, 0);
                }

                _latest = state;
                _inARow++;
            }
        }
    }
}
