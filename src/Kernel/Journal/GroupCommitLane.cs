namespace RagCluster.Kernel.Journal;

/// <summary>
/// Carries the batches of many shards to the store in few statements: while one is under way, the next gathers.
/// Its queue is bounded by the number of shards, because a shard hands over one batch at a time.
/// </summary>
public sealed class GroupCommitLane(IShardStore store, IRuntime runtime, GroupCommitOptions options)
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<int, Group> _groups = [];

    /// <summary>
    /// Completes once the batch is durable, or certainly or possibly not. The caller has no other batch of the same
    /// shard under way.
    /// </summary>
    /// <exception cref="StoreException">Nothing was written.</exception>
    public Task<AppendResult> AppendAsync(ShardBatch batch)
    {
        var waiting = new Waiting(batch);
        var number = store.GroupOf(batch.ShardId);
        Group group;
        lock (_gate)
        {
            if (!_groups.TryGetValue(number, out group!))
            {
                _groups.Add(number, group = new Group());
            }

            group.Waiting.Enqueue(waiting);
            if (group.Carriers >= options.Lanes)
            {
                return waiting.Task;
            }

            group.Carriers++;
        }

        _ = runtime.Run(() => CarryAsync(group));
        return waiting.Task;
    }

    private async Task CarryAsync(Group group)
    {
        for (var load = Load(group); load.Count > 0; load = Load(group))
        {
            await CommitAsync(load);
        }
    }

    private List<Waiting> Load(Group group)
    {
        var load = new List<Waiting>();
        var bytes = 0L;
        lock (_gate)
        {
            while (load.Count < options.MaxShardsPerCommit
                && group.Waiting.TryPeek(out var waiting)
                && (load.Count == 0 || bytes + waiting.Bytes <= options.MaxBytesPerCommit))
            {
                load.Add(group.Waiting.Dequeue());
                bytes += waiting.Bytes;
            }

            if (load.Count == 0)
            {
                group.Carriers--;
            }
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

        var conflicting = new List<Waiting>();
        for (var i = 0; i < load.Count; i++)
        {
            if (results[i] == AppendResult.Conflict && load.Count > 1)
            {
                conflicting.Add(load[i]);
            }
            else
            {
                load[i].Finish(results[i]);
            }
        }

        // Perhaps they only shared a statement with the one that conflicts: by halves, it is soon alone.
        var half = (conflicting.Count + 1) / 2;
        foreach (var part in conflicting.Chunk(Math.Max(1, half)))
        {
            await CommitAsync([.. part]);
        }
    }

    /// <summary>What goes to one place of the store, and how many statements are under way there.</summary>
    private sealed class Group
    {
        public Queue<Waiting> Waiting { get; } = new();

        public int Carriers { get; set; }
    }

    private sealed class Waiting(ShardBatch batch)
    {
        private readonly TaskCompletionSource<AppendResult> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public ShardBatch Batch => batch;

        public long Bytes { get; } = batch.Events.Sum(e => (long)e.Payload.Length + e.Reply.Length);

        public Task<AppendResult> Task => _done.Task;

        public void Finish(AppendResult result) => _done.TrySetResult(result);

        public void Fail(Exception reason) => _done.TrySetException(reason);
    }
}
