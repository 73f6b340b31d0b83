using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using RagCluster.Pbm.Output;

namespace RagCluster.Pbm.Verbs;

internal sealed class ActorVerbs() : VerbGroup("actor", "The actors of a node.")
{
    protected override IEnumerable<Command> Verbs()
    {
        var path = new Option<string?>("--start", "-s") { Description = "Where to begin, such as /user/conversation-3.", HelpName = "PATH" };
        var depth = new Option<int?>("--depth", "-d") { Description = "How many levels below it (3).", HelpName = "N" };
        yield return Verb("hierarchy", "The tree of actors, with what waits in their mailboxes.", async call =>
        {
            call.Print(await call.Node.GetAsync(Call.Path("/actors", ("path", call.Value(path)), ("depth", call.Value(depth))), call.Cancellation), root =>
            {
                foreach (var actor in root.Items("actors"))
                {
                    Write(call.Terminal.Out, actor, "", "");
                }
            });
            return ExitCodes.Success;
        }, path, depth);

        var slowest = Number("--top", "How many (20).");
        var seconds = Number("--seconds", "For how long to measure (2).");
        yield return Shown("slowest", "Times the actors for some seconds, and shows who was busy.", call => call.ShowAsync(
            () => call.Node.GetAsync(Call.Path("/actors/slowest", ("top", call.Value(slowest)), ("seconds", call.Value(seconds))), call.Cancellation),
            root =>
            {
                var table = new TableData(["actor", "class", "messages", "busy ms", "mean ms", "longest ms", "longest message"]) { Note = root.Items("actors").Any() ? null : "No actor had anything to do." };
                foreach (var actor in root.Items("actors"))
                {
                    table.Add(actor.Text("path"), actor.Text("type"), actor.Text("messages"), actor.Text("busy"), actor.Text("mean"), actor.Text("longest"), actor.Text("longestMessage"));
                }

                return [table];
            }), slowest, seconds);

        var fullest = Number("--top", "How many (20).");
        yield return Shown("fullest", "The mailboxes with the least room.", call => call.ShowAsync(
            () => call.Node.GetAsync(Call.Path("/actors/fullest", ("top", call.Value(fullest))), call.Cancellation),
            root =>
            {
                var table = new TableData(["actor", "class", "waiting", "capacity"]) { Note = root.Items("actors").Any() ? null : "Nothing waits." };
                foreach (var actor in root.Items("actors"))
                {
                    table.Add(actor.Text("path"), actor.Text("type"), actor.Text("mailbox"), actor.Text("capacity"));
                }

                return [table];
            }), fullest);

        yield return Shown("dead-letters", "Messages that reached nobody.", call => call.ShowAsync(() => call.Node.GetAsync("/dead-letters", call.Cancellation), root =>
        {
            var table = new TableData(["at", "recipient", "message", "reason"]) { Note = string.Create(CultureInfo.InvariantCulture, $"{root.Text("total")} since the start.") };
            foreach (var letter in root.Items("last"))
            {
                table.Add(letter.Text("at"), letter.Text("recipient"), letter.Text("message"), letter.Text("reason"));
            }

            return [table];
        }));
    }

    private static void Write(TextWriter output, JsonElement actor, string first, string rest)
    {
        var path = actor.Text("path");
        var name = first.Length == 0 ? path : path[(path.LastIndexOf('/') + 1)..];
        var state = actor.Text("state") is "Running" ? "" : $" {actor.Text("state")}";
        var waiting = actor.Text("mailbox") is "0" ? "" : $", {actor.Text("mailbox")} of {actor.Text("capacity")} waiting";
        var restarts = actor.Text("restarts") is "0" ? "" : $", {actor.Text("restarts")} restarts";
        output.WriteLine($"{first}{name}  {actor.Text("type")}{state}  ({actor.Text("handled")} handled{waiting}{restarts})");
        var below = actor.Items("below").ToList();
        for (var i = 0; i < below.Count; i++)
        {
            var last = i == below.Count - 1 && below.Count.ToString(CultureInfo.InvariantCulture) == actor.Text("children");
            Write(output, below[i], rest + (last ? "└─ " : "├─ "), rest + (last ? "   " : "│  "));
        }

        if (actor.GetProperty("children").GetInt32() - below.Count is > 0 and var more)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{rest}└─ ({more} more)"));
        }
    }
}
