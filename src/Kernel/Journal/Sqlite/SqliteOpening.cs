using System.Buffers.Binary;
using System.Globalization;

namespace RagCluster.Kernel.Journal.Sqlite;

/// <summary>
/// Opens a database and says clearly why it cannot be used. What is checked: the file's header and length, that the
/// schema can be read, and, where the file is small enough to take no noticeable time, every page. A large file is
/// not checked through (it would cost seconds on each start); SQLite reports a damaged page when it reads it.
/// </summary>
internal static class SqliteOpening
{
    private const int HeaderBytes = 100;

    /// <summary>SQLite's own, and a database keeps the one that it began with.</summary>
    private const int PageBytes = 4096;

    public static SqliteSession Open(SqliteStoreOptions options)
    {
        CheckHeader(options.File);
        SqliteSession? session = null;
        try
        {
            session = SqliteSession.Open(options.File, readOnly: false, options.BusyTimeout);
            session.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;");
            session.Execute(string.Create(
                CultureInfo.InvariantCulture,
                $"""
                PRAGMA cache_size = -{options.CacheBytes / 1024};
                PRAGMA wal_autocheckpoint = {Math.Max(1, options.CheckpointBytes / PageBytes)};
                PRAGMA journal_size_limit = {2 * options.CheckpointBytes};
                """));
            if (new FileInfo(options.File).Length <= options.CheckWhenAtMostBytes)
            {
                CheckPages(session);
            }

            SqliteSchema.Migrate(session, options.File);
            return session;
        }
        catch (StoreException e) when (e.Failure == StoreFailure.Corrupt)
        {
            session?.Dispose();
            throw new StoreRefusedException(e.Message, e);
        }
        catch
        {
            session?.Dispose();
            throw;
        }
    }

    private static void CheckHeader(string file)
    {
        var info = new FileInfo(file);
        if (!info.Exists || info.Length == 0)
        {
            return;
        }

        Span<byte> header = stackalloc byte[HeaderBytes];
        using (var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
        {
            if (stream.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false) < HeaderBytes || !header.StartsWith("SQLite format 3\0"u8))
            {
                throw new StoreRefusedException(SqliteErrors.Corrupt(file, " (it does not begin as an SQLite database)"));
            }
        }

        // While a write-ahead log exists, the end of the database may still be in there.
        var log = new FileInfo(file + "-wal");
        var pageSize = BinaryPrimitives.ReadUInt16BigEndian(header[16..]);
        var bytes = BinaryPrimitives.ReadUInt32BigEndian(header[28..]) * (pageSize == 1 ? 65536L : pageSize);
        if (bytes > info.Length && !(log.Exists && log.Length > 0))
        {
            throw new StoreRefusedException(SqliteErrors.Corrupt(file, $" (it should have {bytes} bytes and has {info.Length})"));
        }
    }

    private static void CheckPages(SqliteSession session)
    {
        using var check = session.Use("PRAGMA quick_check(1)");
        if (check.Value.Step() && check.Value.Text(0) is var said && said != "ok")
        {
            throw new StoreException(StoreFailure.Corrupt, SqliteErrors.Corrupt(session.File, $" ({said})"));
        }
    }
}
