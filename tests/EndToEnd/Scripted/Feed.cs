using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace RagCluster.EndToEnd.Scripted;

/// <summary>A log with subscribers: what comes after a place in it, first from the log, then live, without gap or duplicate.</summary>
internal sealed class Feed<T>
{
    private readonly Lock _lock = new();
    private readonly List<T> _log = [];
    private readonly List<Channel<T>> _subscribers = [];

    public IReadOnlyList<T> Log
    {
        get
        {
            lock (_lock)
            {
                return [.. _log];
            }
        }
    }

    /// <summary>Appends what <paramref name="create"/> makes of the next sequence number (from 1).</summary>
    public T Append(Func<long, T> create)
    {
        lock (_lock)
        {
            var item = create(_log.Count + 1);
            _log.Add(item);
            foreach (var subscriber in _subscribers)
            {
                subscriber.Writer.TryWrite(item);
            }

            return item;
        }
    }

    public async IAsyncEnumerable<T> SubscribeAsync(long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var channel = Channel.CreateUnbounded<T>();
        lock (_lock)
        {
            foreach (var item in _log.Skip((int)after))
            {
                channel.Writer.TryWrite(item);
            }

            _subscribers.Add(channel);
        }

        try
        {
            await foreach (var item in channel.Reader.ReadAllAsync(cancellationToken))
            {
                yield return item;
            }
        }
        finally
        {
            lock (_lock)
            {
                _subscribers.Remove(channel);
            }
        }
    }
}
