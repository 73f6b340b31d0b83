using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RagCluster.CheckerKit;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Simulation.Workload;

namespace RagCluster.Simulation.World;

/// <summary>
/// A cluster of the first release that was here before, and what it left in the journal: questions without an answer and
/// documents that were taken in and no more. Each event is a line of the frozen formats, the oldest of its kind, with the
/// names of this world in it.
/// </summary>
internal sealed class FormerRelease(Cluster cluster, Library library)
{
    private static readonly Dictionary<string, string> s_oldest = File.ReadLines(Path.Combine(AppContext.BaseDirectory, "frozen.tsv"))
        .Select(line => line.Split('\t'))
        .Where(parts => parts[0].EndsWith("-event", StringComparison.Ordinal))
        .GroupBy(parts => (string)JsonNode.Parse(parts[1])!["type"]!, parts => parts[1])
        .ToDictionary(lines => lines.Key, lines => lines.First(), StringComparer.Ordinal);

    private readonly string _at = cluster.World.Time.GetUtcNow().AddDays(-1).ToString("O");

    /// <summary>One conversation and one document of each tenant go on where that cluster stopped.</summary>
    public async Task WriteAsync(IEnumerable<ConversationClient> conversations)
    {
        var store = cluster.Database.Store;
        var node = await store.JoinAsync("former");
        var histories = new List<(string Type, string Entity, JsonObject[] Events)>();
        foreach (var client in conversations)
        {
            histories.Add(("conversation", client.Entity, Question(client)));
            histories.Add(("document", $"{client.Person.Tenant.Value}/doc-0", [await DocumentAsync(client.Person.Tenant)]));
        }

        foreach (var type in histories.GroupBy(history => history.Type))
        {
            var shards = await store.PrepareShardsAsync(type.Key, cluster.Plan.Shards);
            foreach (var shard in type.GroupBy(history => shards[new EntityId(history.Entity).Bucket(shards.Count)]))
            {
                await AppendAsync(node, shard.Key, [.. shard.Select(history => (history.Entity, history.Events))]);
            }
        }

        await store.ChangeStateAsync(node, NodeState.Left);
    }

    private async Task AppendAsync(NodeIncarnation node, ShardRow shard, IReadOnlyList<(string Entity, JsonObject[] Events)> histories)
    {
        var store = cluster.Database.Store;
        var epoch = await store.ClaimAsync(shard.ShardId, shard.Epoch, node) ?? throw new InvalidOperationException($"Shard {shard.ShardId} belongs to somebody.");
        cluster.Database.Note(shard.ShardId, epoch, node);
        ShardBatch[] batches =
        [
            new(
                shard.ShardId,
                epoch,
                1,
                [.. histories.SelectMany(history => history.Events.Select((e, i) => new NewEvent(history.Entity, i + 1, null, default, Encoding.UTF8.GetBytes(e.ToJsonString()), DateTimeOffset.Parse(_at))))],
                [.. histories.Select(history => new RememberedChange(history.Entity, true))]),
        ];
        cluster.Database.Note(node, batches, await store.AppendAsync(batches));
        if (await store.ReleaseAsync(shard.ShardId, epoch))
        {
            cluster.Database.Note(shard.ShardId, epoch + 1, null);
        }
    }

    /// <summary>It was being answered when that cluster ended.</summary>
    private JsonObject[] Question(ConversationClient client)
    {
        var person = client.Person;
        var question = $"{client.Name}-former";
        Record("conversation", client.Entity, client.Name, Markers.Asked(question), 2);
        var asked = Oldest("question-asked");
        asked.Remove("of");
        asked["question"] = question;
        asked["text"] = $"What is said of {library.AnyToken(person.Tenant)}?";
        asked["asker"] = JsonSerializer.SerializeToNode(new { tenant = person.Tenant.Value, user = person.User.Value, roles = person.Roles.Names });
        var started = Oldest("conversation-started");
        (started["tenant"], started["owner"], started["title"]) = (person.Tenant.Value, person.User.Value, "Of the first release");
        var begun = Oldest("answer-begun");
        (begun["question"], begun["query"]) = (question, (string)asked["text"]!);
        return [started, asked, begun];
    }

    private async Task<JsonObject> DocumentAsync(TenantId tenant)
    {
        var (text, blob) = library.Write(tenant, 0);
        var bytes = Encoding.UTF8.GetBytes(text);
        await cluster.Blobs.PutAsync(bytes);
        Record("document", $"{tenant.Value}/doc-0", "the first release", Markers.Received(blob), 1);
        var received = Oldest("document-received");
        (received["tenant"], received["version"], received["accessRevision"]) = (tenant.Value, 1, 1);
        (received["name"], received["source"], received["mediaType"]) = ("doc-0.txt", "simulation", "text/plain");
        (received["content"], received["bytes"]) = (blob, bytes.Length);
        (received["readers"], received["metadata"]) = (new JsonArray(), new JsonObject());
        return received;
    }

    private JsonObject Oldest(string type)
    {
        var e = JsonNode.Parse(s_oldest[type])!.AsObject();
        e["at"] = _at;
        return e;
    }

    private void Record(string type, string entity, string client, string marker, long seq) => cluster.Record.Operations.Add(
        new Operation { Client = client, Entity = (type, entity), Marker = marker, Once = type == "conversation", InvokedAt = TimeSpan.Zero, EndedAt = TimeSpan.Zero, Outcome = Outcome.Acknowledged, Seq = seq });
}
