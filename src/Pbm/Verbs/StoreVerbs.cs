using System.CommandLine;
using System.Text.Json;
using RagCluster.Pbm.Output;

namespace RagCluster.Pbm.Verbs;

internal sealed class StoreVerbs() : VerbGroup("store", "What is kept.")
{
    protected override IEnumerable<Command> Verbs()
    {
        var withoutBlobs = new Option<bool>("--no-blobs") { Description = "Leaves the documents' bytes out, which take the longest." };
        yield return Verb("check", "Reads all logs, snapshots and blobs, and tells what is wrong. Changes nothing.", async call =>
        {
            JsonElement sum = default;
            var shards = 0;
            await foreach (var line in call.Node.PostLinesAsync(Call.Path("/store/check", ("blobs", call.Value(withoutBlobs) ? "false" : null)), call.Cancellation))
            {
                if (line.GetProperty("done").GetBoolean())
                {
                    sum = line;
                    continue;
                }

                shards++;
                if (call.Terminal.IsInteractive && !call.Json)
                {
                    call.Terminal.Error.Write($"\r{shards} of {line.Text("shards")} shards ");
                }
            }

            if (call.Terminal.IsInteractive && !call.Json)
            {
                call.Terminal.Error.Write("\r                              \r");
            }

            if (sum.ValueKind != JsonValueKind.Object)
            {
                throw new PbmException($"The check did not come to its end: it stopped after {shards} shards.", ExitCodes.Refused);
            }

            if (call.Json)
            {
                call.Terminal.Out.WriteLine(JsonText.Indented(sum));
            }
            else
            {
                call.Terminal.Out.WriteLine($"{sum.Text("shards")} shards, {sum.Text("entities")} entities, {sum.Text("events")} events, {sum.Text("blobs")} blobs in {sum.Text("seconds")} s: {(sum.Text("wrong") == "0" ? "all is well." : sum.Text("wrong") + " findings")}");
                foreach (var finding in sum.Items("findings"))
                {
                    call.Terminal.Out.WriteLine($"  {finding.GetString()}");
                }
            }

            return sum.Text("wrong") == "0" ? ExitCodes.Success : ExitCodes.Unwell;
        }, withoutBlobs);
    }
}

internal sealed class HealthVerbs() : VerbGroup("health", "How a node is.")
{
    protected override IEnumerable<Command> Verbs()
    {
        yield return Verb("show", "What it needs, and whether it is ready. Exit code 3 if it is not.", async call =>
        {
            var (body, well) = await call.Node.GetHealthAsync(call.Cancellation);
            call.Print(body, root =>
            {
                var table = new TableData(["check", "is", "since", ""]) { Note = root.GetProperty("ready").GetBoolean() ? "It is ready." : $"It is not ready: {root.Text("reason")}" };
                foreach (var check in root.Items("checks"))
                {
                    table.Add(check.Text("name"), check.Text("status"), check.Text("since"), check.Text("detail"));
                }

                PlainTable.Write(call.Terminal.Out, [table]);
            });
            return well ? ExitCodes.Success : ExitCodes.Unwell;
        });
    }
}
