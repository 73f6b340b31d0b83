namespace RagCluster.Kernel.Journal.Sqlite;

/// <summary>The schema as numbered migrations. A migration that was ever released is frozen; changes are new ones.</summary>
internal static class SqliteSchema
{
    /// <summary>How many bits of a journal position are the shard's sequence number.</summary>
    public const int SeqBits = 40;

    private static readonly string[] Migrations =
    [
        // A journal row's key is its place in its shard's log, so that a shard's log lies together and is read at the
        // speed of the disk; shard_id and shard_seq are that key, taken apart for people and for the index.
        """
        CREATE TABLE node (
            id TEXT PRIMARY KEY, incarnation INTEGER NOT NULL, state TEXT NOT NULL, expires_at INTEGER
        ) WITHOUT ROWID;
        CREATE TABLE shard (
            shard_id INTEGER PRIMARY KEY, entity_type TEXT NOT NULL, number INTEGER NOT NULL,
            owner TEXT, incarnation INTEGER, epoch INTEGER NOT NULL,
            UNIQUE (entity_type, number)
        );
        CREATE TABLE journal (
            position INTEGER PRIMARY KEY,
            shard_id INTEGER GENERATED ALWAYS AS (position >> 40) VIRTUAL,
            shard_seq INTEGER GENERATED ALWAYS AS (position & 1099511627775) VIRTUAL,
            entity TEXT NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL,
            command_id TEXT, reply TEXT, payload TEXT NOT NULL, at INTEGER NOT NULL
        );
        CREATE UNIQUE INDEX journal_entity ON journal (shard_id, entity, seq);
        CREATE TABLE snapshot (
            shard_id INTEGER NOT NULL, entity TEXT NOT NULL, seq INTEGER NOT NULL, epoch INTEGER NOT NULL,
            state TEXT NOT NULL, commands TEXT NOT NULL, attachment BLOB NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (shard_id, entity)
        );
        CREATE TABLE remembered (
            shard_id INTEGER NOT NULL, entity TEXT NOT NULL,
            PRIMARY KEY (shard_id, entity)
        ) WITHOUT ROWID;
        CREATE TABLE blob (id TEXT PRIMARY KEY, content BLOB NOT NULL);
        """,
    ];

    /// <summary>Brings the database to the newest version, each step in its own transaction.</summary>
    /// <exception cref="StoreRefusedException">It was written by a newer program.</exception>
    public static void Migrate(SqliteSession session, string file)
    {
        session.Execute("CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID");
        var version = Version(session);
        if (version > Migrations.Length)
        {
            throw new StoreRefusedException(
                $"The database \"{file}\" has schema version {version}, and this program knows versions up to {Migrations.Length}. " +
                "It was written by a newer RagCluster: start that one, or name another data folder.");
        }

        for (; version < Migrations.Length; version++)
        {
            session.Execute("BEGIN IMMEDIATE");
            session.Execute(Migrations[version]);
            using var statement = session.Use("INSERT OR REPLACE INTO meta (key, value) VALUES ('schema_version', ?1)");
            statement.Value.Bind(1, (version + 1).ToString(System.Globalization.CultureInfo.InvariantCulture)).Run();
            session.Execute("COMMIT");
        }
    }

    public static int Version(SqliteSession session)
    {
        using var statement = session.Use("SELECT value FROM meta WHERE key = 'schema_version'");
        return statement.Value.Step() ? int.Parse(statement.Value.Text(0), System.Globalization.CultureInfo.InvariantCulture) : 0;
    }
}
