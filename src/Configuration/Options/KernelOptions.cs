using RagCluster.Configuration.Binding;

namespace RagCluster.Configuration.Options;

/// <summary>Actors.</summary>
public sealed record KernelOptions : IChecked
{
    [Within("1", "1000000")]
    public int MailboxCapacity { get; init; } = 1_000;

    [Within("1ms", "10m")]
    public TimeSpan AskTimeout { get; init; } = TimeSpan.FromSeconds(5);

    public BackoffOptions RestartBackoff { get; init; } = new() { Min = TimeSpan.FromMilliseconds(100), Max = TimeSpan.FromSeconds(30) };

    [Within("1s", "10m")]
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(20);

    public IEnumerable<(string Key, string Expected)> Problems() => RestartBackoff.Problems("restart-backoff");
}

/// <summary>A wait that doubles from <see cref="Min"/> to <see cref="Max"/>.</summary>
public sealed record BackoffOptions
{
    [Within("1ms", "1h")]
    public TimeSpan Min { get; init; } = TimeSpan.FromSeconds(1);

    [Within("1ms", "24h")]
    public TimeSpan Max { get; init; } = TimeSpan.FromMinutes(1);

    internal IEnumerable<(string Key, string Expected)> Problems(string key) => Max < Min ? [($"{key}.max", "at least min")] : [];
}

/// <summary>The journal.</summary>
public sealed record StoreOptions : IChecked
{
    public StoreEngine Engine { get; init; } = StoreEngine.Sqlite;

    public SqliteOptions Sqlite { get; init; } = new();

    public PostgresOptions Postgres { get; init; } = new();

    public GroupCommitOptions GroupCommit { get; init; } = new();

    [Within("1", "10000")]
    public int RecoveryPermits { get; init; } = 64;

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (Engine == StoreEngine.Postgres && Postgres.Connection is null)
        {
            yield return ("postgres.connection", "how to reach PostgreSQL, such as \"Host=db.example.org;Database=ragcluster;Username=ragcluster\"");
        }
    }
}

public enum StoreEngine
{
    /// <summary>A file in the data folder, for one node.</summary>
    Sqlite,

    /// <summary>A server that several nodes share.</summary>
    Postgres,
}

public sealed record PostgresOptions
{
    /// <summary>As Npgsql writes it.</summary>
    [Secret]
    public string? Connection { get; init; }

    /// <summary>Further servers that hold shards of their own; the first one has the members and the blobs.</summary>
    [Secret]
    [Within("0", "15")]
    public IReadOnlyList<string> FurtherConnections { get; init; } = [];

    /// <summary>A file whose first line is the password; null: it is in the connection, or none is needed.</summary>
    public string? PasswordFile { get; init; }

    [Within("1", "63")]
    public string Schema { get; init; } = "ragcluster";

    [Within("1", "4")]
    public int Lanes { get; init; } = 1;

    [Within("1", "1000")]
    public int RecoveryConnections { get; init; } = 8;

    [Within("1", "1000")]
    public int QueryConnections { get; init; } = 4;

    [Within("1", "1000")]
    public int BlobConnections { get; init; } = 4;

    [Within("100ms", "10m")]
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    [Within("1s", "1h")]
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(10);

    [Within("100ms", "10m")]
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(3);

    [Within("100ms", "1m")]
    public TimeSpan LeaseTimeout { get; init; } = TimeSpan.FromSeconds(3);

    [Within("1s", "10m")]
    public TimeSpan PoolTimeout { get; init; } = TimeSpan.FromSeconds(30);
}

public sealed record SqliteOptions
{
    [Within("0", "10m")]
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(5);

    [Within("64KiB", "16GiB")]
    public ByteSize WalCheckpoint { get; init; } = ByteSize.MiB(16);
}

public sealed record GroupCommitOptions
{
    [Within("1", "100000")]
    public int MaxBatch { get; init; } = 1_000;

    [Within("1KiB", "1GiB")]
    public ByteSize MaxBytes { get; init; } = ByteSize.MiB(4);
}
