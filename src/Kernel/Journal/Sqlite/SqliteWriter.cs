using Microsoft.Extensions.Logging;

namespace RagCluster.Kernel.Journal.Sqlite;

/// <summary>
/// The one writer of a database. While a transaction is being flushed to the disk, the jobs that arrive gather; the
/// next transaction carries them all, so that a flush is shared by whoever waits. A job that fails is undone alone.
/// </summary>
internal sealed partial class SqliteWriter(SqliteSession session, IRuntime runtime, ILogger log) : IThreadPoolWorkItem
{
    private const int MaxJobs = 512;

    private readonly Lock _gate = new();
    private readonly List<WriteJob> _turn = [];
    private Queue<WriteJob> _waiting = new();
    private TaskCompletionSource? _idle;
    private bool _scheduled;
    private bool _closed;

    /// <summary>Runs the work in a transaction with its neighbours; completes once that is durable.</summary>
    /// <param name="unknown">What to answer when the commit fails, after which the outcome is not known; null throws.</param>
    public Task<T> RunAsync<T>(Func<SqliteSession, T> work, Func<T>? unknown, CancellationToken cancellationToken)
    {
        var job = new WriteJob<T>(work, unknown, cancellationToken);
        lock (_gate)
        {
            if (_closed)
            {
                throw new StoreException(StoreFailure.Closed, $"The database \"{session.File}\" is closed: the node is stopping.");
            }

            _waiting.Enqueue(job);
            if (_scheduled)
            {
                return job.Task;
            }

            _scheduled = true;
        }

        runtime.Schedule(this);
        return job.Task;
    }

    /// <summary>Takes no more work; completes once what it has is done.</summary>
    public Task CloseAsync()
    {
        lock (_gate)
        {
            _closed = true;
            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (!_scheduled)
            {
                _idle.TrySetResult();
            }

            return _idle.Task;
        }
    }

    void IThreadPoolWorkItem.Execute()
    {
        lock (_gate)
        {
            for (var i = 0; i < MaxJobs && _waiting.TryDequeue(out var job); i++)
            {
                _turn.Add(job);
            }
        }

        Commit();
        foreach (var job in _turn)
        {
            job.Complete();
        }

        _turn.Clear();
        lock (_gate)
        {
            if (_waiting.Count == 0)
            {
                _scheduled = false;
                _idle?.TrySetResult();
                return;
            }
        }

        runtime.Schedule(this);
    }

    private void Commit()
    {
        try
        {
            session.Execute("BEGIN IMMEDIATE");
            foreach (var job in _turn)
            {
                Execute(job);
            }
        }
        catch (Exception e)
        {
            Undo(e, unknown: false);
            return;
        }

        try
        {
            session.Execute("COMMIT");
        }
        catch (StoreException e)
        {
            // The last frame may have reached the file before the flush failed: a crash now could bring it back.
            Undo(e, unknown: true);
        }
    }

    /// <exception cref="StoreException">SQLite has rolled the whole transaction back.</exception>
    private void Execute(WriteJob job)
    {
        session.Execute("SAVEPOINT job");
        try
        {
            job.Execute(session);
        }
        catch (Exception e) when (session.InTransaction)
        {
            session.Execute("ROLLBACK TO job");
            job.Fail(e);
        }

        session.Execute("RELEASE job");
    }

    private void Undo(Exception reason, bool unknown)
    {
        foreach (var job in _turn)
        {
            job.Undone(reason, unknown);
        }

        try
        {
            if (session.InTransaction)
            {
                session.Execute("ROLLBACK");
            }

            if (reason is StoreException { Failure: StoreFailure.DiskFull })
            {
                // The write-ahead log holds old versions of pages, too: folded in, it may give the room that is missing.
                session.Execute("PRAGMA wal_checkpoint(PASSIVE)");
            }
        }
        catch (StoreException e)
        {
            // What is to be told is the first reason; whatever is still wrong, the next transaction says.
            LogNotCleared(log, e);
        }
    }

    [LoggerMessage(2002, LogLevel.Warning, "After a failed transaction the database could not be brought to rest; the next transaction tries again.")]
    private static partial void LogNotCleared(ILogger log, Exception reason);
}

/// <summary>Something to do in the writer's transaction, and whom to tell.</summary>
internal abstract class WriteJob
{
    public abstract void Execute(SqliteSession session);

    /// <summary>This job alone is undone.</summary>
    public abstract void Fail(Exception reason);

    /// <summary>The whole transaction is undone, or its outcome is not known.</summary>
    public abstract void Undone(Exception reason, bool unknown);

    /// <summary>Tells the waiter what has become of it.</summary>
    public abstract void Complete();
}

internal sealed class WriteJob<T>(Func<SqliteSession, T> work, Func<T>? unknown, CancellationToken cancellationToken) : WriteJob
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? _result;
    private Exception? _failure;

    public Task<T> Task => _done.Task;

    public override void Execute(SqliteSession session)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _result = work(session);
    }

    public override void Fail(Exception reason) => _failure = reason;

    public override void Undone(Exception reason, bool outcomeUnknown)
    {
        if (_failure is null && outcomeUnknown && unknown is not null)
        {
            _result = unknown();
        }
        else
        {
            _failure ??= reason;
        }
    }

    public override void Complete()
    {
        if (_failure is OperationCanceledException)
        {
            _done.TrySetCanceled(cancellationToken);
        }
        else if (_failure is not null)
        {
            _done.TrySetException(_failure);
        }
        else
        {
            _done.TrySetResult(_result!);
        }
    }
}
