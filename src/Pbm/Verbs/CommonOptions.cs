using System.CommandLine;
using RagCluster.Pbm.Connection;

namespace RagCluster.Pbm.Verbs;

/// <summary>The options that every verb takes.</summary>
internal sealed class CommonOptions
{
    private const string UrlVariable = "PBM_URL";
    private const string TokenVariable = "PBM_TOKEN";

    public Option<string?> Url { get; } = new("--url") { Description = $"The management port of any node; without it PBM_URL, the current context, or {Contexts.DefaultUrl}.", HelpName = "URL", Recursive = true };

    public Option<string?> Context { get; } = new("--context", "-x") { Description = "A context that \"context add\" has made.", HelpName = "NAME", Recursive = true };

    public Option<string?> TokenFile { get; } = new("--token-file") { Description = "A file with the token, or env:NAME; without it PBM_TOKEN, or the context's.", HelpName = "FILE", Recursive = true };

    public Option<string?> Node { get; } = new("--node", "-n") { Description = "The verb is for this node, by way of the one that is reached.", HelpName = "NAME", Recursive = true };

    public Option<double> Timeout { get; } = new("--timeout") { Description = "How long to wait for an answer.", HelpName = "SECONDS", Recursive = true, DefaultValueFactory = _ => 30 };

    public Option<bool> Json { get; } = new("--json") { Description = "Print JSON, as the node sends it.", Recursive = true };

    public Option<double?> Watch { get; } = new("--watch", "-w") { Description = "Show it again and again, every so many seconds (1), until Ctrl-C.", HelpName = "SECONDS", Arity = ArgumentArity.ZeroOrOne };

    public void AddTo(Command root)
    {
        foreach (var option in new Option[] { Url, Context, TokenFile, Node, Timeout, Json })
        {
            root.Options.Add(option);
        }
    }

    /// <summary>What wins, from the strongest: options, the environment, a named context, the current one.</summary>
    /// <exception cref="PbmException">There is no such context.</exception>
    public ManagementClient Connect(ParseResult result)
    {
        var (url, file) = (result.GetValue(Url) ?? Variable(UrlVariable), result.GetValue(TokenFile) ?? (Variable(TokenVariable) is null ? null : "env:" + TokenVariable));
        var context = new Context(url ?? Contexts.DefaultUrl);
        if (result.GetValue(Context) is { } name)
        {
            context = Contexts.Read().Known.GetValueOrDefault(name) ?? throw new PbmException($"There is no context \"{name}\"; \"pbm context list\" shows those that there are.", ExitCodes.Usage);
            context = url is null ? context : context with { Url = url };
        }
        else if (url is null && Contexts.Read() is { Current: { } current } contexts)
        {
            context = contexts.Known.GetValueOrDefault(current) ?? context;
        }

        return new ManagementClient(file is null ? context : context with { TokenFile = file }, result.GetValue(Node), TimeSpan.FromSeconds(Math.Clamp(result.GetValue(Timeout), 0.1, 3600)));
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
