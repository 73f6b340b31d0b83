using System.CommandLine;
using RagCluster.Configuration;
using RagCluster.Inference;
using RagCluster.Inference.Prompting;
using RagCluster.Ingestion.Isolation;
using RagCluster.Kernel.Journal;
using RagCluster.Nodes.Client;
using RagCluster.Nodes.Hosting;

namespace RagCluster.Nodes.Commands;

/// <summary>The command line: what there is, and how its failures reach people and scripts.</summary>
internal static class Cli
{
    public static async Task<int> RunAsync(string[] args)
    {
        if (args is ["parse-worker", ..])
        {
            // The child process that parses binary formats; it must start fast and know nothing else.
            return await ParseWorker.RunAsync(args[1..], CancellationToken.None);
        }

        var common = new CommonOptions();
        var root = new RootCommand("RagCluster: documents in, cited answers out.")
        {
            ServeCommand.Create(common),
            IngestCommand.Create(common),
            AskCommand.Create(common),
            SearchCommand.Create(common),
            ChatCommand.Create(common),
            ClusterCommand.Create(common),
            ModelsCommand.Create(common),
            BenchCommand.Create(common),
            EvalCommand.Create(common),
            StoreCommand.Create(common),
            HealthCommand.Create(common),
        };
        common.AddTo(root);
        root.SetAction((result, cancellationToken) => ServeCommand.RunAsync(common, result, cancellationToken));

        var parsed = root.Parse(args);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
            {
                Console.Error.WriteLine($"ragcluster: {error.Message}");
            }

            Console.Error.WriteLine("Try: ragcluster --help");
            return ExitCodes.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(new InvocationConfiguration
            {
                EnableDefaultExceptionHandler = false,

                // A node ends its work in order; its own budget (ragcluster.kernel.shutdown-timeout) is what limits that.
                ProcessTerminationTimeout = TimeSpan.FromMinutes(2),
            });
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Interrupted;
        }
        catch (Exception e) when (Explain(e) is { } explained)
        {
            Console.Error.WriteLine($"ragcluster: {explained.Message}");
            return explained.ExitCode;
        }
    }

    /// <summary>What to tell the user; null for what is a defect of ours and shows its stack trace.</summary>
    private static (string Message, int ExitCode)? Explain(Exception exception) => exception switch
    {
        CommandException e => (e.Message, e.ExitCode),
        InvalidConfigurationException e => (e.Message, ExitCodes.Usage),
        NodeRefusedException e => (e.Message, ExitCodes.Failure),
        HttpRequestException e => ($"The node cannot be reached: {e.Message} Is it running? Look at --node and --data.", ExitCodes.Failure),
        MembershipLostException e => (e.Message, ExitCodes.Lost),
        StoreException e => (e.Message, ExitCodes.Failure),
        InferenceException e => (e.Message, ExitCodes.Failure),
        PromptTemplateException e => (e.Message, ExitCodes.Usage),
        IOException or UnauthorizedAccessException or TimeoutException => (exception.Message, ExitCodes.Failure),
        _ => null,
    };
}
