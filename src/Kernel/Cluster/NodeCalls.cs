using System.Buffers;
using System.Collections.Concurrent;
using RagCluster.Kernel.Cluster.Wire;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>A node could not be asked, or did not answer. Whether it did what it was asked for is not known.</summary>
public sealed class NodeCallException : Exception
{
    public NodeCallException()
    {
    }

    public NodeCallException(string message)
        : base(message)
    {
    }

    public NodeCallException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>
/// Requests from node to node that no entity is meant by, such as an operator's. Few and small, at most once, and never
/// between a client and its answer.
/// </summary>
internal sealed class NodeCalls(IRuntime runtime, Courier courier)
{
    /// <summary>Served at a time; more are refused.</summary>
    private const int MaxServed = 16;

    private readonly ConcurrentDictionary<long, (Peer Peer, TaskCompletionSource<ReadOnlyMemory<byte>> Done)> _pending = new();
    private long _last;
    private int _served;

    /// <summary>What this node does when it is called; null: it says that it cannot.</summary>
    public Func<ReadOnlyMemory<byte>, CancellationToken, Task<ReadOnlyMemory<byte>>>? Answer { get; set; }

    public async Task<ReadOnlyMemory<byte>> CallAsync(Peer peer, ReadOnlyMemory<byte> request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var id = Interlocked.Increment(ref _last);
        var done = new TaskCompletionSource<ReadOnlyMemory<byte>>(TaskCreationOptions.RunContinuationsAsynchronously);
        _pending[id] = (peer, done);
        using var deadline = new CancellationTokenSource(timeout, runtime.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            if (!await courier.SendAsync(peer, new CallMessage(id, timeout, request), either.Token))
            {
                cancellationToken.ThrowIfCancellationRequested();
                throw new NodeCallException($"{peer.Node} could not be reached.");
            }

            return await done.Task.OrCancelled(either.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new NodeCallException($"{peer.Node} did not answer within {timeout.TotalSeconds:0.#} s. A node of an older version cannot be asked by another.", e);
        }
        finally
        {
            _pending.TryRemove(id, out _);
        }
    }

    public void Received(Peer from, ref WireReader reader)
    {
        var (id, left) = (reader.Number(), TimeSpan.FromMilliseconds(reader.Int32()));
        if (Answer is not { } answer)
        {
            courier.TrySend(from, new CallReplyMessage(id, "The node cannot be asked, or not yet.", default));
        }
        else if (Interlocked.Increment(ref _served) > MaxServed)
        {
            Interlocked.Decrement(ref _served);
            courier.TrySend(from, new CallReplyMessage(id, "The node has too many such requests under way.", default));
        }
        else
        {
            var request = reader.Payload.ToArray();
            _ = runtime.Run(() => ServeAsync(from, id, left, request, answer));
        }
    }

    public void Answered(ref WireReader reader)
    {
        var (id, failure) = (reader.Number(), reader.OptionalText());
        if (!_pending.TryGetValue(id, out var pending))
        {
            return;
        }

        if (failure is null)
        {
            pending.Done.TrySetResult(reader.Payload.ToArray());
        }
        else
        {
            Fail(pending.Done, failure);
        }
    }

    public void LinkLost(Peer peer)
    {
        foreach (var pending in _pending.Values.Where(pending => pending.Peer == peer))
        {
            Fail(pending.Done, $"The link to {peer.Node} was lost before it answered.");
        }
    }

    private async Task ServeAsync(Peer from, long id, TimeSpan left, byte[] request, Func<ReadOnlyMemory<byte>, CancellationToken, Task<ReadOnlyMemory<byte>>> answer)
    {
        using var deadline = new CancellationTokenSource(left, runtime.Time);
        try
        {
            var reply = await answer(request, deadline.Token);
            await courier.SendAsync(from, new CallReplyMessage(id, null, reply), deadline.Token);
        }
        catch (Exception e)
        {
            // Told to who asked, who is the one that it matters to.
            courier.TrySend(from, new CallReplyMessage(id, e.Message, default));
        }
        finally
        {
            Interlocked.Decrement(ref _served);
        }
    }

    private static void Fail(TaskCompletionSource<ReadOnlyMemory<byte>> done, string reason)
    {
        if (done.TrySetException(new NodeCallException(reason)))
        {
            _ = done.Task.Exception;
        }
    }
}
