using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Actors.Conversations;
using RagCluster.Actors.Documents;
using RagCluster.CheckerKit;
using RagCluster.Cluster.Tests.Running;
using RagCluster.Kernel;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.Postgres;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;
using RagCluster.Nodes.Gateway.Chat;

namespace RagCluster.Cluster.Tests.Load;

/// <summary>When the faults are over: waits for rest, reads the log from the database, and has the checkers compare.</summary>
internal sealed class Reckoning(RealCluster cluster, HttpLoad load, SocketLoad sockets)
{
    private Run Record => cluster.Record;

    /// <summary>What is broken; empty if all is well.</summary>
    public async Task<IReadOnlyList<Violation>> CheckAsync()
    {
        await Task.WhenAll(load.StopAsync(), sockets.StopAsync());
        await using var store = await PostgresShardStore.OpenAsync(new PostgresStoreOptions { Connection = cluster.Connection }, SystemRuntime.Instance, NullLogger<PostgresShardStore>.Instance);
        await RestAsync(store);
        var ends = Record.Log.Where(record => record.Type == "conversation").GroupBy(record => record.Entity).ToDictionary(group => group.Key, group => group.Max(record => record.Seq));
        await Task.WhenAll(load.DrainStreamsAsync(ends), sockets.DrainAsync(ends));
        foreach (var (tenant, document) in HttpLoad.AllDocuments())
        {
            if (await load.IndexOfAsync(tenant, document) is { } passages)
            {
                Record.Index.Add(new IndexReading(tenant, $"doc-{document}", [.. passages.Select(passage => passage.Passage)]));
            }
            else
            {
                Record.Unfinished.Add($"The index of {tenant}/doc-{document} cannot be searched.");
            }
        }

        await ReadLogAsync(store);
        await ReadSnapshotsAsync(store);
        var violations = new List<Violation>(cluster.Faults.Select(fault => new Violation("process", "", fault)));
        foreach (var seen in load.Seen.Concat(sockets.Seen))
        {
            Compare(seen, violations);
        }

        violations.AddRange(AllCheckers.Check(Record));
        return violations;
    }

    private async Task RestAsync(PostgresShardStore store)
    {
        var open = "";
        for (var tries = 0; tries < 120; tries++)
        {
            await ReadLogAsync(store);
            open = OpenWork();
            if (open.Length == 0)
            {
                return;
            }

            await Task.Delay(500);
        }

        Record.Unfinished.Add(open);
    }

    private string OpenWork() => Record.Log.GroupBy(record => (record.Type, record.Entity)).Where(entity => entity.Key.Type switch
    {
        "conversation" => Conversation.HasOpenWork(entity.Aggregate(Conversation.Initial(default), (state, record) => Conversation.Evolve(state, (ConversationEvent)record.Event))),
        "document" => Document.HasOpenWork(entity.Aggregate(Document.Initial(default), (state, record) => Document.Evolve(state, (DocumentEvent)record.Event))),
        _ => false,
    }).Select(entity => $"The journal of {entity.Key.Type} {entity.Key.Entity} promises work that nobody does; its last event is {entity.Last().Event.GetType().Name}.").FirstOrDefault("");

    private async Task ReadLogAsync(PostgresShardStore store)
    {
        Record.Log.Clear();
        foreach (var shard in await store.ListShardsAsync())
        {
            for (var after = 0L; await store.ReadShardAsync(shard.ShardId, after, PageLimit.Default) is { Count: > 0 } page; after = page[^1].ShardSeq)
            {
                Record.Log.AddRange(page.Select(record => new LogRecord(
                    shard.ShardId, record.ShardSeq, shard.EntityType, record.Entity, record.Seq, record.Epoch, record.CommandId, JournalEvents.Decode(shard.EntityType, record.Payload.Span))));
            }
        }
    }

    private async Task ReadSnapshotsAsync(PostgresShardStore store)
    {
        foreach (var (shard, type, entity) in Record.Log.Select(record => (record.Shard, record.Type, record.Entity)).Distinct().ToList())
        {
            if (await store.LoadSnapshotAsync(shard, entity) is { } snapshot)
            {
                Record.Snapshots.Add(new StoredSnapshot(type, snapshot));
            }
        }
    }

    /// <summary>A frame is what the gateway makes of the journaled event; then it counts as seen.</summary>
    private void Compare(SeenStream seen, List<Violation> violations)
    {
        var log = Record.Log.Where(record => record.Type == "conversation" && record.Entity == seen.Conversation).ToList();
        var reading = new StreamReading($"the stream of {seen.Conversation}", seen.Conversation, 0);
        var id = ConversationId.Of(seen.Conversation[(seen.Conversation.IndexOf('/', StringComparison.Ordinal) + 1)..]);
        foreach (var (at, seq, frame) in seen.Items)
        {
            if (seq < 1 || seq > log.Count)
            {
                violations.Add(new Violation("C10", seen.Conversation, $"A stream showed {seq}; the journal has {log.Count} events."));
                return;
            }

            var e = (ConversationEvent)log[(int)seq - 1].Event;
            var expected = JsonSerializer.Serialize(FrameMapping.ToFrame(id, seq, e), FramesJson.Default.ServerFrame);
            var shown = JsonNode.Parse(frame)!;
            var accepts = (string?)shown["type"] == "accepted" && e is QuestionAsked asked && (string?)shown["id"] == asked.Question.Value;
            if (!accepts && !JsonNode.DeepEquals(shown, JsonNode.Parse(expected)))
            {
                violations.Add(new Violation("C10", seen.Conversation, $"A stream showed {frame} at {seq}; the journal gives {expected}."));
                return;
            }

            reading.Items.Add((at, seq, e));
        }

        Record.Streams.Add(reading);
        if (seen.Last < log.Count)
        {
            violations.Add(new Violation("C12", seen.Conversation, $"A stream is at {seen.Last}; the journal ends at {log.Count}."));
        }
    }
}
