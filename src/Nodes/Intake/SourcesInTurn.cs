using System.Runtime.CompilerServices;
using RagCluster.Ingestion.Sources;

namespace RagCluster.Nodes.Intake;

/// <summary>Several sources, one after the other; the last one may go on for ever.</summary>
internal sealed class SourcesInTurn(IReadOnlyList<IDocumentSource> sources) : IDocumentSource
{
    public async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var source in sources)
        {
            await foreach (var item in source.ReadAsync(cancellation))
            {
                yield return item;
            }
        }
    }
}
