using System.CommandLine;
using System.Text.Json;
using RagCluster.Pbm.Output;

namespace RagCluster.Pbm.Verbs;

internal sealed class ClusterVerbs() : VerbGroup("cluster", "The members of the cluster.")
{
    protected override IEnumerable<Command> Verbs()
    {
        yield return Shown("show", "Who is a member, how it is, and what it keeps.", call => call.ShowAsync(() => call.Node.GetAsync("/cluster", call.Cancellation), Members));

        var address = Needed("ADDRESS", "A node's name, host:port, or its whole address.");
        yield return Verb("join", "Says how a node joins: by itself, when it starts with the same store.", async call =>
            call.PrintMessage(await call.Node.PostAsync("/cluster/members", call.Cancellation, ("address", call.Value(address)))), address);

        var leaving = Needed("ADDRESS", "The node that is to hand its work over and end.");
        yield return Operation("leave", "Has a node hand over its work and end, as SIGTERM does.", "Leave", leaving);
        var dead = Needed("ADDRESS", "The node that certainly does not run any more.");
        yield return Operation("down", "Declares a node dead, so that nobody waits for the end of its lease.", "Down", dead);
        yield return Verb("down-unreachable", "Declares every node dead that the one you ask cannot reach.", DownUnreachableAsync);
        var draining = Needed("ADDRESS", "The node that is to keep nothing.");
        yield return Operation("drain", "Has a node give all its shards away; it stays a member, and is not ready.", "Drain", draining);
        var undraining = Needed("ADDRESS", "The node that may keep shards again.");
        yield return Operation("undrain", "Lets a drained node take shards again.", "Undrain", undraining);
        yield return Verb("rebalance", "Moves shards that are out of balance now.", async call => call.PrintMessage(await call.Node.PostAsync("/cluster/rebalance", call.Cancellation)));

        var sure = new Option<bool>("--yes") { Description = "I mean it." };
        yield return Verb("shutdown", "Has every member end in good order.", async call => call.Value(sure)
            ? call.PrintMessage(await call.Node.PutAsync("/cluster", call.Cancellation, ("operation", "Prepare-for-full-shutdown")))
            : throw new PbmException("This ends the whole cluster: say --yes.", ExitCodes.Usage), sure);

        var type = new Option<string[]>("--type") { Description = "Only these, such as MemberEvent, LeaderChanged, ShardMoved.", HelpName = "TYPE", AllowMultipleArgumentsPerToken = true };
        yield return Verb("tail", "Shows what happens, as it happens.", call => TailAsync(call, type), type);
    }

    private Command Operation(string verb, string what, string operation, Argument<string> address) => Verb(verb, what, async call =>
        call.PrintMessage(await call.Node.PutAsync("/cluster/members/" + Call.Escaped(call.Value(address)!), call.Cancellation, ("operation", operation))), address);

    private static IReadOnlyList<TableData> Members(JsonElement cluster)
    {
        var (self, oldest) = (cluster.Text("self"), cluster.Text("oldest"));
        var members = new TableData(["node", "status", "address", "shards", "link", "start", "roles"])
        {
            Note = $"* gives out the shards. Links are those of {self}, which answered{(cluster.TryGetProperty("lost", out var lost) ? $". It is no member any more: {lost}" : "")}.",
        };
        foreach (var member in cluster.Items("members"))
        {
            var drained = member.Text("status") == "up" && !member.Items("hosts").Any() && member.Items("roles").Any() && member.Text("shards") == "0";
            members.Add(
                member.Text("node") + (member.Text("node") == oldest && member.Text("status") is "up" ? "*" : ""),
                drained ? "drained" : member.Text("status"), member.Text("address"), member.Text("shards"), member.Text("link"), member.Text("incarnation"),
                string.Join(' ', member.Items("roles").Select(role => role.GetString())));
        }

        var homeless = cluster.Items("shards").Count(shard => !shard.TryGetProperty("owner", out _));
        if (homeless > 0)
        {
            members.Note += $" {homeless} shards have no owner.";
        }

        return [members];
    }

    private static async Task<int> DownUnreachableAsync(Call call)
    {
        using var members = await call.Node.GetAsync("/cluster/members", call.Cancellation);
        var silent = members.RootElement.Items("unreachable").Select(member => member.Text("node")).ToList();
        if (silent.Count == 0)
        {
            call.Terminal.Out.WriteLine(call.Json ? "[]" : "Every member can be reached.");
            return ExitCodes.Success;
        }

        foreach (var node in silent)
        {
            call.PrintMessage(await call.Node.PutAsync("/cluster/members/" + Call.Escaped(node), call.Cancellation, ("operation", "Down")));
        }

        return ExitCodes.Success;
    }

    private static async Task<int> TailAsync(Call call, Option<string[]> type)
    {
        var types = call.Value(type) is { Length: > 0 } given ? string.Join(',', given) : null;
        await foreach (var e in call.Node.EventsAsync(Call.Path("/cluster/domain-events", ("type", types)), call.Cancellation))
        {
            call.Terminal.Out.WriteLine(call.Json ? JsonText.Compact(e) : $"{TimeProvider.System.GetLocalNow():HH:mm:ss.fff} {e.Text("type"),-18} {What(e)}");
            await call.Terminal.Out.FlushAsync(call.Cancellation);
        }

        return ExitCodes.Success;
    }

    private static string What(JsonElement e) =>
        e.TryGetProperty("member", out var member) ? $"{member.Text("address")} {member.Text("status")}"
        : e.TryGetProperty("shard", out var shard) ? $"{shard.Text("entityType")}/{shard.Text("number")} {(shard.TryGetProperty("owner", out var owner) ? "is on " + owner.GetString() : "is on its way")}, epoch {shard.Text("epoch")}"
        : $"{e.Text("role")} {e.Text("address")}".Trim();
}
