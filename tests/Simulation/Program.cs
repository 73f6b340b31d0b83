using RagCluster.Simulation.Commands;

namespace RagCluster.Simulation;

/// <summary>The simulator's command line; without one of its verbs, the tests.</summary>
public static class Program
{
    public static async Task<int> Main(string[] args) => args switch
    {
        ["run", .. var rest] => RunCommand.Execute(rest),
        ["replay", .. var rest] => ReplayCommand.Execute(rest),
        ["profile", .. var rest] => ProfileCommand.Execute(rest),
        ["plant", .. var rest] => PlantCommand.Execute(rest),
        ["planted", .. var rest] => PlantedCommand.Execute(rest),
        _ => await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(args),
    };
}
