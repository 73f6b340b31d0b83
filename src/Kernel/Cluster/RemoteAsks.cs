using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Json.Serialization.Metadata;
using RagCluster.Kernel.Cluster.Wire;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>What came back for a command that was sent to another node.</summary>
/// <param name="Reply">Only with <see cref="Outcome.Done"/>.</param>
/// <param name="Route">Only with <see cref="Outcome.Moved"/>.</param>
internal readonly record struct RemoteReply<TReply>(Outcome Outcome, Committed<TReply> Reply, string? Reason = null, ShardRoute? Route = null);

/// <summary>A command on another node whose reply has not come yet.</summary>
internal abstract class PendingAsk(long id, int shardId, Peer owner)
{
    public long Id => id;

    public int ShardId => shardId;

    public Peer Owner => owner;

    public abstract void Answer(ref WireReader reply);

    /// <summary>Nothing will come any more.</summary>
    public abstract void Lose(string reason);
}

internal sealed class PendingAsk<TReply>(long id, int shardId, Peer owner, JsonTypeInfo<TReply> json) : PendingAsk(id, shardId, owner)
{
    private readonly TaskCompletionSource<RemoteReply<TReply>> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override void Answer(ref WireReader reply)
    {
        var outcome = (Outcome)reply.Byte();
        if (outcome == Outcome.Done)
        {
            var seq = reply.Number();
            _done.TrySetResult(new RemoteReply<TReply>(outcome, new Committed<TReply>(WireJson.Read(reply.Payload, json), seq)));
        }
        else
        {
            var reason = reply.OptionalText();
            _done.TrySetResult(new RemoteReply<TReply>(outcome, default, reason, RouteWire.Read(ref reply).Route));
        }
    }

    public override void Lose(string reason) => _done.TrySetResult(new RemoteReply<TReply>(Outcome.LinkLost, default, reason));

    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public async ValueTask<RemoteReply<TReply>> ReplyAsync(CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource<RemoteReply<TReply>>)state!).TrySetCanceled(token), _done);
        return await _done.Task;
    }
}

/// <summary>This node's commands that are under way on others.</summary>
internal sealed class RemoteAsks
{
    private readonly ConcurrentDictionary<long, PendingAsk> _pending = new();
    private long _last;

    public int Count => _pending.Count;

    public long NextId() => Interlocked.Increment(ref _last);

    public void Add(PendingAsk ask) => _pending[ask.Id] = ask;

    public void Remove(PendingAsk ask) => _pending.TryRemove(ask.Id, out _);

    public void Answer(ref WireReader reply)
    {
        if (_pending.TryGetValue(reply.Number(), out var ask))
        {
            try
            {
                ask.Answer(ref reply);
            }
            catch (InvalidDataException e)
            {
                ask.Lose(e.Message);
                throw;
            }
        }
    }

    public void LinkLost(Peer peer) => Lose(ask => ask.Owner == peer, $"The link to {peer} was lost.");

    /// <summary>The shard has another owner: what was sent to the former one may never be answered.</summary>
    public void Moved(int shardId, Peer owner) => Lose(ask => ask.ShardId == shardId && ask.Owner != owner, "The shard has another owner.");

    private void Lose(Func<PendingAsk, bool> which, string reason)
    {
        // In order of their ids, for the order in which those who wait go on is a part of what a seed replays.
        foreach (var ask in _pending.Values.Where(which).OrderBy(ask => ask.Id))
        {
            ask.Lose(reason);
        }
    }
}
