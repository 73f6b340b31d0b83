using System.CommandLine;
using System.Text.Json;
using RagCluster.Pbm.Output;

namespace RagCluster.Pbm.Verbs;

/// <param name="type">The type of entities that the group is about; null: each verb says which.</param>
internal sealed class EntityVerbs(string name, string? type) : VerbGroup(name, type is null ? "Any entity." : $"A {type}: what it is and what happened to it.")
{
    protected override IEnumerable<Command> Verbs()
    {
        var tenant = new Option<string>("--tenant") { Description = "Whose it is, where the id does not say it.", HelpName = "NAME", DefaultValueFactory = _ => "default" };
        var (shownType, shownId) = Name();
        yield return Shown("show", "Its state. Texts are shown to admins only.", call => call.ShowAsync(
            () => call.Node.GetAsync(Call.Path(PathOf(call, shownType, shownId, tenant), ("events", 0)), call.Cancellation),
            root => [State(root)]), [.. Symbols(shownType), shownId, tenant]);

        var (eventsType, eventsId) = Name();
        var last = Number("--last", "How many, the newest (20).");
        yield return Shown("events", "Its last events. Texts are shown to admins only.", call => call.ShowAsync(
            () => call.Node.GetAsync(Call.Path(PathOf(call, eventsType, eventsId, tenant), ("events", call.Value(last) ?? 20)), call.Cancellation),
            root => [Events(root)]), [.. Symbols(eventsType), eventsId, tenant, last]);

        var (leavingType, leavingId) = Name();
        yield return Verb("passivate", "Has it leave memory, if it has nothing to do.", async call =>
            call.PrintMessage(await call.Node.PutAsync(PathOf(call, leavingType, leavingId, tenant), call.Cancellation, ("operation", "Passivate"))), [.. Symbols(leavingType), leavingId, tenant]);
    }

    private (Argument<string>? Type, Argument<string> Id) Name() =>
        (type is null ? Needed("TYPE", "conversation, document, partition or flags.") : null, Needed("ID", "Its id, or TENANT/ID."));

    private static Symbol[] Symbols(Argument<string>? typeArgument) => typeArgument is null ? [] : [typeArgument];

    private string PathOf(Call call, Argument<string>? typeArgument, Argument<string> id, Option<string> tenant)
    {
        var (kind, full) = (type ?? call.Value(typeArgument!)!, call.Value(id)!);
        return $"/entities/{Uri.EscapeDataString(kind)}/{Call.Escaped(kind is "flags" || full.Contains('/', StringComparison.Ordinal) ? full : $"{call.Value(tenant)}/{full}")}";
    }

    private static TableData State(JsonElement entity)
    {
        var table = new TableData(["", ""]) { Note = entity.GetProperty("redacted").GetBoolean() ? "Texts are hidden: that needs the role admin." : null };
        foreach (var field in entity.EnumerateObject().Where(field => field.Name is not ("state" or "events" or "redacted")))
        {
            table.Add(field.Name, JsonText.Short(field.Value));
        }

        if (entity.TryGetProperty("state", out var state))
        {
            foreach (var field in state.EnumerateObject())
            {
                table.Add("  " + field.Name, JsonText.Short(field.Value));
            }
        }

        return table;
    }

    private static TableData Events(JsonElement entity)
    {
        var table = new TableData(["seq", "at", "epoch", "event", ""]) { Note = entity.GetProperty("redacted").GetBoolean() ? "Texts are hidden: that needs the role admin." : null };
        foreach (var e in entity.Items("events"))
        {
            var fields = e.GetProperty("event");
            table.Add(
                e.Text("seq"), e.Text("at"), e.Text("epoch"), fields.Text("type"),
                string.Join(' ', fields.EnumerateObject().Where(field => field.Name is not ("type" or "at")).Select(field => $"{field.Name}={JsonText.Short(field.Value)}")));
        }

        return table;
    }
}
