using System.CommandLine;
using RagCluster.Pbm.Output;

namespace RagCluster.Pbm.Verbs;

internal sealed class ShardingVerbs() : VerbGroup("cluster-sharding", "The shards, and who has them.")
{
    private static readonly string[] s_types = ["conversation", "document", "partition", "flags"];

    protected override IEnumerable<Command> Verbs()
    {
        yield return Shown("list", "The types of entities: how many shards, and who has how many.", call => call.ShowAsync(
            () => call.Node.GetAsync("/cluster/shards", call.Cancellation),
            root =>
            {
                var nodes = root.Items("types").SelectMany(type => type.GetProperty("owners").EnumerateObject().Select(owner => owner.Name)).Distinct().Order(StringComparer.Ordinal).ToList();
                var table = new TableData(["type", "shards", .. nodes, "in memory here"]);
                foreach (var type in root.Items("types"))
                {
                    table.Add([type.Text("type"), type.Text("shards"), .. nodes.Select(node => type.GetProperty("owners").Text(node)), type.Text("entitiesHere")]);
                }

                return [table];
            }));

        var type = Type();
        yield return Shown("region-stats", "The shards of a type on one node, with the entities in memory.", call => call.ShowAsync(
            () => call.Node.GetAsync($"/cluster/shards/{Uri.EscapeDataString(call.Value(type)!)}", call.Cancellation),
            root =>
            {
                var table = new TableData(["shard", "entities"]);
                foreach (var shard in root.Items("regions"))
                {
                    table.Add(shard.Text("shardId"), shard.Text("numEntities"));
                }

                return [table];
            }), type);

        yield return Verb("rebalance", "Moves shards that are out of balance now.", async call => call.PrintMessage(await call.Node.PostAsync("/cluster/rebalance", call.Cancellation)));

        var moved = Type();
        var number = new Option<string>("--shard", "-s") { Description = "The shard's number.", HelpName = "NUMBER", Required = true };
        var to = new Option<string>("--to", "-t") { Description = "The node that is to have it.", HelpName = "NODE", Required = true };
        yield return Verb("move", "Has a shard's owner hand it to another node.", async call => call.PrintMessage(await call.Node.PutAsync(
            $"/cluster/shards/{Uri.EscapeDataString(call.Value(moved)!)}/{Uri.EscapeDataString(call.Value(number)!)}", call.Cancellation, ("operation", "Move"), ("to", call.Value(to)))), moved, number, to);
    }

    private static Option<string> Type()
    {
        var type = new Option<string>("--type", "-r") { Description = $"The type of entities: {string.Join(", ", s_types)}.", HelpName = "TYPE", Required = true };
        type.CompletionSources.Add(s_types);
        return type;
    }
}
