using RagCluster.Inference.Routing;

namespace RagCluster.Actors.Inference;

using Vector = Messages.Partitions.Embedding;

/// <summary>Texts that somebody waits for.</summary>
internal sealed class EmbeddingRequest(EmbedTexts message)
{
    private readonly Vector[] _vectors = new Vector[message.Texts.Count];
    private int _missing = message.Texts.Count;

    public EmbedTexts Message => message;

    public List<EmbeddingItem> Items { get; } = new(message.Texts.Count);

    public bool IsOver => message.Done.Task.IsCompleted || message.Abandoned.IsCancellationRequested;

    public void Set(int index, Vector vector)
    {
        _vectors[index] = vector;
        if (--_missing == 0)
        {
            message.Done.TrySetResult(_vectors);
        }
    }
}

/// <summary>One text of a request. Each is itself only, whatever its text is.</summary>
internal sealed class EmbeddingItem(EmbeddingRequest request, int index, int tokens)
{
    public EmbeddingRequest Request => request;

    public int Index => index;

    public int Tokens => tokens;

    public string Text => request.Message.Texts[index];
}

/// <summary>Texts that go to an endpoint together, and where they have been.</summary>
internal sealed class EmbeddingBatch(IReadOnlyList<EmbeddingItem> items, TimeSpan began)
{
    public IReadOnlyList<EmbeddingItem> Items => items;

    public TimeSpan Began => began;

    public long Tokens { get; } = items.Sum(static i => (long)i.Tokens);

    /// <summary>Where it failed.</summary>
    public List<EndpointState> Tried { get; } = [];

    /// <summary>Under way: one, or two of which the first to answer counts.</summary>
    public List<EmbeddingCall> Calls { get; } = [];

    public bool IsOver { get; set; }
}

/// <summary>A batch at an endpoint.</summary>
internal sealed class EmbeddingCall(EmbeddingBatch batch, EndpointState endpoint, TimeSpan began, bool isSecond)
{
    public EmbeddingBatch Batch => batch;

    public EndpointState Endpoint => endpoint;

    public TimeSpan Began => began;

    public bool IsSecond => isSecond;

    public CancellationTokenSource Cancellation { get; } = new();
}
