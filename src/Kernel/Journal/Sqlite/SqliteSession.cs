using System.Text;
using SQLitePCL;

namespace RagCluster.Kernel.Journal.Sqlite;

/// <summary>
/// One connection, on SQLite's own interface instead of ADO.NET: an append binds eight values per event, and boxing
/// and parameter look-up would cost more than SQLite itself. Used by one thread at a time.
/// </summary>
internal sealed class SqliteSession : IDisposable
{
    private readonly sqlite3 _db;
    private readonly Dictionary<string, SqliteStatement> _statements = new(StringComparer.Ordinal);

    static SqliteSession() => SqliteLibrary.EnsureLoaded();

    private SqliteSession(sqlite3 db, string file)
    {
        _db = db;
        File = file;
    }

    public string File { get; }

    /// <summary>Whether a transaction is open.</summary>
    public bool InTransaction => raw.sqlite3_get_autocommit(_db) == 0;

    public static SqliteSession Open(string file, bool readOnly, TimeSpan busyTimeout)
    {
        var flags = readOnly ? raw.SQLITE_OPEN_READONLY : raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE;
        var code = raw.sqlite3_open_v2(file, out var db, flags | raw.SQLITE_OPEN_NOMUTEX, null);
        if (code != raw.SQLITE_OK)
        {
            var extended = db is null ? code : raw.sqlite3_extended_errcode(db);
            db?.Dispose();
            throw SqliteErrors.Exception(code, extended, "the file could not be opened", file);
        }

        raw.sqlite3_extended_result_codes(db, 1);
        raw.sqlite3_busy_timeout(db, (int)busyTimeout.TotalMilliseconds);
        return new SqliteSession(db, file);
    }

    /// <summary>Runs statements that return nothing.</summary>
    public void Execute(string sql) => Check(raw.sqlite3_exec(_db, sql));

    /// <summary>A prepared statement, kept for the next time; dispose the use to reset it.</summary>
    public SqliteUse Use(string sql)
    {
        if (!_statements.TryGetValue(sql, out var statement))
        {
            Check(raw.sqlite3_prepare_v3(_db, sql, raw.SQLITE_PREPARE_PERSISTENT, out var handle));
            statement = new SqliteStatement(this, handle);
            _statements.Add(sql, statement);
        }

        return new SqliteUse(statement);
    }

    /// <summary>How many rows the last statement changed.</summary>
    public int Changes() => raw.sqlite3_changes(_db);

    public void Check(int code)
    {
        if (code is not (raw.SQLITE_OK or raw.SQLITE_ROW or raw.SQLITE_DONE))
        {
            throw SqliteErrors.Exception(code & 0xff, code, raw.sqlite3_errmsg(_db).utf8_to_string(), File);
        }
    }

    public void Dispose()
    {
        foreach (var statement in _statements.Values)
        {
            statement.Dispose();
        }

        _db.Dispose();
    }
}

/// <summary>Resets the statement at the end, so that it holds no lock and no parameter.</summary>
internal readonly struct SqliteUse(SqliteStatement statement) : IDisposable
{
    public SqliteStatement Value => statement;

    public void Dispose() => statement.Reset();
}

internal sealed class SqliteStatement(SqliteSession session, sqlite3_stmt handle) : IDisposable
{
    public SqliteStatement Bind(int index, long value)
    {
        session.Check(raw.sqlite3_bind_int64(handle, index, value));
        return this;
    }

    public SqliteStatement Bind(int index, string? text)
    {
        if (text is null)
        {
            session.Check(raw.sqlite3_bind_null(handle, index));
            return this;
        }

        Span<byte> buffer = stackalloc byte[512];
        var bytes = text.Length * 3 <= buffer.Length ? buffer : new byte[Encoding.UTF8.GetByteCount(text)];
        return BindText(index, bytes[..Encoding.UTF8.GetBytes(text, bytes)]);
    }

    public SqliteStatement BindText(int index, ReadOnlySpan<byte> utf8)
    {
        // A span of length 0 has no address, which SQLite takes for NULL.
        session.Check(utf8.IsEmpty ? raw.sqlite3_bind_text(handle, index, "") : raw.sqlite3_bind_text(handle, index, utf8));
        return this;
    }

    public SqliteStatement BindBlob(int index, ReadOnlySpan<byte> bytes)
    {
        session.Check(bytes.IsEmpty ? raw.sqlite3_bind_zeroblob(handle, index, 0) : raw.sqlite3_bind_blob(handle, index, bytes));
        return this;
    }

    /// <summary>True if there is a row.</summary>
    public bool Step()
    {
        var code = raw.sqlite3_step(handle);
        session.Check(code);
        return code == raw.SQLITE_ROW;
    }

    public void Run()
    {
        while (Step())
        {
        }
    }

    public int Columns => raw.sqlite3_column_count(handle);

    public bool IsNull(int column) => raw.sqlite3_column_type(handle, column) == raw.SQLITE_NULL;

    public long Long(int column) => raw.sqlite3_column_int64(handle, column);

    /// <summary>Valid until the next step.</summary>
    public ReadOnlySpan<byte> Bytes(int column) => raw.sqlite3_column_blob(handle, column);

    public string Text(int column) => Encoding.UTF8.GetString(Bytes(column));

    public void Reset()
    {
        // The code repeats what the step already said.
        _ = raw.sqlite3_reset(handle);
        _ = raw.sqlite3_clear_bindings(handle);
    }

    public void Dispose() => handle.Dispose();
}
