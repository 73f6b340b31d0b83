using System.Diagnostics.CodeAnalysis;

namespace RagCluster.Kernel.Cluster;

/// <summary>A subscription of another node that is served here: how much its reader will take, and whether it is to go on.</summary>
[SuppressMessage("Design", "CA1001", Justification = "Its source has no timer and no handle, and may be cancelled late.")]
internal sealed class ServedStream(long id, int credit, TimeProvider time)
{
    private static readonly TimeSpan LongTime = TimeSpan.FromMinutes(10);

    private readonly CancellationTokenSource _stopping = new();
    private readonly Pulse _granted = new(time);
    private int _credit = credit;

    public long Id => id;

    public CancellationToken Stopping => _stopping.Token;

    /// <summary>It has said so itself: nobody need tell it the end.</summary>
    public bool ReaderLeft { get; private set; }

    public int Credit => Volatile.Read(ref _credit);

    public void Grant(int credit)
    {
        Interlocked.Add(ref _credit, credit);
        _granted.Beat();
    }

    public void Take(int events) => Interlocked.Add(ref _credit, -events);

    /// <exception cref="OperationCanceledException">The stream is to stop.</exception>
    public async ValueTask CreditedAsync()
    {
        while (true)
        {
            var seen = _granted.Version;
            if (Credit > 0)
            {
                return;
            }

            await _granted.WaitAsync(seen, LongTime, Stopping);
        }
    }

    public void Stop() => _stopping.Cancel();

    public void Leave()
    {
        ReaderLeft = true;
        Stop();
    }
}
