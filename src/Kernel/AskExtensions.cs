using RagCluster.Kernel.Asks;
using RagCluster.Kernel.Cells;

namespace RagCluster.Kernel;

public static class AskExtensions
{
    /// <summary>
    /// Sends a request that carries a ref for one answer, and waits for that answer. A later one goes to the dead letters.
    /// </summary>
    /// <param name="request">Makes the request around the ref.</param>
    /// <exception cref="TimeoutException">No answer in time. What became of the request is unknown.</exception>
    /// <exception cref="ActorStoppedException">The actor had stopped; the request took no effect.</exception>
    /// <exception cref="ArgumentException">The target is not an actor of this process.</exception>
    public static ValueTask<TReply> AskAsync<TMessage, TReply>(
        this IActorRef<TMessage> target,
        Func<IActorRef<TReply>, TMessage> request,
        TimeSpan timeout,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero);
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<TReply>(cancellationToken);
        }

        if (target is not IMailboxRef<TMessage> mailbox || target is not ILocalActorRef local)
        {
            throw new ArgumentException($"{target.Path} is not an actor of this process: it cannot be asked.", nameof(target));
        }

        var ask = new PendingAsk<TReply>(local.System, target, timeout);
        return ask.Send(mailbox, request(ask), cancellationToken);
    }
}
