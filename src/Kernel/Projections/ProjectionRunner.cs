using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Projections;

/// <summary>
/// Brings the shards' logs to a projection. Commits of this process wake it at once; it also looks by itself, so that a
/// missed hint only costs time. A shard that fails waits and is tried again for ever; the others go on.
/// </summary>
public sealed class ProjectionRunner : IAsyncDisposable
{
    private readonly IProjection _projection;
    private readonly IShardStore _store;
    private readonly IRuntime _runtime;
    private readonly ProjectionOptions _options;
    private readonly ILogger _log;
    private readonly Follower[] _followers;
    private readonly Dictionary<int, Follower> _byShard;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Lock _gate = new();
    private readonly IDisposable _subscription;
    private readonly Task _following;
    private TaskCompletionSource _woken = NewPulse();
    private TaskCompletionSource _progress = NewPulse();
    private TaskCompletionSource _hurry = NewPulse();
    private int _awaited;

    private ProjectionRunner(
        IProjection projection, IShardStore store, IReadOnlyList<ShardRow> shards, CommitSignal commits, IRuntime runtime, ProjectionOptions options, ILogger log)
    {
        (_projection, _store, _runtime, _options, _log) = (projection, store, runtime, options, log);
        _followers = [.. shards.OrderBy(shard => shard.ShardId).Select(shard => new Follower(shard.ShardId, new Backoff(options.MinBackoff, options.MaxBackoff, runtime.Random)))];
        _byShard = _followers.ToDictionary(follower => follower.ShardId);
        _subscription = commits.Subscribe(Wake);
        _following = runtime.Run(FollowAsync);
    }

    /// <summary>Starts to follow all shards of a type.</summary>
    /// <param name="shards">As many as the type has.</param>
    /// <exception cref="StoreRefusedException">The type has another number of shards.</exception>
    public static async ValueTask<ProjectionRunner> StartAsync(
        IProjection projection,
        IShardStore store,
        string entityType,
        int shards,
        CommitSignal commits,
        IRuntime runtime,
        ILogger<ProjectionRunner> log,
        ProjectionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        var rows = await store.PrepareShardsAsync(entityType, shards, cancellationToken);
        return new ProjectionRunner(projection, store, rows, commits, runtime, options ?? new ProjectionOptions(), log);
    }

    /// <summary>Completes when the view knows everything that was durable at the time of the call.</summary>
    public async Task CaughtUpAsync(CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _awaited);
        Volatile.Read(ref _hurry).TrySetResult();
        try
        {
            await CatchUpAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _awaited);
        }
    }

    public async ValueTask<IReadOnlyList<ProjectionStatus>> DescribeAsync(CancellationToken cancellationToken = default)
    {
        var statuses = new List<ProjectionStatus>();
        foreach (var follower in _followers)
        {
            var last = await _store.LastShardSeqAsync(follower.ShardId, cancellationToken);
            var position = Math.Max(0, follower.Position);
            statuses.Add(new ProjectionStatus(_projection.Name, follower.ShardId, position, Math.Max(0, last - position), follower.Failure?.Message));
        }

        return statuses;
    }

    public async ValueTask DisposeAsync()
    {
        _subscription.Dispose();
        _stopping.Cancel();
        await _following;
        _stopping.Dispose();
    }

    private async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        foreach (var follower in _followers)
        {
            var last = await _store.LastShardSeqAsync(follower.ShardId, cancellationToken);
            if (last > follower.Position)
            {
                Wake(follower.ShardId);
            }

            while (true)
            {
                var progress = Volatile.Read(ref _progress);
                if (follower.Position >= last)
                {
                    break;
                }

                await progress.Task.OrCancelled(cancellationToken);
            }
        }
    }

    private async Task FollowAsync()
    {
        try
        {
            while (true)
            {
                var woken = Volatile.Read(ref _woken);
                foreach (var follower in _followers)
                {
                    if (follower.IsDue(_runtime.Time))
                    {
                        await FollowAsync(follower);
                    }
                }

                if (await WaitAsync(woken))
                {
                    await GatherAsync();
                }
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // As asked. The positions are the projection's own.
            return;
        }
    }

    private async Task FollowAsync(Follower follower)
    {
        follower.Begin();
        try
        {
            if (follower.Position < 0)
            {
                Advance(follower, await _projection.PositionAsync(follower.ShardId, _stopping.Token));
            }

            while (await _store.ReadShardAsync(follower.ShardId, follower.Position, _options.Page, _stopping.Token) is { Count: > 0 } page)
            {
                await _projection.ApplyAsync(follower.ShardId, page, _stopping.Token);
                Advance(follower, page[^1].ShardSeq);
            }

            follower.Succeeded();
        }
        catch (Exception e) when (!_stopping.IsCancellationRequested)
        {
            var wait = follower.Failed(e, _runtime.Time);
            EntityLog.ProjectionFailed(_log, e, _projection.Name, follower.ShardId, follower.Position, wait);
        }
    }

    private void Advance(Follower follower, long position)
    {
        follower.Advance(position);
        Interlocked.Exchange(ref _progress, NewPulse()).TrySetResult();
    }

    /// <summary>True if a commit ended the wait.</summary>
    private async Task<bool> WaitAsync(TaskCompletionSource woken)
    {
        var poll = _options.PollEvery * (1 + (_options.PollJitter * ((2 * _runtime.Random.NextDouble()) - 1)));
        var retry = poll;
        foreach (var follower in _followers)
        {
            retry = follower.UntilDue(_runtime.Time) is { } due && due < retry ? due : retry;
        }

        var polls = retry == poll;
        if (await woken.Task.OrCancelled(_stopping.Token).EndsWithin(retry, _runtime.Time))
        {
            return true;
        }

        if (polls)
        {
            Array.ForEach(_followers, follower => follower.Wake());
        }

        // Ends what this wait hung on the pulse; else a quiet night would leave thousands of them there.
        Pulse();
        return false;
    }

    private async Task GatherAsync()
    {
        var hurry = NewPulse();
        Interlocked.Exchange(ref _hurry, hurry);
        if (_options.GatherFor > TimeSpan.Zero && Volatile.Read(ref _awaited) == 0)
        {
            await hurry.Task.OrCancelled(_stopping.Token).EndsWithin(_options.GatherFor, _runtime.Time);
        }
    }

    private void Wake(int shardId)
    {
        if (_byShard.TryGetValue(shardId, out var follower))
        {
            follower.Wake();
            Pulse();
        }
    }

    private void Pulse()
    {
        lock (_gate)
        {
            _woken.TrySetResult();
            Volatile.Write(ref _woken, NewPulse());
        }
    }

    private static TaskCompletionSource NewPulse() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
