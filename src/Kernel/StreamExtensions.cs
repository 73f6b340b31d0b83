using System.Runtime.CompilerServices;
using RagCluster.Kernel.Cells;
using RagCluster.Kernel.Streams;

namespace RagCluster.Kernel;

public static class StreamExtensions
{
    /// <summary>
    /// Sends a request that carries a writer, and gives what is written to it. The request is sent when the reading
    /// starts, once per reading; leaving the loop tells the producer to stop.
    /// </summary>
    /// <param name="request">Makes the request around the writer.</param>
    /// <exception cref="StreamFailedException">While reading: the producer failed the stream.</exception>
    /// <exception cref="ActorStoppedException">While reading: the actor stopped before the stream's end.</exception>
    /// <exception cref="TimeoutException">While reading: silence for longer than <see cref="StreamOptions.IdleTimeout"/>.</exception>
    /// <exception cref="ArgumentException">The target is not an actor of this process.</exception>
    public static IAsyncEnumerable<TItem> StreamAsync<TMessage, TItem>(
        this IActorRef<TMessage> target,
        Func<IStreamWriter<TItem>, TMessage> request,
        StreamOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        if (target is not IMailboxRef<TMessage> mailbox || target is not ILocalActorRef local)
        {
            throw new ArgumentException($"{target.Path} is not an actor of this process: it cannot be asked for a stream.", nameof(target));
        }

        return ReadAsync(mailbox, local.System, request, (options ?? StreamOptions.Default).Validated(), cancellationToken);
    }

    private static async IAsyncEnumerable<TItem> ReadAsync<TMessage, TItem>(
        IMailboxRef<TMessage> mailbox,
        ActorSystem system,
        Func<IStreamWriter<TItem>, TMessage> request,
        StreamOptions options,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var stream = new ReplyStream<TItem>(system, mailbox, options);
        try
        {
            await stream.RequestAsync(mailbox, request(stream), cancellationToken);
            while (await stream.NextAsync(cancellationToken) is (true, var item))
            {
                yield return item;
            }
        }
        finally
        {
            stream.Leave();
        }
    }
}
