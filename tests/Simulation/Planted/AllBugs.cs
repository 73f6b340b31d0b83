namespace RagCluster.Simulation.Planted;

/// <summary>The bugs that the checkers are proved with.</summary>
internal static class AllBugs
{
    public static IReadOnlyList<PlantedBug> List { get; } = [.. StoreBugs.List, .. EntityBugs.List, .. ClusterBugs.List, .. CastBugs.List];
}

/// <summary>In what the store promises.</summary>
internal static class StoreBugs
{
    private const string Shards = "src/Kernel/Journal/InMemory/InMemoryShardStore.cs";
    private const string Table = "src/Kernel/Journal/InMemory/ShardTable.cs";

    public static IReadOnlyList<PlantedBug> List { get; } =
    [
        new("epoch-check-removed", "the store takes appends of any epoch", Table,
            "if (batch.Epoch != Row.Epoch)", "if (batch.Epoch != Row.Epoch && !BUG)"),
        new("claim-without-compare", "a claim does not look at the epoch that was seen", Shards,
            "if (shard.Row.Epoch != seenEpoch || !MayClaim(owner, shard.Row))", "if ((shard.Row.Epoch != seenEpoch && !BUG) || !MayClaim(owner, shard.Row))"),
        new("claim-keeps-epoch", "a claim does not raise the epoch: no fence", Shards,
            "shard.Row = shard.Row with { Owner = owner, Epoch = seenEpoch + 1 };", "shard.Row = shard.Row with { Owner = owner, Epoch = seenEpoch + (BUG && seenEpoch > 3 ? 0 : 1) };"),
        new("last-event-lost", "an acknowledged batch is stored without its last event", Table,
            "foreach (var change in batch.Remembered)", "if (BUG && Log.Count % 40 == 0) { Log.RemoveAt(Log.Count - 1); }\n\n        foreach (var change in batch.Remembered)"),
        new("remembered-forgotten", "the store forgets which entities have open work", Table,
            "_ = change.Remembered ? Remembered.Add(change.Entity) : Remembered.Remove(change.Entity);",
            "_ = change.Remembered && !BUG ? Remembered.Add(change.Entity) : Remembered.Remove(change.Entity);"),
    ];
}

/// <summary>In the journaling of entities.</summary>
internal static class EntityBugs
{
    private const string Commands = "src/Kernel/Entities/EntityActor.Commands.cs";
    private const string Actor = "src/Kernel/Entities/EntityActor.cs";
    private const string Work = "src/Kernel/Entities/EntityActor.Work.cs";
    private const string Writer = "src/Kernel/Entities/ShardWriter.cs";
    private const string Doubt = "src/Kernel/Entities/ShardWriter.Doubt.cs";
    private const string Local = "src/Kernel/Entities/LocalEntities.cs";

    public static IReadOnlyList<PlantedBug> List { get; } =
    [
        new("ack-before-commit", "a command is acknowledged when it is decided, before it is durable", Commands,
            "        _gathering.Add(decided);\n", "        _gathering.Add(decided);\n        if (BUG && decided.Events.Count > 0) { request.Reply(decided.Reply, decided.Events[^1].Recorded.Seq); }\n"),
        new("published-before-commit", "subscribers see events before they are durable", Commands,
            "        StartAppend();\n        while (_gathering.Count >= MaxGathered)", "        if (BUG) { decided.Events.ForEach(e => Publish(e.Recorded)); }\n\n        StartAppend();\n        while (_gathering.Count >= MaxGathered)"),
        new("dedup-dropped", "a command that was seen before is decided again", Commands,
            "if (request.CommandId is { } id && TryRepeat(id, request))", "if (request.CommandId is { } id && !BUG && TryRepeat(id, request))"),
        new("dedup-lost-on-replay", "recovery does not remember the commands of the log", Actor,
            "if (record.CommandId is { } commandId)", "if (record.CommandId is { } commandId && !BUG)"),
        new("later-events-passed-over", "recovery passes over an event that a later release wrote with a property more", Actor,
            "        _state = TEntity.Evolve(_state, recorded.Event);\n        _seq = record.Seq;", "        if (!BUG || record.Payload.Span.IndexOf(\"addedLater\"u8) < 0) { _state = TEntity.Evolve(_state, recorded.Event); }\n\n        _seq = record.Seq;"),
        new("dedup-lost-in-snapshot", "recovery does not take the commands of a snapshot", Actor,
            "_commands.Load(snapshot.Commands);", "if (!BUG) { _commands.Load(snapshot.Commands); }"),
        new("snapshot-one-short", "a snapshot says that it is one event older than it is", Work,
            "var (state, seq, commands) = (_state, _seq, _commands.Save());", "var (state, seq, commands) = (_state, BUG ? _seq - 1 : _seq, _commands.Save());"),
        new("state-not-dropped", "after a refused append an entity goes on from the state that it had hoped for", Commands,
            "        _ahead = (_state, _seq);\n        _remembered = null;", "        _ahead = BUG ? _ahead : (_state, _seq);\n        _remembered = null;"),
        new("open-work-not-journaled", "an entity does not tell the store that it has open work", Commands,
            "new EntityAppend(_id.Value, rows, open == _remembered ? null : open)", "new EntityAppend(_id.Value, rows, BUG || open == _remembered ? null : open)"),
        new("unknown-as-lost", "an append whose outcome is not known is told as without effect", Writer,
            "                case AppendResult.Unknown:\n", "                case AppendResult.Unknown when BUG:\n                    Fail(load, new StoreException(\"Planted.\"));\n                    return;\n                case AppendResult.Unknown:\n"),
        new("unknown-as-committed", "an append whose outcome is not known is told as durable", Writer,
            "                case AppendResult.Fenced:\n                    Fence(load);\n                    return;\n                case AppendResult.Conflict when await RereadAsync():",
            "                case AppendResult.Unknown when BUG:\n                    Committed(load, batch);\n                    return;\n                case AppendResult.Fenced:\n                    Fence(load);\n                    return;\n                case AppendResult.Conflict when await RereadAsync():"),
        new("fenced-as-committed", "an append that was fenced is told as durable", Writer,
            "Finish(load, AppendResult.Fenced);", "Finish(load, BUG ? AppendResult.Committed : AppendResult.Fenced);"),
        new("doubt-without-fence", "a writer in doubt reads the log without raising its epoch first", Doubt,
            "if (await _services.Store.ClaimAsync(_shardId, row.Epoch, _services.Node) is not { } epoch)",
            "if ((BUG ? row.Epoch : await _services.Store.ClaimAsync(_shardId, row.Epoch, _services.Node)) is not { } epoch)"),
        new("doubt-ends-at-takeover", "an append in doubt counts as lost when the shard has another owner", Doubt,
            "return await IsInLogAsync(batch) ? Doubt.LandedBeforeTakeover : Doubt.LostToTakeover;", "return await IsInLogAsync(batch) && !BUG ? Doubt.LandedBeforeTakeover : Doubt.LostToTakeover;"),
        new("past-cut-short", "a subscription that reads the journal leaves out its last event", Local,
            "foreach (var record in page.Where(record => record.Seq <= attached.Seq))", "foreach (var record in page.Where(record => record.Seq <= attached.Seq - (BUG ? 1 : 0)))"),
    ];
}

/// <summary>In the cluster.</summary>
internal static class ClusterBugs
{
    private const string Region = "src/Kernel/Cluster/ClusterRegion.cs";
    private const string Streams = "src/Kernel/Cluster/ClusterRegion.Streams.cs";
    private const string Lease = "src/Kernel/Cluster/Lease.cs";
    private const string Members = "src/Kernel/Cluster/Membership.cs";
    private const string Keeper = "src/Kernel/Cluster/ShardKeeper.cs";
    private const string Map = "src/Kernel/Cluster/ShardSlot.cs";
    private const string Handshake = "src/Kernel/Transport/Handshakes/Handshake.cs";
    private const string Wire = "src/Kernel/Cluster/Wire/Messages.cs";

    public static IReadOnlyList<PlantedBug> List { get; } =
    [
        new("lease-ignored", "a node goes on answering when its lease is over", Lease,
            "public bool IsValid => _ended is null && time.GetTimestamp() < Volatile.Read(ref _deadline);", "public bool IsValid => BUG || (_ended is null && time.GetTimestamp() < Volatile.Read(ref _deadline));"),
        new("lease-too-long", "a node believes in its lease for three times as long", Lease,
            "(length.TotalSeconds * Share * time.TimestampFrequency)", "(length.TotalSeconds * (BUG ? 3 : Share) * time.TimestampFrequency)"),
        new("shards-kept-after-fencing", "a node that has fenced itself keeps its shards", Members,
            "        Lease.End(reason);\n        ClusterLog.Fenced(", "        if (BUG) { return; }\n\n        Lease.End(reason);\n        ClusterLog.Fenced("),
        new("sent-is-no-effect", "a command that was sent and not answered is told as without effect", Region,
            "                        attempt.MayHaveTakenEffect = true;\n                        break;", "                        attempt.MayHaveTakenEffect = !BUG;\n                        break;"),
        new("asked-again-without-id", "a command that goes to another node loses its id", Region,
            "left, attempt.Id.Value, attempt.CommandId, attempt.Command", "left, attempt.Id.Value, BUG ? null : attempt.CommandId, attempt.Command"),
        new("lease-sleeps", "a node's lease stands still while its machine is suspended", Members,
            "new Lease(runtime.LeaseTime, options.Lease)", "new Lease(BUG ? runtime.Time : runtime.LeaseTime, options.Lease)"),
        new("newest-version-chosen", "a node answers with the newest version that it speaks, whatever its peer does", Handshake,
            "var version = Math.Min(newest, terms.NewestVersion);", "var version = BUG ? terms.NewestVersion : Math.Min(newest, terms.NewestVersion);"),
        new("longer-header-refused", "a node refuses commands whose header has a field that it does not know", Wire,
            "        new(reader.Number(), reader.Int32(), reader.Number(), TimeSpan.FromMilliseconds(reader.Int32()), reader.Text(), reader.OptionalText());",
            "        new AskHeader(reader.Number(), reader.Int32(), reader.Number(), TimeSpan.FromMilliseconds(reader.Int32()), reader.Text(), reader.OptionalText()) is var header && BUG && !reader.AtEnd ? throw new InvalidDataException(\"Planted.\") : header;"),
        new("subscription-gap", "a subscription that goes on at the next owner leaves an event out", Streams,
            "                node.Membership.Look();\n            }\n", "                after += BUG && after > 5 ? 1 : 0;\n                node.Membership.Look();\n            }\n"),
        new("subscription-doubles", "a subscription that goes on gives the last event again", Streams,
            "                    after = recorded.Seq;\n                    backoff.Reset();", "                    after = BUG ? recorded.Seq - 1 : recorded.Seq;\n                    backoff.Reset();"),
        new("moved-ignored", "a region never learns that a shard has moved", Map,
            "if (!route.IsNewerThan(_route))", "if (!route.IsNewerThan(_route) || (BUG && _route.Owner is not null))"),
        new("shard-not-released", "a node that hands a shard off does not tell where to", Keeper,
            "        if (shard.ReleasedEpoch is { } epoch)\n        {\n            Announce(slot, new ShardRoute(null, epoch));\n        }\n\n        slot.End(shard);",
            "        if (shard.ReleasedEpoch is { } epoch)\n        {\n            Announce(slot, new ShardRoute(null, epoch));\n        }\n\n        if (BUG) { return; }\n\n        slot.End(shard);"),
    ];
}

/// <summary>In conversations, documents, partitions and the index.</summary>
internal static class CastBugs
{
    private const string Talk = "src/Actors/Conversations/Conversation.cs";
    private const string TalkShell = "src/Actors/Conversations/ConversationBehavior.cs";
    private const string Documents = "src/Actors/Documents/DocumentService.cs";
    private const string DocumentShell = "src/Actors/Documents/DocumentBehavior.cs";
    private const string Directory = "src/Actors/Partitions/PartitionDirectory.cs";
    private const string Index = "src/Retrieval/Index/PartitionIndex.cs";
    private const string Filter = "src/Retrieval/Index/PassFilter.cs";
    private const string Actor = "src/Kernel/Entities/EntityActor.cs";
    private const string Answering = "src/Actors/Conversations/Answering.cs";

    public static IReadOnlyList<PlantedBug> List { get; } =
    [
        new("restart-doubled", "an answer that is begun again does not void what was shown", Talk,
            "BeginAnswer c => IfOpen(state, c.Question, q => q.Shown.IsEmpty\n", "BeginAnswer c => IfOpen(state, c.Question, q => BUG || q.Shown.IsEmpty\n"),
        new("answer-after-end", "an answer goes on after its question has ended", Talk,
            "state.Find(id) is { IsOpen: true } question ? decide(question)", "state.Find(id) is { } question && (BUG || question.IsOpen) ? decide(question)"),
        new("open-question-forgotten", "a conversation that comes back does not take up its open question", TalkShell,
            "    protected override ValueTask RecoveredAsync(CancellationToken cancellationToken)\n    {\n        AnswerNext();", "    protected override ValueTask RecoveredAsync(CancellationToken cancellationToken)\n    {\n        if (!BUG) { AnswerNext(); }\n"),
        new("document-work-forgotten", "a document that comes back does not take up its work", DocumentShell,
            "            ScheduleRetry(at);\n        }\n\n        Pursue();\n        return ValueTask.CompletedTask;\n    }\n\n    protected override ValueTask CommittedAsync",
            "            ScheduleRetry(at);\n        }\n\n        if (!BUG) { Pursue(); }\n\n        return ValueTask.CompletedTask;\n    }\n\n    protected override ValueTask CommittedAsync"),
        new("revocation-not-awaited", "a change of readers or a removal is acknowledged before the index applies it", Documents,
            "if (reply is not DocumentAccepted || applied is null)", "if (reply is not DocumentAccepted || applied is null || BUG)"),
        new("tenants-share-a-partition", "the partition's id does not depend on the tenant", Directory,
            "new($\"{tenant.Value}/{number}\")", "new(BUG ? $\"t0/{number}\" : $\"{tenant.Value}/{number}\")"),
        new("orphan-chunks-on-replace", "the chunks of the old version stay in the index", Index,
            "            Delete(old);\n        }\n\n        var row", "            if (!BUG) { Delete(old); }\n        }\n\n        var row"),
        new("deletion-forgotten-on-replay", "recovery does not apply removals to the index", Actor,
            "        _recent.Add(recorded);\n        _behavior.Applied(recorded);\n    }", "        _recent.Add(recorded);\n        if (!BUG || recorded.Event!.GetType().Name != \"ChunksRemoved\") { _behavior.Applied(recorded); }\n    }"),
        new("roles-not-checked", "a search does not look at who may read", Filter,
            "_mayRead = Array.ConvertAll(readerSets, roles.MayRead);", "_mayRead = Array.ConvertAll(readerSets, readers => BUG || roles.MayRead(readers));"),
        new("restriction-ignored", "the index does not apply changed readers", Index,
            "if (!_documents.TryGetValue(restricted.Document, out var entry) || entry.AccessRevision > restricted.AccessRevision)", "if (!_documents.TryGetValue(restricted.Document, out var entry) || entry.AccessRevision > restricted.AccessRevision || BUG)"),
        new("waits-by-the-wall-clock", "texts wait for an embedding by a clock that may be set back", "src/Actors/Inference/EmbeddingActor.cs",
            "DateTimeOffset Now() => DateTimeOffset.UnixEpoch +", "DateTimeOffset Now() => BUG ? Context.Time.GetUtcNow() : DateTimeOffset.UnixEpoch +"),
        new("citation-off-by-one", "a citation points one character too far", Answering,
            "await sink.CompleteAsync(answer.Text, answer.Citations,", "await sink.CompleteAsync(answer.Text, BUG ? [.. answer.Citations.Select(c => c with { Start = c.Start + 1 })] : answer.Citations,"),
    ];
}
