using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using RagCluster.Messages;

namespace RagCluster.Actors.Tests.Wire;

/// <summary>
/// How messages look in journals and between nodes of different versions. During a rolling upgrade both versions run, and
/// a journal is read for ever: what was once written must stay readable, so frozen.tsv only grows. Where one of these tests
/// says that a line is missing, a message has a new form: add the line that it shows, and change or remove none.
/// </summary>
public sealed class WireFormatTests
{
    private static readonly Family[] Families =
    [
        Family.Of("conversation-command", MessagesJson.Default.ConversationCommand, Samples.ConversationCommands),
        Family.Of("conversation-event", MessagesJson.Default.ConversationEvent, Samples.ConversationEvents),
        Family.Of("conversation-reply", MessagesJson.Default.ConversationReply, Samples.ConversationReplies),
        Family.Of("document-command", MessagesJson.Default.DocumentCommand, Samples.DocumentCommands),
        Family.Of("document-event", MessagesJson.Default.DocumentEvent, Samples.DocumentEvents),
        Family.Of("document-reply", MessagesJson.Default.DocumentReply, Samples.DocumentReplies),
        Family.Of("partition-command", MessagesJson.Default.PartitionCommand, Samples.PartitionCommands),
        Family.Of("partition-event", MessagesJson.Default.PartitionEvent, Samples.PartitionEvents),
        Family.Of("partition-reply", MessagesJson.Default.PartitionReply, Samples.PartitionReplies),
        Family.Of("flag-command", MessagesJson.Default.FlagCommand, Samples.FlagCommands),
        Family.Of("flag-event", MessagesJson.Default.FlagEvent, Samples.FlagEvents),
        Family.Of("flag-reply", MessagesJson.Default.FlagReply, Samples.FlagReplies),
        Family.Of("publication-command", MessagesJson.Default.PublicationCommand, Samples.PublicationCommands),
        Family.Of("publication-event", MessagesJson.Default.PublicationEvent, Samples.PublicationEvents),
        Family.Of("publication-reply", MessagesJson.Default.PublicationReply, Samples.PublicationReplies),
    ];

    private static readonly (string Family, string Json)[] Frozen =
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "Wire", "frozen.tsv")).Select(line => line.Split('\t')).Select(parts => (parts[0], parts[1])),
    ];

    public static TheoryData<string> Names => [.. Families.Select(family => family.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_message_of_a_family_has_a_sample(string name)
    {
        var family = Find(name);
        family.Derived.Except(family.Samples.Select(sample => sample.GetType())).ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_written_today_is_frozen(string name)
    {
        var family = Find(name);
        var missing = family.Samples.Select(family.Write).Except(Frozen.Where(line => line.Family == name).Select(line => line.Json));
        missing.Select(json => $"{name}\t{json}").ShouldBeEmpty("these lines are missing in tests/Actors.Tests/Wire/frozen.tsv");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_was_ever_written_is_read_and_nothing_of_it_is_lost(string name)
    {
        var family = Find(name);
        var lines = Frozen.Where(line => line.Family == name).ToList();
        lines.Count.ShouldBeGreaterThanOrEqualTo(family.Derived.Count);
        foreach (var (_, json) in lines)
        {
            Lost(JsonNode.Parse(json), JsonNode.Parse(family.Write(family.Read(json))), "$").ShouldBeEmpty(json);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_a_newer_version_adds_is_passed_over(string name)
    {
        var family = Find(name);
        foreach (var sample in family.Samples)
        {
            var json = JsonNode.Parse(family.Write(sample))!.AsObject();
            json["addedLater"] = new JsonObject { ["x"] = 1 };
            family.Write(family.Read(json.ToJsonString())).ShouldBe(family.Write(sample));
        }
    }

    private static Family Find(string name) => Families.Single(family => family.Name == name);

    private static IEnumerable<string> Lost(JsonNode? before, JsonNode? after, string path) => (before, after) switch
    {
        (JsonObject b, JsonObject a) => b.SelectMany(pair => Lost(pair.Value, a[pair.Key], $"{path}.{pair.Key}")),
        (JsonArray b, JsonArray a) when a.Count == b.Count => b.Zip(a).SelectMany((pair, i) => Lost(pair.First, pair.Second, $"{path}[{i}]")),
        _ => JsonNode.DeepEquals(before, after) ? [] : [$"{path}: {before?.ToJsonString()} became {after?.ToJsonString()}"],
    };

    private sealed record Family(string Name, IReadOnlyList<Type> Derived, IReadOnlyList<object> Samples, Func<object, string> Write, Func<string, object> Read)
    {
        public static Family Of<T>(string name, JsonTypeInfo<T> json, IReadOnlyList<T> samples)
            where T : class => new(
                name,
                [.. typeof(T).GetCustomAttributes<JsonDerivedTypeAttribute>().Select(attribute => attribute.DerivedType)],
                samples,
                message => JsonSerializer.Serialize((T)message, json),
                text => JsonSerializer.Deserialize(text, json)!);
    }
}
