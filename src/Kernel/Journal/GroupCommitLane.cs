namespace RagCluster.Kernel.Journal;

/// <summary>
/// Carries the batches of many shards to the store in few statements: while one is under way, the next gathers.
/// Its queue is bounded by the number of shards, because a shard hands over one batch at a time.
/// </summary>
public sealed class GroupCommitLane(IShardStore store, IRuntime runtime, GroupCommitOptions options)
{
    private readonly Lock _gate = new();
    private readonly Queue<Waiting> _waiting = new();
    private bool _running;

    /// <summary>
    /// Completes once the batch is durable, or certainly or possibly not. The caller has no other batch of the same
    /// shard under way.
    /// </summary>
    /// <exception cref="StoreException">Nothing was written.</exception>
    public Task<AppendResult> AppendAsync(ShardBatch batch)
    {
        var waiting = new Waiting(batch);
        lock (_gate)
        {
            _waiting.Enqueue(waiting);
            if (_running)
            {
                return waiting.Task;
            }

            _running = true;
        }

        _ = runtime.Run(CarryAsync);
        return waiting.Task;
    }

    private async Task CarryAsync()
    {
        for (var load = Load(); load.Count > 0; load = Load())
        {
            await CommitAsync(load);
        }
    }

    private List<Waiting> Load()
    {
        var load = new List<Waiting>();
        lock (_gate)
        {
            while (load.Count < options.MaxShardsPerCommit && _waiting.TryDequeue(out var waiting))
            {
                load.Add(waiting);
            }

            _running = load.Count > 0;
        }

        return load;
    }

    private async Task CommitAsync(List<Waiting> load)
    {
        IReadOnlyList<AppendResult> results;
        try
        {
            results = await store.AppendAsync([.. load.Select(waiting => waiting.Batch)]);
        }
        catch (Exception e)
        {
            foreach (var waiting in load)
            {
                waiting.Fail(e);
            }

            return;
        }

        for (var i = 0; i < load.Count; i++)
        {
            if (results[i] == AppendResult.Conflict && load.Count > 1)
            {
                // Perhaps it only shared a statement with the one that conflicts.
                await CommitAsync([load[i]]);
            }
            else
            {
                load[i].Finish(results[i]);
            }
        }
    }

    private sealed class Waiting(ShardBatch batch)
    {
        private readonly TaskCompletionSource<AppendResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ShardBatch Batch => batch;

        public Task<AppendResult> Task => _done.Task;

        public void Finish(AppendResult result) => _done.TrySetResult(result);

        public void Fail(Exception reason) => _done.TrySetException(reason);
    }
}
