using RagCluster.Kafka.Records;

namespace RagCluster.Kafka.Consuming;

/// <summary>One partition during one assignment to this consumer. Another assignment of it is another lane. Safe for several threads.</summary>
internal sealed class PartitionLane(string topic, int partition)
{
    private readonly Lock _lock = new();
    private readonly PartitionWatermark _watermark = new();
    private long? _stored;
    private TaskCompletionSource? _idle;
    private int _yielded;

    public string Topic => topic;

    public int Partition => partition;

    /// <summary>Whether the broker is told to send no more of it. Used by the polling thread alone.</summary>
    public bool IsPaused { get; set; }

    /// <summary>Set once the partition is no longer this consumer's: what was not yielded yet is left to the next owner.</summary>
    public bool IsRevoked { get; private set; }

    public int InFlight
    {
        get
        {
            lock (_lock)
            {
                return _watermark.Held;
            }
        }
    }

    public void Take(long offset)
    {
        lock (_lock)
        {
            _watermark.Take(offset);
        }
    }

    /// <summary>The record goes to the pipeline now; false if the partition is gone meanwhile.</summary>
    public bool TryYield()
    {
        lock (_lock)
        {
            if (IsRevoked)
            {
                return false;
            }

            _yielded++;
            return true;
        }
    }

    public void Settle(long offset)
    {
        lock (_lock)
        {
            _watermark.Settle(offset);
            if (--_yielded == 0)
            {
                _idle?.TrySetResult();
            }
        }
    }

    /// <summary>What is to be committed since the last time it was asked; null where nothing is new.</summary>
    public long? Advance()
    {
        lock (_lock)
        {
            if (_watermark.Committable is not { } next || next == _stored)
            {
                return null;
            }

            return _stored = next;
        }
    }

    /// <summary>From here on nothing more of it is yielded; completes when what was is settled.</summary>
    public Task RevokeAsync()
    {
        lock (_lock)
        {
            IsRevoked = true;
            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_yielded == 0)
            {
                _idle.TrySetResult();
            }

            return _idle.Task;
        }
    }
}

/// <summary>A record that is on its way: which lane it holds back, and what to send to the dead letters if it is refused.</summary>
internal sealed record InFlightRecord(PartitionLane Lane, KafkaRecord Record);
