namespace RagCluster.Kernel.Journal.Sqlite;

/// <summary>How the embedded store is opened.</summary>
public sealed record SqliteStoreOptions
{
    /// <summary>The data folder; made if missing. The database is its file "store.db".</summary>
    public required string Folder { get; init; }

    /// <summary>How many reads go on at once.</summary>
    public int Readers { get; init; } = 4;

    /// <summary>How long to wait for another program that has the database locked, such as a backup.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The write-ahead log is folded into the database at this size: larger means fewer, longer pauses.</summary>
    public long CheckpointBytes { get; init; } = 32 << 20;

    /// <summary>How much of the database the writer keeps in memory; each reader keeps a quarter of it.</summary>
    public long CacheBytes { get; init; } = 32 << 20;

    /// <summary>A database of at most this size is checked page by page when it is opened.</summary>
    public long CheckWhenAtMostBytes { get; init; } = 16 << 20;

    public string File => Path.Combine(Folder, "store.db");
}
