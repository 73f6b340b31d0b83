namespace RagCluster.Actors.Documents;

/// <summary>
/// Lets so many documents be processed at once on this node; the others wait their turn, first come first served. What
/// waits are documents that were received, and admission bounds those: this is how a slow step slows the sources.
/// </summary>
public sealed class IngestionGate(DocumentOptions options) : IDisposable
{
    private readonly SemaphoreSlim _turns = new(options.Concurrency);
    private TaskCompletionSource _moved = New();
    private int _working;
    private int _waiting;

    /// <summary>How many documents are being processed.</summary>
    public int Working => Volatile.Read(ref _working);

    /// <summary>How many wait for their turn.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Waits until fewer than <see cref="DocumentOptions.MaxInFlight"/> documents wait: then another may be received.</summary>
    public async ValueTask AdmitAsync(CancellationToken cancellationToken)
    {
        while (Waiting >= options.MaxInFlight)
        {
            var moved = Volatile.Read(ref _moved);
            if (Waiting >= options.MaxInFlight)
            {
                await moved.Task.WaitAsync(cancellationToken);
            }
        }
    }

    /// <summary>Waits for a turn at processing; dispose what it gives when done.</summary>
    public async ValueTask<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _waiting);
        try
        {
            await _turns.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
            Interlocked.Exchange(ref _moved, New()).TrySetResult();
        }

        Interlocked.Increment(ref _working);
        return new Turn(this);
    }

    public void Dispose() => _turns.Dispose();

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Leave()
    {
        Interlocked.Decrement(ref _working);
        _turns.Release();
    }

    private sealed class Turn(IngestionGate gate) : IDisposable
    {
        private IngestionGate? _gate = gate;

        public void Dispose() => Interlocked.Exchange(ref _gate, null)?.Leave();
    }
}
