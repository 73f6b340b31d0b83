using System.Runtime.CompilerServices;
using RagCluster.Actors;
using RagCluster.Actors.Catalog;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Simulation.World;

/// <summary>No lists at all: most seeds do without SQLite, which would cost them most of their time.</summary>
internal sealed class NoCatalog : ICatalog
{
    public static Task<ICatalog> OpenAsync(CastOptions options, Stage stage, CancellationToken cancellationToken) => Task.FromResult<ICatalog>(new NoCatalog());

    public ValueTask<DocumentPage> ListDocumentsAsync(Principal principal, DocumentListing listing, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult(new DocumentPage([], null));

    public ValueTask<IReadOnlyDictionary<DocumentStatus, int>> CountDocumentsAsync(TenantId tenant, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IReadOnlyDictionary<DocumentStatus, int>>(new Dictionary<DocumentStatus, int>());

    public async IAsyncEnumerable<DocumentRow> WatchDocumentsAsync(Principal principal, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask;
        yield break;
    }

    public Task CaughtUpAsync(CancellationToken cancellationToken = default) => Task.CompletedTask;

    public ValueTask<IReadOnlyList<ConversationRow>> ListConversationsAsync(Principal principal, int limit, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IReadOnlyList<ConversationRow>>([]);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
