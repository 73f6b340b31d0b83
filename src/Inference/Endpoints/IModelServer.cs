namespace RagCluster.Inference.Endpoints;

/// <summary>A model that a server offers.</summary>
/// <param name="Loaded">Whether it is in memory now; null where the server does not say.</param>
/// <param name="Bytes">Its size on the disk, or in memory if it is loaded; null where the server does not say.</param>
public sealed record ServedModel(string Name, bool? Loaded = null, long? Bytes = null, string? Detail = null);

/// <summary>How far a server is with fetching a model.</summary>
/// <param name="Status">In the server's words.</param>
/// <param name="Completed">Bytes of the part that is being fetched; null where there is none.</param>
public sealed record PullProgress(string Status, long? Completed, long? Total);

/// <summary>A model server beside its answers: what it offers, how busy it is. Failures are <see cref="InferenceException"/>s.</summary>
public interface IModelServer : IDisposable
{
    /// <summary>The models that it offers; null where it answers and does not tell.</summary>
    Task<IReadOnlyList<ServedModel>?> ListAsync(CancellationToken cancellationToken);

    /// <summary>Requests that wait in the server; null where it does not tell.</summary>
    Task<int?> QueueLengthAsync(CancellationToken cancellationToken);

    /// <summary>Whether a model of the list is the one that requests name.</summary>
    bool Offers(IReadOnlyList<ServedModel> models, string name) => models.Any(m => m.Name == name);

    /// <summary>Has the server fetch a model, and tells how far it is until it is there.</summary>
    /// <exception cref="NotSupportedException">It is no server that can.</exception>
    IAsyncEnumerable<PullProgress> PullAsync(string model, CancellationToken cancellationToken);
}
