using System.CommandLine;
using RagCluster.Pbm.Connection;
using RagCluster.Pbm.Output;

namespace RagCluster.Pbm.Verbs;

internal sealed class ContextVerbs() : VerbGroup("context", "The clusters that you administer.")
{
    protected override IEnumerable<Command> Verbs()
    {
        yield return Verb("list", "Those that there are.", call =>
        {
            var contexts = Contexts.Read();
            var table = new TableData(["context", "url", "token", "certificate"]) { Note = $"* is the current one. They are in {Contexts.File}." };
            foreach (var (name, context) in contexts.Known)
            {
                table.Add(name + (name == contexts.Current ? "*" : ""), context.Url, context.TokenFile ?? "", context.Certificate ?? "");
            }

            if (call.Json)
            {
                call.Terminal.Out.WriteLine(System.Text.Json.JsonSerializer.Serialize(contexts, ContextsJson.Default.Contexts));
            }
            else
            {
                PlainTable.Write(call.Terminal.Out, [table]);
            }

            return Task.FromResult(ExitCodes.Success);
        });

        var added = Needed("NAME", "How you want to call it.");
        var url = Needed("URL", "The management port of any of its nodes.");
        var authorities = new Option<string?>("--ca") { Description = "A PEM file with the authorities that signed the nodes' certificates.", HelpName = "FILE" };
        var certificate = new Option<string?>("--cert") { Description = "A PEM file with your certificate.", HelpName = "FILE" };
        var key = new Option<string?>("--key") { Description = "A PEM file with its key.", HelpName = "FILE" };
        yield return Verb("add", "Adds one, or replaces it, and makes it the current one. --token-file says where its token is.", call =>
        {
            var context = new Context(call.Value(url)!, Full(call.Value(Options.TokenFile)), Full(call.Value(authorities)), Full(call.Value(certificate)), Full(call.Value(key)));
            using (new ManagementClient(context, null, TimeSpan.FromSeconds(1)))
            {
                // Its address and its files are good.
            }

            var contexts = Contexts.Read();
            contexts.Known[call.Value(added)!] = context;
            (contexts with { Current = call.Value(added) }).Write();
            call.Terminal.Out.WriteLine($"{call.Value(added)} is {call.Value(url)}, and the current context.");
            return Task.FromResult(ExitCodes.Success);
        }, added, url, authorities, certificate, key);

        var used = Known("The one to be the current one.");
        yield return Verb("use", "Makes one the current one.", call => Change(call, used, (contexts, name) => contexts with { Current = name }, "is the current context"), used);
        var removed = Known("The one to forget.");
        yield return Verb("remove", "Forgets one.", call => Change(call, removed, (contexts, name) =>
        {
            contexts.Known.Remove(name);
            return contexts with { Current = contexts.Current == name ? null : contexts.Current };
        }, "is forgotten"), removed);
    }

    private static Argument<string> Known(string what)
    {
        var argument = Needed("NAME", what);
        argument.CompletionSources.Add(_ => Contexts.Read().Known.Keys.Select(name => new System.CommandLine.Completions.CompletionItem(name)));
        return argument;
    }

    private static Task<int> Change(Call call, Argument<string> argument, Func<Contexts, string, Contexts> change, string done)
    {
        var (contexts, name) = (Contexts.Read(), call.Value(argument)!);
        if (!contexts.Known.ContainsKey(name))
        {
            throw new PbmException($"There is no context \"{name}\"; there are: {string.Join(", ", contexts.Known.Keys)}.", ExitCodes.Usage);
        }

        change(contexts, name).Write();
        call.Terminal.Out.WriteLine($"{name} {done}.");
        return Task.FromResult(ExitCodes.Success);
    }

    private static string? Full(string? place) => place is null || place.StartsWith("env:", StringComparison.Ordinal) ? place : Path.GetFullPath(place);
}
