using RagCluster.Kernel.Entities;

namespace RagCluster.Actors.Documents;

/// <summary>
/// Lets so many documents be processed at once on this node; the others wait their turn, first come first served. What
/// waits are documents that were received, and admission bounds those: this is how a slow step slows the sources.
/// </summary>
public sealed class IngestionGate(DocumentOptions options)
{
    /// <summary>Documents larger than this, in bytes, are processed one at a time: memory is bounded by their sum.</summary>
    public const long LargeBytes = 4 << 20;

    private readonly Permits _turns = new(options.Concurrency);
    private readonly Permits _large = new(1);
    private TaskCompletionSource _moved = New();
    private int _working;
    private int _waiting;

    /// <summary>How many documents are being processed.</summary>
    public int Working => Volatile.Read(ref _working);

    /// <summary>How many wait for their turn.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>
    /// So many wait that no further document should be received, whoever sends it. Sources of this node wait before (see
    /// <see cref="AdmitAsync"/>); those of others cannot see how many wait here.
    /// </summary>
    public bool IsOverfull => Waiting >= 2 * options.MaxInFlight;

    /// <summary>Waits until fewer than <see cref="DocumentOptions.MaxInFlight"/> documents wait: then another may be received.</summary>
    public async ValueTask AdmitAsync(CancellationToken cancellationToken)
    {
        while (Waiting >= options.MaxInFlight)
        {
            var moved = Volatile.Read(ref _moved);
            if (Waiting >= options.MaxInFlight)
            {
                await moved.Task.OrCancelled(cancellationToken);
            }
        }
    }

    /// <summary>Waits for a turn at processing a document of this size; dispose what it gives when done.</summary>
    public async ValueTask<IDisposable> EnterAsync(long bytes, CancellationToken cancellationToken)
    {
        var large = bytes > LargeBytes;
        Interlocked.Increment(ref _waiting);
        try
        {
            if (large)
            {
                await _large.WaitAsync(cancellationToken);
            }

            try
            {
                await _turns.WaitAsync(cancellationToken);
            }
            catch when (large)
            {
                _large.Release();
                throw;
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
            Interlocked.Exchange(ref _moved, New()).TrySetResult();
        }

        Interlocked.Increment(ref _working);
        return new Turn(this, large);
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Leave(bool large)
    {
        Interlocked.Decrement(ref _working);
        _turns.Release();
        if (large)
        {
            _large.Release();
        }
    }

    private sealed class Turn(IngestionGate gate, bool large) : IDisposable
    {
        private IngestionGate? _gate = gate;

        public void Dispose() => Interlocked.Exchange(ref _gate, null)?.Leave(large);
    }
}
