using SQLitePCL;

namespace RagCluster.Kernel.Journal.Sqlite;

/// <summary>Turns SQLite's result codes into what happened and what to do.</summary>
internal static class SqliteErrors
{
    public static StoreException Exception(int code, int extended, string detail, string file)
    {
        var said = $" (SQLite {extended}: {detail})";
        return code switch
        {
            raw.SQLITE_CONSTRAINT => new SqliteConstraintException($"A row is already in the database \"{file}\"{said}."),
            raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => new StoreException(StoreFailure.Corrupt, Corrupt(file, said)),
            raw.SQLITE_FULL => new StoreException(
                StoreFailure.DiskFull,
                $"The disk that holds \"{file}\" is full{said}. Free some space: the node goes on by itself, and nothing acknowledged is lost."),
            raw.SQLITE_BUSY or raw.SQLITE_LOCKED => new StoreException(
                StoreFailure.Busy,
                $"The database \"{file}\" is locked by another program{said}. End the program that has it open, such as a sqlite3 shell or a backup."),
            raw.SQLITE_CANTOPEN => new StoreException(
                StoreFailure.InputOutput,
                $"The database \"{file}\" cannot be opened{said}. Check that its folder exists, and that this user may write there."),
            raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_AUTH => new StoreException(
                StoreFailure.InputOutput,
                $"The database \"{file}\" cannot be written{said}. Check the permissions of the file and its folder."),
            raw.SQLITE_IOERR => new StoreException(
                StoreFailure.InputOutput,
                $"Reading or writing \"{file}\" failed{said}. Check the disk and the system's log; the node tries again."),
            _ => new StoreException(StoreFailure.Other, $"The database \"{file}\" refused a statement{said}. This is a defect: please report it."),
        };
    }

    public static string Corrupt(string file, string detail) =>
        $"The database \"{file}\" is damaged{detail}. Nothing was changed. Stop the node, keep a copy of the file and of its -wal file, and put a backup in " +
        $"place; without one, \"sqlite3 {Path.GetFileName(file)} .recover\" saves what can be read into a new database.";
}

/// <summary>A unique key is already there.</summary>
internal sealed class SqliteConstraintException(string message) : StoreException(StoreFailure.Other, message);
