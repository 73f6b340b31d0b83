using System.Globalization;
using Npgsql;

namespace RagCluster.Kernel.Journal.Postgres;

/// <summary>How a PostgreSQL store is reached and used. docs/store.md says what each connection pool is for.</summary>
public sealed record PostgresStoreOptions
{
    /// <summary>
    /// As Npgsql writes it: "Host=db1,db2;Database=rag;Username=rag;SSL Mode=VerifyFull;Root Certificate=ca.pem". Pools,
    /// timeouts and the application's name are the store's own; everything else, TLS included, passes through.
    /// </summary>
    public required string Connection { get; init; }

    /// <summary>Where it is not in <see cref="Connection"/>, such as from a file.</summary>
    public string? Password { get; init; }

    /// <summary>Where the tables are; made if it is missing and the user may make it.</summary>
    public string Schema { get; init; } = "ragcluster";

    /// <summary>This store's place among several that hold disjoint shards; 0 is the one that has the members. Written down in the store at the first use.</summary>
    public int Number { get; init; }

    /// <summary>The first store's id, for the further ones (<see cref="PostgresShardStore.ClusterId"/>).</summary>
    public string? Cluster { get; init; }

    /// <summary>How many appends go on at once, 1 to 4; each carries many shards.</summary>
    public int Lanes { get; init; } = 1;

    /// <summary>How many reads of logs and snapshots go on at once.</summary>
    public int RecoveryConnections { get; init; } = 8;

    /// <summary>For claims, releases, lists of shards, and the saving of snapshots.</summary>
    public int QueryConnections { get; init; } = 4;

    public int BlobConnections { get; init; } = 4;

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The server breaks off a statement that takes longer.</summary>
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The same for renewals of the lease and what goes with them: well below the lease.</summary>
    public TimeSpan LeaseTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long a claim or an append waits for a statement that holds its shard.</summary>
    public TimeSpan LockTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The server ends a session that has a transaction open and says nothing.</summary>
    public TimeSpan IdleInTransactionTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a call waits for a connection of its pool.</summary>
    public TimeSpan PoolTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The first wait at the start while the server cannot be reached; it doubles up to <see cref="MaxBackoff"/>.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(250);

    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether a server with fsync=off is accepted: a power cut loses acknowledged events there. For tests only.</summary>
    public bool AllowFsyncOff { get; init; }

    /// <summary>Server, database and user, for people; never a secret.</summary>
    public string Target
    {
        get
        {
            var parsed = Parsed();
            return string.Create(CultureInfo.InvariantCulture, $"{parsed.Host}:{parsed.Port}/{parsed.Database ?? parsed.Username} as {parsed.Username}");
        }
    }

    /// <summary>The options without what is secret in them.</summary>
    public override string ToString() => $"PostgreSQL at {Target}, schema {Schema}";

    /// <exception cref="StoreRefusedException">The connection string cannot be read; its text is not repeated, because it may hold a password.</exception>
    internal NpgsqlConnectionStringBuilder Parsed()
    {
        NpgsqlConnectionStringBuilder parsed;
        try
        {
            parsed = new NpgsqlConnectionStringBuilder(Connection);
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or KeyNotFoundException)
        {
            throw new StoreRefusedException(
                $"The connection string of the store cannot be read: {(e is ArgumentException a ? a.Message : "a value has the wrong type.")} " +
                "It looks like \"Host=db.example.org;Port=5432;Database=ragcluster;Username=ragcluster;SSL Mode=VerifyFull\".");
        }

        if (string.IsNullOrEmpty(parsed.Host))
        {
            throw new StoreRefusedException("The connection string of the store names no Host: give a name, an address, or the folder of a Unix socket.");
        }

        parsed.Password = Password ?? parsed.Password;
        return parsed;
    }

    internal PostgresStoreOptions Validated()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Lanes, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Lanes, 4);
        ArgumentOutOfRangeException.ThrowIfLessThan(RecoveryConnections, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(QueryConnections, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(BlobConnections, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(Number);
        if (Schema.Length is 0 or > 63 || !Schema.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '_') || char.IsAsciiDigit(Schema[0]))
        {
            throw new StoreRefusedException($"A schema's name has lower-case letters, digits and underscores, 63 at most, and no digit at the start; not \"{Schema}\".");
        }

        return this;
    }
}
