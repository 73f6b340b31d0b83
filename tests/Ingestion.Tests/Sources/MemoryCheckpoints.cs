using RagCluster.Ingestion.Sources;

namespace RagCluster.Ingestion.Tests.Sources;

internal sealed class MemoryCheckpoints : ISourceCheckpoints
{
    public Dictionary<string, string> Saved { get; } = [];

    public ValueTask<string?> ReadAsync(string source, CancellationToken cancellation) => ValueTask.FromResult(Saved.GetValueOrDefault(source));

    public ValueTask SaveAsync(string source, string checkpoint, CancellationToken cancellation)
    {
        Saved[source] = checkpoint;
        return ValueTask.CompletedTask;
    }
}
