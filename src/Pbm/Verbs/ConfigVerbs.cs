using System.CommandLine;
using RagCluster.Pbm.Output;

namespace RagCluster.Pbm.Verbs;

internal sealed class ConfigVerbs() : VerbGroup("config", "The settings of a node.")
{
    protected override IEnumerable<Command> Verbs()
    {
        var key = Optional("KEY", "Only settings with this in their key.");
        var changed = new Option<bool>("--changed") { Description = "Only what somebody has set." };
        yield return Shown("show", "Every setting in force, and where it comes from. Secrets are masked.", call => call.ShowAsync(
            () => call.Node.GetAsync(Call.Path("/config", ("key", call.Value(key)), ("changed", call.Value(changed) ? "true" : null)), call.Cancellation),
            root =>
            {
                var table = new TableData(["setting", "value", "from"]);
                foreach (var setting in root.Items("settings"))
                {
                    table.Add(setting.Text("key"), setting.Text("value"), setting.Text("source"));
                }

                return [table];
            }), key, changed);
    }
}

internal sealed class FlagVerbs() : VerbGroup("flag", "What is switched on, in the whole cluster.")
{
    protected override IEnumerable<Command> Verbs()
    {
        yield return Shown("list", "The features, and who switched them.", call => call.ShowAsync(() => call.Node.GetAsync("/flags", call.Cancellation), root =>
        {
            var table = new TableData(["feature", "is", "by", "at", "because", "what it does"]);
            foreach (var flag in root.Items("flags"))
            {
                table.Add(
                    flag.Text("name"), (flag.GetProperty("on").GetBoolean() ? "on" : "off") + (flag.TryGetProperty("set", out _) ? "" : " (default)"),
                    flag.Text("by"), flag.Text("at"), flag.Text("reason"), flag.Text("description"));
            }

            return [table];
        }));

        var name = Needed("FEATURE", "As \"flag list\" shows it.");
        var on = new Argument<string>("STATE") { Description = "on, off or default." };
        on.AcceptOnlyFromAmong("on", "off", "default");
        var reason = new Option<string>("--reason") { Description = "Why, for those who find it later.", HelpName = "TEXT", Required = true };
        yield return Verb("set", "Switches a feature, everywhere and until it is switched again.", async call =>
        {
            var state = call.Value(on) switch { "on" => "true", "off" => "false", var other => other };
            call.Print(
                await call.Node.PutAsync($"/flags/{Uri.EscapeDataString(call.Value(name)!)}", call.Cancellation, ("on", state), ("reason", call.Value(reason))),
                root => call.Terminal.Out.WriteLine($"{root.Text("name")} is {(root.GetProperty("on").GetBoolean() ? "on" : "off")}, by {root.Text("by")}: {root.Text("reason")}"));
            return ExitCodes.Success;
        }, name, on, reason);
    }
}
