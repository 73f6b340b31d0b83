using Spectre.Console;

namespace RagCluster.Nodes.Evaluation;

/// <summary>Shows on standard error how far an evaluation is: a bar where a person looks on, a line a phase elsewhere.</summary>
internal sealed class EvaluationProgress(TextWriter error, bool interactive)
{
    public static EvaluationProgress Silent { get; } = new(TextWriter.Null, interactive: false);

    public static EvaluationProgress OnStandardError()
    {
        var console = Console(System.Console.Error);
        return new EvaluationProgress(System.Console.Error, !System.Console.IsErrorRedirected && console.Profile.Capabilities.Interactive);
    }

    /// <summary>Runs one phase of the work.</summary>
    /// <param name="work">Is given what to call with how much of how much is done, from any thread.</param>
    public async Task<T> ShowAsync<T>(string title, Func<Action<int, int>, Task<T>> work)
    {
        if (!interactive)
        {
            error.WriteLine(title);
            return await work(static (_, _) => { });
        }

        return await Console(error).Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new SpinnerColumn())
            .StartAsync(async context =>
            {
                var bar = context.AddTask(Markup.Escape(title), maxValue: 1);
                var result = await work((done, of) =>
                {
                    bar.MaxValue = Math.Max(of, 1);
                    bar.Value = done;
                });
                bar.Value = bar.MaxValue;
                return result;
            });
    }

    /// <summary>Says what the user should know beside the result.</summary>
    public void Warn(string text) => error.WriteLine($"Note: {text}");

    private static IAnsiConsole Console(TextWriter output) => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
}
