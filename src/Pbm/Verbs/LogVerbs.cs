using System.CommandLine;
using System.Text.Json;
using RagCluster.Pbm.Output;

namespace RagCluster.Pbm.Verbs;

internal sealed class LogVerbs() : VerbGroup("log", "The log of a node.")
{
    private static readonly string[] s_levels = ["trace", "debug", "information", "warning", "error", "critical", "none", "default"];

    protected override IEnumerable<Command> Verbs()
    {
        var last = Number("--last", "How many of the lines that there are (20).");
        var level = new Option<string?>("--level", "-l") { Description = "Only this level and above.", HelpName = "LEVEL" };
        level.CompletionSources.Add(s_levels);
        var category = new Option<string?>("--category", "-c") { Description = "Only where the name of the source has this in it.", HelpName = "TEXT" };
        var contains = new Option<string?>("--contains") { Description = "Only where the line has this in it.", HelpName = "TEXT" };
        var once = new Option<bool>("--once") { Description = "What there is, and no waiting for more." };
        yield return Verb("tail", "The last lines, and those to come.", async call =>
        {
            (string, object?)[] query = [("last", call.Value(last) ?? 20), ("level", call.Value(level)), ("category", call.Value(category)), ("contains", call.Value(contains))];
            if (call.Value(once))
            {
                call.Print(await call.Node.GetAsync(Call.Path("/log", query), call.Cancellation), root =>
                {
                    foreach (var line in root.Items("lines"))
                    {
                        Write(call, line);
                    }
                });
                return ExitCodes.Success;
            }

            await foreach (var line in call.Node.EventsAsync(Call.Path("/log/tail", query), call.Cancellation))
            {
                Write(call, line);
                await call.Terminal.Out.FlushAsync(call.Cancellation);
            }

            return ExitCodes.Success;
        }, last, level, category, contains, once);

        var wanted = Optional("LEVEL", $"{string.Join(", ", s_levels)}; default takes a level back. Without it: shows what is logged.");
        wanted.CompletionSources.Add(s_levels);
        var part = new Option<string?>("--category", "-c") { Description = "For this source and what is below it, such as RagCluster.Kernel.", HelpName = "NAME" };
        yield return Verb("level", "What a node logs, until its next start.", async call =>
        {
            var answer = call.Value(wanted) is { } to
                ? await call.Node.PutAsync("/log/level", call.Cancellation, ("level", to), ("category", call.Value(part)))
                : await call.Node.GetAsync("/log/level", call.Cancellation);
            call.Print(answer, root =>
            {
                var table = new TableData(["category", "level"]) { Note = $"Configured is {root.Text("configured")}." };
                table.Add("(all others)", root.Text("level"));
                foreach (var entry in root.GetProperty("categories").EnumerateObject())
                {
                    table.Add(entry.Name, entry.Value.GetString() ?? "");
                }

                PlainTable.Write(call.Terminal.Out, [table]);
            });
            return ExitCodes.Success;
        }, wanted, part);
    }

    private static void Write(Call call, JsonElement line) => call.Terminal.Out.WriteLine(call.Json
        ? JsonText.Compact(line)
        : $"{line.GetProperty("at").GetDateTimeOffset():HH:mm:ss.fff} {line.Text("level"),-11} {line.Text("category")}[{line.Text("id")}] {line.Text("message")}{(line.TryGetProperty("exception", out var exception) ? $" ({exception.GetString()})" : "")}");
}
