using System.Net.Sockets;
using System.Security.Authentication;
using Npgsql;

namespace RagCluster.Kernel.Journal.Postgres;

/// <summary>Turns what PostgreSQL and the connection say into what happened and what to do.</summary>
internal static class PostgresErrors
{
    public const string UniqueViolation = "23505";
    public const string LockNotAvailable = "55P03";

    /// <summary>
    /// Whether the server itself said that the statement failed and the session goes on: then nothing was written. A
    /// session that is ended (FATAL) may have committed just before.
    /// </summary>
    public static bool IsCertain(PostgresException e) => e.InvariantSeverity == "ERROR";

    /// <summary>What was sent is wrong, and not the server's state: data exceptions and violated constraints.</summary>
    public static bool IsAboutData(PostgresException e) => e.SqlState.StartsWith("22", StringComparison.Ordinal) || e.SqlState.StartsWith("23", StringComparison.Ordinal);

    /// <summary>Npgsql throws a bare Exception where the server's answer is not what it expects.</summary>
    public static bool IsFromServerOrConnection(Exception e) =>
        e is NpgsqlException or SocketException or IOException or TimeoutException or AuthenticationException or InvalidOperationException || e.GetType() == typeof(Exception);

    /// <summary>The connection broke or could not be made, rather than that the server refused a statement.</summary>
    public static bool IsBroken(Exception e) => e switch
    {
        PostgresException p => p.SqlState.StartsWith("57P0", StringComparison.Ordinal) || p.SqlState.StartsWith("08", StringComparison.Ordinal),
        _ => e is NpgsqlException or SocketException or IOException or TimeoutException,
    };

    public static StoreException Exception(Exception e, PostgresStoreOptions options) => e switch
    {
        StoreException already => already,
        PostgresException p => FromServer(p, options),
        ObjectDisposedException => new StoreException(StoreFailure.Closed, $"The store at {options.Target} is closed: the node is stopping.", e),
        NpgsqlException { InnerException: AuthenticationException tls } => new StoreRefusedException(
            $"The TLS connection to {options.Target} failed: {tls.Message} Check \"SSL Mode\", \"Root Certificate\" and the server's certificate.", e),
        NpgsqlException { InnerException: null } when e.Message.Contains("password", StringComparison.OrdinalIgnoreCase) => new StoreRefusedException(
            $"The server at {options.Target} asks for a password and none is given: set it in the connection string, or name a password file.", e),
        _ => new StoreException(StoreFailure.Unreachable, $"The database at {options.Target} does not answer: {Innermost(e)} The node tries again by itself.", e),
    };

    private static StoreException FromServer(PostgresException e, PostgresStoreOptions options)
    {
        var said = $" (PostgreSQL {e.SqlState}: {e.MessageText})";
        var target = options.Target;
        return e.SqlState switch
        {
            "28P01" or "28000" => new StoreRefusedException($"The server refuses {target}{said}. Check the user, the password and the server's pg_hba.conf.", e),
            "3D000" => new StoreRefusedException($"There is no such database: {target}{said}. Make it (\"createdb\"), or correct the connection string.", e),
            "42501" => new StoreRefusedException(
                $"A right is missing for {target}{said}. Either let the user make its schema (GRANT CREATE ON DATABASE ... TO ...), or make it for the user: " +
                $"CREATE SCHEMA {options.Schema} AUTHORIZATION ... docs/store.md lists all rights.",
                e),
            "53100" => new StoreException(StoreFailure.DiskFull, $"The disk of the database at {target} is full{said}. Free some space there: the node goes on by itself, and nothing acknowledged is lost.", e),
            "53300" => new StoreException(StoreFailure.Busy, $"The server at {target} has no connection left{said}. Raise its max_connections, or make the pools of the nodes smaller.", e),
            "53200" => new StoreException(StoreFailure.Busy, $"The server at {target} is out of memory{said}. The node tries again.", e),
            LockNotAvailable => new StoreException(StoreFailure.Busy, $"Another statement holds a row for too long at {target}{said}. The node tries again.", e),
            "57014" => new StoreException(StoreFailure.Busy, $"The server at {target} broke off a statement that took too long{said}. The node tries again.", e),
            "40001" or "40P01" => new StoreException(StoreFailure.Busy, $"The server at {target} broke off a statement in favour of another{said}. The node tries again.", e),
            "25006" => new StoreException(StoreFailure.Unreachable, $"The server at {target} only reads{said}: a standby, or set so by default_transaction_read_only. Name the primary.", e),
            "XX001" or "XX002" => new StoreException(StoreFailure.Corrupt, $"The database at {target} is damaged{said}. Nothing was changed. Ask its administrator for a restore.", e),
            "58030" => new StoreException(StoreFailure.InputOutput, $"The server at {target} could not read or write its files{said}. Check its disk; the node tries again.", e),
            UniqueViolation => new StoreException(StoreFailure.Other, $"A row is already there at {target}{said}.", e),
            _ when IsBroken(e) => new StoreException(StoreFailure.Unreachable, $"The database at {target} is stopping or starting{said}. The node tries again by itself.", e),
            _ => new StoreException(StoreFailure.Other, $"The server at {target} refused a statement{said}. This is a defect, or the schema was changed by hand: please report it.", e),
        };
    }

    private static string Innermost(Exception e)
    {
        while (e.InnerException is { } inner)
        {
            e = inner;
        }

        return e.Message.EndsWith('.') ? e.Message : e.Message + ".";
    }
}
