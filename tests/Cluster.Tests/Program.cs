namespace RagCluster.Cluster.Tests;

/// <summary>The soak's command line; without its verb, the tests.</summary>
public static class Program
{
    public static async Task<int> Main(string[] args) => args switch
    {
        ["soak", .. var rest] => await Soak.RunAsync(rest),
        _ => await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args),
    };
}
