using System.CommandLine;
using RagCluster.Pbm.Output;

namespace RagCluster.Pbm.Verbs;

internal sealed class InferenceVerbs() : VerbGroup("inference", "The model servers that a node uses.")
{
    protected override IEnumerable<Command> Verbs()
    {
        yield return Shown("list", "The endpoints: how they are, and how busy.", call => call.ShowAsync(() => call.Node.GetAsync("/inference", call.Cancellation), root => [TableData.Of(root, "endpoints")]));
        foreach (var (verb, what, done) in new[] { ("drain", "Sends nothing new to an endpoint.", "gets nothing new"), ("resume", "Sends to an endpoint again.", "is used again") })
        {
            var endpoint = Needed("ENDPOINT", "Its name, as \"inference list\" shows it.");
            yield return Verb(verb, what, async call =>
            {
                call.Print(
                    await call.Node.PutAsync($"/inference/endpoints/{Uri.EscapeDataString(call.Value(endpoint)!)}", call.Cancellation, ("operation", verb)),
                    _ => call.Terminal.Out.WriteLine($"{call.Value(endpoint)} {done}."));
                return ExitCodes.Success;
            }, endpoint);
        }
    }
}
