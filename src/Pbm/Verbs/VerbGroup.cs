using System.CommandLine;
using RagCluster.Pbm.Shell;

namespace RagCluster.Pbm.Verbs;

/// <summary>Verbs that belong together, such as "cluster".</summary>
internal abstract class VerbGroup(string name, string description)
{
    /// <summary>In the order in which help shows them.</summary>
    public static IReadOnlyList<VerbGroup> All { get; } =
    [
        new ClusterVerbs(), new ShardingVerbs(), new ActorVerbs(), new EntityVerbs("document", "document"), new EntityVerbs("conversation", "conversation"), new EntityVerbs("entity", null),
        new IngestVerbs(), new InferenceVerbs(), new LogVerbs(), new ConfigVerbs(), new FlagVerbs(), new StoreVerbs(), new HealthVerbs(), new ContextVerbs(),
    ];

    protected CommonOptions Options { get; private set; } = null!;

    private Terminal Terminal { get; set; } = null!;

    public Command Create(CommonOptions options, Terminal terminal)
    {
        (Options, Terminal) = (options, terminal);
        var group = new Command(name, description);
        foreach (var verb in Verbs())
        {
            group.Subcommands.Add(verb);
        }

        return group;
    }

    protected abstract IEnumerable<Command> Verbs();

    protected Command Verb(string verb, string what, Func<Call, Task<int>> run, params Symbol[] symbols)
    {
        var command = new Command(verb, what);
        foreach (var symbol in symbols)
        {
            switch (symbol)
            {
                case Option option:
                    command.Options.Add(option);
                    break;
                case Argument argument:
                    command.Arguments.Add(argument);
                    break;
                default:
                    throw new ArgumentException($"A verb takes options and arguments, not {symbol.GetType().Name}.", nameof(symbols));
            }
        }

        var (options, terminal) = (Options, Terminal);
        command.SetAction(async (result, cancellationToken) =>
        {
            using var call = new Call(result, options, terminal, cancellationToken);
            return await run(call);
        });
        return command;
    }

    /// <summary>A verb that shows tables, and again and again with --watch.</summary>
    protected Command Shown(string verb, string what, Func<Call, Task<int>> run, params Symbol[] symbols) => Verb(verb, what, run, [.. symbols, Options.Watch]);

    protected static Argument<string> Needed(string argument, string what) => new(argument) { Description = what };

    protected static Argument<string?> Optional(string argument, string what) => new(argument) { Description = what, Arity = ArgumentArity.ZeroOrOne };

    protected static Option<int?> Number(string option, string what) => new(option) { Description = what, HelpName = "N" };
}
