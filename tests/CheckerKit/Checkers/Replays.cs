using System.Text;
using System.Text.Json;
using RagCluster.Actors;
using RagCluster.Actors.Conversations;
using RagCluster.Actors.Documents;
using RagCluster.Actors.Partitions;
using RagCluster.Kernel.Entities;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Partitions;

namespace RagCluster.CheckerKit.Checkers;

/// <summary>C4 and I11: a snapshot is what replaying the log up to it gives, byte for byte.</summary>
public sealed class Replays : IChecker
{
    public string Name => "C4";

    public string Promise => "A snapshot holds the state, and the remembered commands, that a replay of the log up to its sequence number gives.";

    public IEnumerable<Violation> Check(Run run)
    {
        var logs = run.Log.GroupBy(record => (record.Type, record.Entity)).ToDictionary(group => group.Key, group => group.ToList());
        foreach (var (type, snapshot) in run.Snapshots)
        {
            var log = logs.GetValueOrDefault((type, snapshot.Entity)) ?? [];
            if (snapshot.Seq > log.Count)
            {
                yield return new Violation(Name, snapshot.Entity, $"The snapshot is as of {snapshot.Seq}; the log has {log.Count} events.");
                continue;
            }

            var history = log.Take((int)snapshot.Seq).ToList();
            var expected = Replay(type, snapshot.Entity, history);
            var saved = Encoding.UTF8.GetString(snapshot.State.Span);
            if (saved != expected)
            {
                yield return new Violation(Name, snapshot.Entity, $"The snapshot as of {snapshot.Seq} is {saved}; the log gives {expected}.");
            }

            using var commands = JsonDocument.Parse(snapshot.Commands);
            var remembered = commands.RootElement.EnumerateArray().Select(entry => (entry.GetProperty("id").GetString(), entry.GetProperty("seq").GetInt64())).ToList();
            var given = history.Where(record => record.CommandId is not null).Select(record => (record.CommandId, record.Seq)).TakeLast(remembered.Count).ToList();
            var missing = history.Count(record => record.CommandId is not null) - remembered.Count;
            if (!remembered.SequenceEqual(given) || (missing > 0 && remembered.Count < new EntityOptions().RememberedCommands))
            {
                yield return new Violation(Name, snapshot.Entity, $"The snapshot as of {snapshot.Seq} remembers {string.Join(", ", remembered)}; the log gives {string.Join(", ", given)}.");
            }
        }
    }

    private static string Replay(string type, string entity, List<LogRecord> history) => type switch
    {
        "conversation" => JsonSerializer.Serialize(
            history.Aggregate(Conversation.Initial(new EntityId(entity)), (state, record) => Conversation.Evolve(state, (ConversationEvent)record.Event)), StatesJson.Default.ConversationState),
        "document" => JsonSerializer.Serialize(
            history.Aggregate(Document.Initial(new EntityId(entity)), (state, record) => Document.Evolve(state, (DocumentEvent)record.Event)), StatesJson.Default.DocumentState),
        "partition" => JsonSerializer.Serialize(
            history.Aggregate(Partition.Initial(new EntityId(entity)), (state, record) => Partition.Evolve(state, (PartitionEvent)record.Event)), StatesJson.Default.PartitionState),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not a type of entity that can be replayed."),
    };
}
