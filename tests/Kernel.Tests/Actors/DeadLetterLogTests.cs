using Microsoft.Extensions.Logging;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Actors;

public class DeadLetterLogTests
{
    [Fact]
    public void A_flood_of_dead_letters_is_a_few_lines_and_a_number()
    {
        var world = new SimulatedRuntime(seed: 6);
        using var log = new Lines();
        var system = new ActorSystem("test", world, new ActorSystemOptions { DeadLetterLogsPerSecond = 3 }, log);
        var actor = system.Spawn("gone", () => new LambdaActor<string>((_, _) => { }));
        world.RunToEnd(() => system.StopAsync(actor));
        for (var i = 0; i < 100; i++)
        {
            actor.TryTell("flood");
        }

        log.All.Count.ShouldBe(3);
        world.RunFor(TimeSpan.FromSeconds(1));
        actor.TryTell("later");
        log.All.Count.ShouldBe(4);
        log.All[^1].ShouldBe("A String for /user/gone reached nobody: Stopped. 97 more were not logged.");
    }

    private sealed class Lines : ILoggerFactory, ILogger
    {
        public List<string> All { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            All.Add(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
