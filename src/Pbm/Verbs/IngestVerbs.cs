using System.CommandLine;
using RagCluster.Pbm.Output;

namespace RagCluster.Pbm.Verbs;

internal sealed class IngestVerbs() : VerbGroup("ingest", "Where documents come from.")
{
    protected override IEnumerable<Command> Verbs()
    {
        yield return Shown("status", "The sources, and how far each is.", call => call.ShowAsync(() => call.Node.GetAsync("/ingest/sources", call.Cancellation), root => [TableData.Of(root, "sources")]));
        foreach (var (verb, what) in new[] { ("pause", "Stops taking from a source."), ("resume", "Goes on taking from a source.") })
        {
            var source = Needed("SOURCE", "Its name, as \"ingest status\" shows it.");
            yield return Verb(verb, what, async call =>
            {
                call.Print(await call.Node.PutAsync($"/ingest/sources/{Uri.EscapeDataString(call.Value(source)!)}", call.Cancellation, ("operation", verb)), root => PlainTable.Write(call.Terminal.Out, [TableData.Of(root)]));
                return ExitCodes.Success;
            }, source);
        }

        var limit = Number("--limit", "How many (100).");
        yield return Shown("dead-letters", "Documents that were given up.", call => call.ShowAsync(
            () => call.Node.GetAsync(Call.Path("/ingest/dead-letters", ("limit", call.Value(limit))), call.Cancellation), root => [TableData.Of(root, "deadLetters")]), limit);
        var document = Needed("TENANT/DOCUMENT", "As \"ingest dead-letters\" shows it.");
        yield return Verb("retry", "Processes a document again that was given up.", async call =>
        {
            call.Print(
                await call.Node.PutAsync($"/ingest/dead-letters/{Call.Escaped(call.Value(document)!)}", call.Cancellation, ("operation", "retry")),
                _ => call.Terminal.Out.WriteLine($"{call.Value(document)} is processed again."));
            return ExitCodes.Success;
        }, document);
    }
}
