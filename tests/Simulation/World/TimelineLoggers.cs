using Microsoft.Extensions.Logging;

namespace RagCluster.Simulation.World;

/// <summary>Brings what nodes log into the timeline.</summary>
internal sealed class TimelineLoggers(Cluster cluster, string machine) : ILoggerFactory
{
    public void AddProvider(ILoggerProvider provider)
    {
    }

    public ILogger CreateLogger(string categoryName) => new Logger(cluster, machine);

    public void Dispose()
    {
    }

    private sealed class Logger(Cluster cluster, string machine) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            cluster.Timeline.AddText(cluster.Now, machine, $"{formatter(state, exception)}{(exception is null ? "" : $" ({exception.GetType().Name}: {exception.Message})")}");
    }
}
