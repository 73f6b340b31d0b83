using System.Text.Json;
using Microsoft.Data.Sqlite;
using RagCluster.Actors.Documents;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;

namespace RagCluster.Actors.Catalog;

/// <summary>
/// Applies the records of a shard's log to the catalog, in order, each exactly once: the position is stored in the same
/// transaction. Not safe for concurrent use.
/// </summary>
internal sealed class CatalogWriter(SqliteConnection connection)
{
    /// <summary>Each statement is prepared once; they end with the connection.</summary>
    private readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);

    /// <summary>How far the shard's log is in the catalog.</summary>
    public long Position(int shardId)
    {
        var command = Command("SELECT seq FROM position WHERE shard_id = $shard", ("$shard", shardId));
        return command.ExecuteScalar() is long seq ? seq : 0;
    }

    /// <summary>Applies records of documents; returns each document that changed, in its newest state.</summary>
    public IReadOnlyList<(TenantId Tenant, DocumentRow Row)> ApplyDocuments(int shardId, IReadOnlyList<JournalRecord> records) =>
        InTransaction(() => SaveDocuments(shardId, records));

    public void ApplyConversations(int shardId, IReadOnlyList<JournalRecord> records) =>
        InTransaction(() =>
        {
            SaveConversations(shardId, records);
            return true;
        });

    /// <summary>
    /// All of it or nothing. In SQL, as SQLite itself ends a transaction that finds the disk full, and the provider's
    /// transactions do not survive that: every later one would be refused as nested.
    /// </summary>
    private T InTransaction<T>(Func<T> work)
    {
        Run("BEGIN IMMEDIATE");
        try
        {
            var result = work();
            Run("COMMIT");
            return result;
        }
        catch
        {
            if (SQLitePCL.raw.sqlite3_get_autocommit(connection.Handle) == 0)
            {
                Run("ROLLBACK");
            }

            throw;
        }
    }

    private List<(TenantId Tenant, DocumentRow Row)> SaveDocuments(int shardId, IReadOnlyList<JournalRecord> records)
    {
        var states = new Dictionary<string, DocumentState>(StringComparer.Ordinal);
        foreach (var record in records)
        {
            if (!states.TryGetValue(record.Entity, out var state))
            {
                state = LoadDocument(record.Entity) ?? Document.Initial(new EntityId(record.Entity));
            }

            var e = JsonSerializer.Deserialize(record.Payload.Span, MessagesJson.Default.DocumentEvent)
                ?? throw new JsonException($"The payload of {record.Entity} {record.Seq} is null.");
            states[record.Entity] = Document.Evolve(state, e);
        }

        var rows = new List<(TenantId, DocumentRow)>(states.Count);
        foreach (var (entity, state) in states)
        {
            SaveDocument(entity, state);
            if (state.Tenant is { } tenant)
            {
                rows.Add((tenant, DocumentRow.Of(DocumentService.Split(new EntityId(entity)).Document, state.ToView())));
            }
        }

        SavePosition(shardId, records[^1].ShardSeq);
        return rows;
    }

    private void SaveConversations(int shardId, IReadOnlyList<JournalRecord> records)
    {
        foreach (var record in records)
        {
            var slash = record.Entity.IndexOf('/', StringComparison.Ordinal);
            var (tenant, id) = (record.Entity[..slash], record.Entity[(slash + 1)..]);
            switch (JsonSerializer.Deserialize(record.Payload.Span, MessagesJson.Default.ConversationEvent))
            {
                case ConversationStarted e:
                    Run(
                        "INSERT OR REPLACE INTO conversation (tenant, id, owner, title, started_at, changed_at, questions) VALUES ($tenant, $id, $owner, $title, $at, $at, 0)",
                        ("$tenant", tenant), ("$id", id), ("$owner", e.Owner.Value), ("$title", e.Title), ("$at", e.At.UtcTicks));
                    break;
                case ConversationRenamed e:
                    Run(
                        "UPDATE conversation SET title = $title, changed_at = $at WHERE tenant = $tenant AND id = $id",
                        ("$tenant", tenant), ("$id", id), ("$title", e.Title), ("$at", e.At.UtcTicks));
                    break;
                case QuestionAsked e:
                    Run(
                        "UPDATE conversation SET questions = questions + 1, changed_at = $at WHERE tenant = $tenant AND id = $id",
                        ("$tenant", tenant), ("$id", id), ("$at", e.At.UtcTicks));
                    break;
            }
        }

        SavePosition(shardId, records[^1].ShardSeq);
    }

    private DocumentState? LoadDocument(string entity)
    {
        var (tenant, document) = DocumentService.Split(new EntityId(entity));
        var command = Command("SELECT state FROM document WHERE tenant = $tenant AND id = $id", ("$tenant", tenant.Value), ("$id", document.Value));
        return command.ExecuteScalar() is string state ? JsonSerializer.Deserialize(state, StatesJson.Default.DocumentState) : null;
    }

    private void SaveDocument(string entity, DocumentState state)
    {
        var (tenant, document) = DocumentService.Split(new EntityId(entity));
        Run(
            "INSERT OR REPLACE INTO document (tenant, id, status, received_at, search, state) VALUES ($tenant, $id, $status, $received, $search, $state)",
            ("$tenant", tenant.Value),
            ("$id", document.Value),
            ("$status", state.Status.ToString()),
            ("$received", state.ReceivedAt.UtcTicks),
            ("$search", $"{state.Name}\n{state.Parsed?.Title}\n{state.Source}".ToLowerInvariant()),
            ("$state", JsonSerializer.Serialize(state, StatesJson.Default.DocumentState)));
    }

    private void SavePosition(int shardId, long seq) =>
        Run("INSERT OR REPLACE INTO position (shard_id, seq) VALUES ($shard, $seq)", ("$shard", shardId), ("$seq", seq));

    private void Run(string sql, params ReadOnlySpan<(string Name, object Value)> parameters) => Command(sql, parameters).ExecuteNonQuery();

    private SqliteCommand Command(string sql, params ReadOnlySpan<(string Name, object Value)> parameters)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            command = connection.CreateCommand();
#pragma warning disable CA2100 // The statements are constants of this file; values are parameters.
            command.CommandText = sql;
#pragma warning restore CA2100
            foreach (var (name, value) in parameters)
            {
                command.Parameters.AddWithValue(name, value);
            }

            _commands.Add(sql, command);
        }

        foreach (var (name, value) in parameters)
        {
            command.Parameters[name].Value = value;
        }

        return command;
    }
}
