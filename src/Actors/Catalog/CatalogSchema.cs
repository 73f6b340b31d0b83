using Microsoft.Data.Sqlite;
using RagCluster.Kernel.Journal.Sqlite;

namespace RagCluster.Actors.Catalog;

/// <summary>
/// The catalog's file. It holds nothing that the logs do not: another version of this schema, or a damaged file, is
/// deleted and built anew.
/// </summary>
internal static class CatalogSchema
{
    private const int Version = 1;

    private const string Tables = """
        CREATE TABLE position (shard_id INTEGER PRIMARY KEY, seq INTEGER NOT NULL);
        CREATE TABLE document (
            tenant TEXT NOT NULL, id TEXT NOT NULL, status TEXT NOT NULL, received_at INTEGER NOT NULL,
            search TEXT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (tenant, id)) WITHOUT ROWID;
        CREATE INDEX document_newest ON document (tenant, received_at DESC, id);
        CREATE INDEX document_status ON document (tenant, status, received_at DESC, id);
        CREATE TABLE conversation (
            tenant TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, title TEXT NOT NULL, started_at INTEGER NOT NULL,
            changed_at INTEGER NOT NULL, questions INTEGER NOT NULL, PRIMARY KEY (tenant, id)) WITHOUT ROWID;
        CREATE INDEX conversation_newest ON conversation (tenant, owner, changed_at DESC);
        """;

    /// <summary>Opens two connections, for writing and for reading, to a file of the present schema; without a file, one for both, to memory.</summary>
    public static (SqliteConnection Writer, SqliteConnection Reader) Open(string? file)
    {
        SqliteLibrary.EnsureLoaded();
        if (file is null)
        {
            var (memory, other) = OpenOnce(":memory:");
            other.Dispose();
            return (memory, memory);
        }

        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        try
        {
            return OpenOnce(file);
        }
        catch (Exception e) when (e is SqliteException or InvalidDataException)
        {
            Delete(file);
            return OpenOnce(file);
        }
    }

    private static (SqliteConnection Writer, SqliteConnection Reader) OpenOnce(string file)
    {
        var writer = Connect(file);
        try
        {
            // Losing the last moments to a power cut does not matter: the logs have them.
            Execute(writer, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;");
            var version = Convert.ToInt32(Scalar(writer, "PRAGMA user_version"), System.Globalization.CultureInfo.InvariantCulture);
            if (version == 0)
            {
                Execute(writer, $"BEGIN; {Tables} PRAGMA user_version = {Version}; COMMIT;");
            }
            else if (version != Version)
            {
                throw new InvalidDataException($"{file} has version {version} of the catalog's schema.");
            }
            else if (Scalar(writer, "PRAGMA quick_check(1)") is not "ok")
            {
                throw new InvalidDataException($"{file} is damaged.");
            }

            return (writer, Connect(file));
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    private static SqliteConnection Connect(string file)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false, DefaultTimeout = 10 }.ToString());
        connection.Open();
        return connection;
    }

    private static void Delete(string file)
    {
        foreach (var suffix in new[] { "", "-wal", "-shm" })
        {
            File.Delete(file + suffix);
        }
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statements are constants of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The statements are constants of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        return command.ExecuteScalar();
    }
}
