namespace RagCluster.Cluster.Tests.Load;

/// <summary>What one reader of a conversation saw, through however many connections.</summary>
internal sealed class SeenStream(string conversation)
{
    private readonly Lock _gate = new();
    private readonly List<(TimeSpan At, long Seq, string Frame)> _items = [];

    public string Conversation => conversation;

    public long Last
    {
        get
        {
            lock (_gate)
            {
                return _items.Count == 0 ? 0 : _items[^1].Seq;
            }
        }
    }

    public IReadOnlyList<(TimeSpan At, long Seq, string Frame)> Items
    {
        get
        {
            lock (_gate)
            {
                return [.. _items];
            }
        }
    }

    public void Add(TimeSpan at, long seq, string frame)
    {
        lock (_gate)
        {
            _items.Add((at, seq, frame));
        }
    }
}
