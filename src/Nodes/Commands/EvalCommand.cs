using System.CommandLine;
using RagCluster.Actors.Search;
using RagCluster.Configuration.Options;
using RagCluster.Nodes.Benchmarks;
using RagCluster.Nodes.Evaluation;

namespace RagCluster.Nodes.Commands;

/// <summary>ragcluster eval: how good search and answers are on documents and questions of the user's own.</summary>
internal static class EvalCommand
{
    /// <summary>What lexical search ranks by, which is the name that many know it by.</summary>
    private const string Bm25 = "bm25";

    public static Command Create(CommonOptions common)
    {
        var compare = new Option<string[]>("--compare") { Description = "Two results of --json, side by side.", HelpName = "FILE FILE", Arity = new ArgumentArity(2, 2), AllowMultipleArgumentsPerToken = true };
        var command = new Command("eval", "Measures search and answers against what should be found. Uses a temporary folder in the data folder and nothing of yours.")
        {
            compare,
            Retrieval(common),
            Answers(common),
            Chunking(common),
            Fit(common),
            Compare(common),
        };
        command.SetAction(result => result.GetValue(compare) is [var first, var second]
            ? Compare(common, result, first, second)
            : throw new CommandException("What is to be measured? Try: ragcluster eval --help", ExitCodes.Usage));
        return command;
    }

    private static Command Retrieval(CommonOptions common)
    {
        var folder = Folder("A folder of corpus.jsonl, queries.jsonl and qrels.tsv.");
        var mode = Mode();
        var run = new Option<string?>("--run") { Description = "Write the rankings there, in TREC's form.", HelpName = "FILE" };
        var where = Where();
        var command = new Command("retrieval", "Search: nDCG, MAP, MRR, recall.") { folder, mode, run, where };
        command.SetAction((result, cancellationToken) => RunAsync(common, result, folder, async (options, path, progress) =>
        {
            var set = RetrievalSet.Read(path, Filter(result.GetValue(where)));
            var evaluation = new RetrievalEvaluation(set, ModeOf(result, mode), progress);

            // A run that cannot be written is to be known before minutes of work, not after.
            using var writer = result.GetValue(run) is { } file ? OpenRun(file, set) : null;
            var found = await OnNodeAsync(options, node => evaluation.RunAsync(node, cancellationToken), cancellationToken);
            if (writer is not null)
            {
                RunFile.Write(writer, evaluation.Rankings);
            }

            return found;
        }));
        return command;
    }

    private static StreamWriter OpenRun(string file, RetrievalSet set)
    {
        RunFile.RequireUsable([.. set.Queries.Select(q => q.Id), .. set.Corpus.Documents.Select(d => d.Id)]);
        return new StreamWriter(file);
    }

    private static Command Answers(CommonOptions common)
    {
        var folder = Folder("A folder of corpus.jsonl or library/, and queries.jsonl or questions.jsonl.");
        var command = new Command("answers", "Answers and citations against expected answers.") { folder };
        command.SetAction((result, cancellationToken) => RunAsync(common, result, folder, (options, path, progress) =>
        {
            var evaluation = new AnswerEvaluation(AnswerSet.Read(path, options.Ingestion), progress);
            return OnNodeAsync(options, node => evaluation.RunAsync(node, cancellationToken), cancellationToken);
        }));
        return command;
    }

    private static Command Chunking(CommonOptions common)
    {
        var folder = Folder("A folder of corpora/ and queries.jsonl.");
        var mode = Mode();
        var k = new Option<int>("-k") { Description = "Passages a question.", DefaultValueFactory = _ => 5, HelpName = "N" };
        k.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 1 or > 100)
            {
                result.AddError("-k is from 1 to 100.");
            }
        });
        var command = new Command("chunking", "Chunks against the exact spans that answer.") { folder, mode, k };
        command.SetAction((result, cancellationToken) => RunAsync(common, result, folder, (options, path, progress) =>
        {
            var evaluation = new ChunkingEvaluation(ChunkingSet.Read(path), ModeOf(result, mode), result.GetValue(k), progress);
            return OnNodeAsync(options, node => evaluation.RunAsync(node, cancellationToken), cancellationToken);
        }));
        return command;
    }

    private static Command Fit(CommonOptions common)
    {
        var folder = Folder("A folder of corpus.jsonl, queries.jsonl and qrels.tsv.");
        var where = Where();
        var folds = new Option<int>("--folds") { Description = "In how many parts the queries are held out in turn.", DefaultValueFactory = _ => 5, HelpName = "N" };
        folds.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 2 or > 20)
            {
                result.AddError("--folds is from 2 to 20.");
            }
        });
        var command = new Command("fit", "Fits the weights of hybrid search to judgments, and says by held-out queries what that is worth.") { folder, where, folds };
        command.SetAction(async (result, cancellationToken) =>
        {
            var fitted = await ReadAsync(common, result, folder, (options, path, progress) =>
            {
                var evaluation = new FitEvaluation(RetrievalSet.Read(path, Filter(result.GetValue(where))), result.GetValue(folds), progress);
                return OnNodeAsync(options, node => evaluation.RunAsync(node, cancellationToken), cancellationToken);
            });
            if (result.GetValue(common.Json))
            {
                Console.Out.WriteLine(fitted.ToJson());
            }
            else
            {
                fitted.Write(Console.Out);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static Option<string?> Where()
    {
        var where = new Option<string?>("--where") { Description = "Only queries whose line has this property with this value.", HelpName = "NAME=VALUE" };
        where.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>()?.IndexOf('=', StringComparison.Ordinal) is < 1)
            {
                result.AddError("--where is NAME=VALUE, such as --where complete=true.");
            }
        });
        return where;
    }

    private static (string Name, string Value)? Filter(string? where) =>
        where?.IndexOf('=', StringComparison.Ordinal) is { } at ? (where[..at], where[(at + 1)..]) : null;

    private static Command Compare(CommonOptions common)
    {
        var first = new Argument<string>("first") { Description = "A result of --json." };
        var second = new Argument<string>("second") { Description = "Another one over the same queries." };
        var command = new Command("compare", "Two results side by side, with the probability that their difference is chance.") { first, second };
        command.SetAction(result => Compare(common, result, result.GetValue(first)!, result.GetValue(second)!));
        return command;
    }

    private static int Compare(CommonOptions common, ParseResult result, string first, string second)
    {
        try
        {
            var comparison = Comparison.Of(first, second);
            if (result.GetValue(common.Json))
            {
                Console.Out.WriteLine(comparison.ToJson());
            }
            else
            {
                comparison.Write(Console.Out);
            }

            return ExitCodes.Success;
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(e.Message, ExitCodes.Usage);
        }
    }

    private static async Task<int> RunAsync(
        CommonOptions common, ParseResult result, Argument<string> folder, Func<RagClusterOptions, string, EvaluationProgress, Task<EvaluationResult>> evaluate)
    {
        var found = await ReadAsync(common, result, folder, evaluate);
        if (result.GetValue(common.Json))
        {
            Console.Out.WriteLine(found.ToJson());
        }
        else
        {
            found.Write(Console.Out);
        }

        return found.FailedDocuments > 0 ? ExitCodes.Partial : ExitCodes.Success;
    }

    private static async Task<T> ReadAsync<T>(
        CommonOptions common, ParseResult result, Argument<string> folder, Func<RagClusterOptions, string, EvaluationProgress, Task<T>> evaluate)
    {
        if (result.GetValue(common.Node) is not null)
        {
            throw new CommandException("eval measures on a node of its own; leave out --node.", ExitCodes.Usage);
        }

        var path = result.GetValue(folder)!;
        if (!Directory.Exists(path))
        {
            throw new CommandException($"There is no folder {path}.", ExitCodes.Usage);
        }

        try
        {
            return await evaluate(common.Load(result).Options, path, EvaluationProgress.OnStandardError());
        }
        catch (InvalidDataException e)
        {
            throw new CommandException(e.Message, ExitCodes.Usage);
        }
    }

    private static async Task<T> OnNodeAsync<T>(RagClusterOptions options, Func<EvaluationNode, Task<T>> evaluate, CancellationToken cancellationToken)
    {
        using var temporary = new TemporaryFolder(options.DataFolder);
        await using var node = await EvaluationNode.StartAsync(options, temporary.New("node"), cancellationToken);
        return await evaluate(node);
    }

    private static SearchMode ModeOf(ParseResult result, Option<string> mode) =>
        result.GetValue(mode) == Bm25 ? SearchMode.Lexical : Enum.Parse<SearchMode>(result.GetValue(mode)!, ignoreCase: true);

    private static Option<string> Mode()
    {
        var mode = new Option<string>("--mode") { Description = "hybrid, lexical (or bm25) or vector.", DefaultValueFactory = _ => "hybrid" };
        mode.AcceptOnlyFromAmong("hybrid", "lexical", Bm25, "vector");
        return mode;
    }

    private static Argument<string> Folder(string description) => new("folder") { Description = description };
}
