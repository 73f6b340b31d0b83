using System.Globalization;
using RagCluster.Kernel.Entities;

namespace RagCluster.Kernel.Journal.Sqlite;

/// <summary>
/// A bounded pool of read-only connections, opened as they are needed. In WAL mode they neither wait for the writer
/// nor hold it up. A read is done on the caller's thread: it takes a page at a time, mostly from memory.
/// </summary>
internal sealed class SqliteReaders(SqliteStoreOptions options) : IDisposable
{
    private readonly Permits _free = new(options.Readers);
    private readonly Lock _gate = new();
    private readonly Stack<SqliteSession> _idle = new();
    private bool _closed;

    public async ValueTask<T> ReadAsync<T>(Func<SqliteSession, T> read, CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        try
        {
            var session = Take();
            try
            {
                return read(session);
            }
            finally
            {
                Return(session);
            }
        }
        finally
        {
            _free.Release();
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            while (_idle.TryPop(out var session))
            {
                session.Dispose();
            }
        }
    }

    private SqliteSession Take()
    {
        lock (_gate)
        {
            if (_closed)
            {
                throw new StoreException(StoreFailure.Closed, $"The database \"{options.File}\" is closed: the node is stopping.");
            }

            if (_idle.TryPop(out var session))
            {
                return session;
            }
        }

        var fresh = SqliteSession.Open(options.File, readOnly: true, options.BusyTimeout);
        fresh.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA cache_size = -{options.CacheBytes / 4096}; PRAGMA query_only = ON;"));
        return fresh;
    }

    private void Return(SqliteSession session)
    {
        lock (_gate)
        {
            if (!_closed)
            {
                _idle.Push(session);
                return;
            }
        }

        session.Dispose();
    }
}
