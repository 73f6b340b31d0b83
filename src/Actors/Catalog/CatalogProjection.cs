using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Projections;

namespace RagCluster.Actors.Catalog;

/// <summary>One log's part of the catalog. The parts share a connection, so they take turns.</summary>
internal sealed class CatalogProjection(string name, CatalogWriter writer, Permits turn, Action<int, IReadOnlyList<JournalRecord>> apply) : IProjection
{
    public string Name => name;

    public async ValueTask<long> PositionAsync(int shardId, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            return writer.Position(shardId);
        }
        finally
        {
            turn.Release();
        }
    }

    public async ValueTask ApplyAsync(int shardId, IReadOnlyList<JournalRecord> events, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            apply(shardId, events);
        }
        finally
        {
            turn.Release();
        }
    }
}
