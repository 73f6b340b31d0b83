using Npgsql;
using RagCluster.Kernel.Entities;

namespace RagCluster.Kernel.Journal.Postgres;

/// <summary>
/// So many connections for one purpose, so that no purpose takes another's. Callers beyond that wait in order, for a
/// limited time. Nothing thrown here had an effect, except where <see cref="SendAsync"/> says so.
/// </summary>
internal sealed class PostgresPool : IAsyncDisposable
{
    private readonly PostgresStoreOptions _options;
    private readonly TimeProvider _time;
    private readonly string _name;
    private readonly int _size;
    private readonly NpgsqlDataSource _source;
    private readonly Permits _free;
    private volatile bool _closed;

    public PostgresPool(PostgresStoreOptions options, PostgresSessions sessions, string name, int size, TimeSpan statementTimeout, TimeProvider time, int readBytes)
    {
        _options = options;
        _time = time;
        _name = name;
        _size = size;
        _free = new Permits(size);
        var parsed = ForSessions(options, statementTimeout);
        parsed.Pooling = true;
        parsed.MinPoolSize = 0;
        parsed.MaxPoolSize = size;
        parsed.ReadBufferSize = readBytes;
        var builder = new NpgsqlDataSourceBuilder(parsed.ConnectionString);
        builder.UsePhysicalConnectionInitializer(
            _ => throw new NotSupportedException("The store opens connections asynchronously."),
            connection => sessions.PrepareAsync(connection, name, statementTimeout, checkTimeline: true));
        _source = builder.Build();
    }

    /// <summary>Told that a connection turned out to be broken when it was used again.</summary>
    public Action? Broken { get; init; }

    /// <summary>What is the same for every session of the store, whatever its purpose.</summary>
    public static NpgsqlConnectionStringBuilder ForSessions(PostgresStoreOptions options, TimeSpan statementTimeout)
    {
        var parsed = options.Parsed();

        // Npgsql resets a session between uses by default, and with it the limits that were set when it was opened.
        parsed.NoResetOnClose = true;
        parsed.Multiplexing = false;
        parsed.Enlist = false;
        parsed.IncludeErrorDetail = false;
        parsed.Timeout = Math.Max(1, (int)options.ConnectTimeout.TotalSeconds);

        // The server's limit comes first: its answer is certain, and this one's is not.
        parsed.CommandTimeout = (int)Math.Ceiling(statementTimeout.TotalSeconds) + 2;
        parsed.CancellationTimeout = 1000;

        // What is worth it is prepared by name. Preparing by itself loses count when the server refuses a parameter of a
        // statement that it is just preparing (seen with 10.0: "unexpected backend message" at the next use).
        parsed.MaxAutoPrepare = 0;
        return parsed;
    }

    /// <summary>Runs what may be run twice: a read, or a write that says the same again. A connection that turns out to be broken is replaced once.</summary>
    public async ValueTask<T> RepeatableAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    return await UseAsync(work, cancellationToken);
                }
                catch (Exception e) when (attempt == 1 && PostgresErrors.IsBroken(e) && !_closed)
                {
                    // All others were made before the server went away, too, and who writes with one learns nothing.
                    Broken?.Invoke();
                }
            }
        }
        catch (Exception e) when (PostgresErrors.IsFromServerOrConnection(e))
        {
            throw PostgresErrors.Exception(e, _options);
        }
    }

    /// <summary>Runs a write once. Where it throws <see cref="StoreFailure.Unreachable"/>, it may have taken effect.</summary>
    public async ValueTask<T> OnceAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await UseAsync((connection, _) => work(connection), cancellationToken);
        }
        catch (Exception e) when (PostgresErrors.IsFromServerOrConnection(e))
        {
            throw PostgresErrors.Exception(e, _options);
        }
    }

    /// <summary>Runs a write once, and leaves it to the caller to judge what <paramref name="work"/> throws; what is thrown before is a <see cref="StoreException"/>.</summary>
    public async ValueTask<T> SendAsync<T>(Func<NpgsqlConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        await EnterAsync(cancellationToken);
        try
        {
            NpgsqlConnection connection;
            try
            {
                connection = await _source.OpenConnectionAsync(cancellationToken);
            }
            catch (Exception e) when (PostgresErrors.IsFromServerOrConnection(e))
            {
                throw PostgresErrors.Exception(e, _options);
            }

            await using (connection)
            {
                return await work(connection);
            }
        }
        finally
        {
            _free.Release();
        }
    }

    /// <summary>Lets the idle connections go, so that the next ones are new, and carry the node's present name.</summary>
    public void Renew() => _source.Clear();

    public async ValueTask DisposeAsync()
    {
        _closed = true;
        await _source.DisposeAsync();
    }

    private async Task<T> UseAsync<T>(Func<NpgsqlConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        await EnterAsync(cancellationToken);
        try
        {
            await using var connection = await _source.OpenConnectionAsync(cancellationToken);
            return await work(connection, cancellationToken);
        }
        finally
        {
            _free.Release();
        }
    }

    private async Task EnterAsync(CancellationToken cancellationToken)
    {
        if (_closed)
        {
            throw Closed();
        }

        if (!_free.TryTake())
        {
            await WaitAsync(cancellationToken);
        }

        if (_closed)
        {
            _free.Release();
            throw Closed();
        }
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(_options.PoolTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            await _free.WaitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new StoreException(
                StoreFailure.Busy,
                $"All {_size} {_name} connections to {_options.Target} have been busy for {_options.PoolTimeout.TotalSeconds} s: give the pool more, or find out what takes so long.");
        }
    }

    private StoreException Closed() => new(StoreFailure.Closed, $"The store at {_options.Target} is closed: the node is stopping.");
}
