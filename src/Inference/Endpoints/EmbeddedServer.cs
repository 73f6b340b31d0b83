namespace RagCluster.Inference.Endpoints;

/// <summary>What is built in is always there.</summary>
internal sealed class EmbeddedServer(string model) : IModelServer
{
    public Task<IReadOnlyList<ServedModel>?> ListAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<ServedModel>?>([new(model, Loaded: true)]);

    public Task<int?> QueueLengthAsync(CancellationToken cancellationToken) => Task.FromResult<int?>(null);

    public IAsyncEnumerable<PullProgress> PullAsync(string model, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The embedded models are part of the program.");

    public void Dispose()
    {
    }
}
