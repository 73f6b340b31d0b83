namespace RagCluster.Kernel.Streams;

/// <summary>
/// The producing end of an answer in many items. It travels in the request, as a reply ref does. It may write as many
/// items as the reader has given credit for; the reader gives one more for each item that it takes.
/// </summary>
/// <remarks>Safe from any thread. Whoever gets it must end it: <see cref="Complete"/> or <see cref="Fail"/>.</remarks>
public interface IStreamWriter<in TItem>
{
    /// <summary>Cancelled when the reader has gone: give up the work that only this stream needs.</summary>
    CancellationToken ReaderGone { get; }

    /// <summary>False: there is no credit at the moment, or the stream has ended.</summary>
    bool TryWrite(TItem item);

    /// <summary>Waits for credit; waiting writes pass in their order. False: the reader has gone, or the stream has ended.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first; the item was not written.</exception>
    ValueTask<bool> WriteAsync(TItem item, CancellationToken cancellationToken = default);

    /// <summary>The reader gets what was written and then the end. Nothing happens if the stream has ended already.</summary>
    void Complete();

    /// <summary>The reader gets what was written and then a <see cref="StreamFailedException"/> around this.</summary>
    void Fail(Exception failure);
}

/// <summary>The producer ended its stream with a failure, which is the inner exception.</summary>
public sealed class StreamFailedException : Exception
{
    public StreamFailedException()
    {
    }

    public StreamFailedException(string message)
        : base(message)
    {
    }

    public StreamFailedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

public sealed record StreamOptions
{
    public static StreamOptions Default { get; } = new();

    /// <summary>How many items may be written and not yet read.</summary>
    public int Window { get; init; } = 32;

    /// <summary>How long the producer may be silent, before the first item and between any two.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(30);

    internal StreamOptions Validated()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Window);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(IdleTimeout, TimeSpan.Zero);
        return this;
    }
}
