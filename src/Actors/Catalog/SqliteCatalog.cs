using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using RagCluster.Actors.Conversations;
using RagCluster.Actors.Documents;
using RagCluster.Kernel;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Projections;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Actors.Catalog;

/// <summary>The catalog in a SQLite file of this node, kept by projections of the documents' and conversations' logs.</summary>
public sealed class SqliteCatalog : ICatalog
{
    private readonly SqliteConnection _writing;
    private readonly SqliteConnection _reading;
    private readonly Lock _readLock = new();
    private readonly IRuntime _runtime;
    private readonly DocumentChanges _changes = new();
    private readonly List<ProjectionRunner> _projections = [];
    private readonly Permits _turn = new(1);

    private SqliteCatalog(SqliteConnection writing, SqliteConnection reading, IRuntime runtime) =>
        (_writing, _reading, _runtime) = (writing, reading, runtime);

    /// <summary>Opens the file and starts to follow the logs; what is behind is caught up in the background.</summary>
    public static async Task<ICatalog> OpenAsync(CastOptions options, Stage stage, CancellationToken cancellationToken)
    {
        var (writing, reading) = CatalogSchema.Open(options.CatalogFile);
        var catalog = new SqliteCatalog(writing, reading, stage.Runtime);
        var writer = new CatalogWriter(writing);
        var documents = new CatalogProjection("documents", writer, catalog._turn, (shard, records) => catalog.Write(() => catalog._changes.Publish(writer.ApplyDocuments(shard, records))));
        var conversations = new CatalogProjection("conversations", writer, catalog._turn, (shard, records) => catalog.Write(() => writer.ApplyConversations(shard, records)));
        await catalog.FollowAsync(documents, Document.Type, options.DocumentEntities.Shards, options.CatalogPoll, stage, cancellationToken);
        await catalog.FollowAsync(conversations, Conversation.Type, options.ConversationEntities.Shards, options.CatalogPoll, stage, cancellationToken);
        return catalog;
    }

    public async Task CaughtUpAsync(CancellationToken cancellationToken = default)
    {
        foreach (var projection in _projections)
        {
            await projection.CaughtUpAsync(cancellationToken);
        }
    }

    public ValueTask<DocumentPage> ListDocumentsAsync(Principal principal, DocumentListing listing, CancellationToken cancellationToken = default) =>
        ReadAsync(() => ListDocuments(principal, listing));

    public ValueTask<IReadOnlyDictionary<DocumentStatus, int>> CountDocumentsAsync(TenantId tenant, CancellationToken cancellationToken = default) =>
        ReadAsync<IReadOnlyDictionary<DocumentStatus, int>>(() =>
        {
            using var command = _reading.CreateCommand();
            command.CommandText = "SELECT status, COUNT(*) FROM document WHERE tenant = $tenant AND status <> 'Removed' GROUP BY status";
            command.Parameters.AddWithValue("$tenant", tenant.Value);
            using var rows = command.ExecuteReader();
            var counts = new SortedDictionary<DocumentStatus, int>();
            while (rows.Read())
            {
                counts.Add(Enum.Parse<DocumentStatus>(rows.GetString(0)), rows.GetInt32(1));
            }

            return counts;
        });

    public IAsyncEnumerable<DocumentRow> WatchDocumentsAsync(Principal principal, CancellationToken cancellationToken = default) =>
        _changes.Watch(principal, cancellationToken);

    public ValueTask<IReadOnlyList<ConversationRow>> ListConversationsAsync(Principal principal, int limit, CancellationToken cancellationToken = default) =>
        ReadAsync<IReadOnlyList<ConversationRow>>(() =>
        {
            using var command = _reading.CreateCommand();
            command.CommandText = """
                SELECT id, title, started_at, changed_at, questions FROM conversation
                WHERE tenant = $tenant AND owner = $owner ORDER BY changed_at DESC LIMIT $limit
                """;
            command.Parameters.AddWithValue("$tenant", principal.Tenant.Value);
            command.Parameters.AddWithValue("$owner", principal.User.Value);
            command.Parameters.AddWithValue("$limit", limit);
            using var rows = command.ExecuteReader();
            var conversations = new List<ConversationRow>();
            while (rows.Read())
            {
                conversations.Add(new ConversationRow(
                    ConversationId.Of(rows.GetString(0)), rows.GetString(1), Time(rows.GetInt64(2)), Time(rows.GetInt64(3)), rows.GetInt32(4)));
            }

            return conversations;
        });

    public async ValueTask DisposeAsync()
    {
        foreach (var projection in _projections)
        {
            await projection.DisposeAsync();
        }

        lock (_readLock)
        {
            _reading.Dispose();
        }

        _writing.Dispose();
    }

    /// <summary>A file lets readers go on meanwhile; in memory there is one connection for all.</summary>
    private void Write(Action write)
    {
        if (_writing != _reading)
        {
            write();
            return;
        }

        lock (_readLock)
        {
            write();
        }
    }

    private async ValueTask FollowAsync(CatalogProjection projection, string entityType, int shards, TimeSpan poll, Stage stage, CancellationToken cancellationToken) =>
        _projections.Add(await ProjectionRunner.StartAsync(
            projection,
            stage.Store,
            entityType,
            shards,
            stage.Entities.Commits,
            stage.Runtime,
            stage.Loggers.CreateLogger<ProjectionRunner>(),
            new ProjectionOptions { PollEvery = poll },
            cancellationToken));

    private DocumentPage ListDocuments(Principal principal, DocumentListing listing)
    {
        var (beforeTime, beforeId) = Cursor(listing.After);
        var rows = new List<DocumentRow>();
        string? next = null;
        using var command = _reading.CreateCommand();
        command.CommandText = """
            SELECT id, received_at, state FROM document
            WHERE tenant = $tenant AND status <> 'Removed'
              AND ($status IS NULL OR status = $status)
              AND ($text IS NULL OR instr(search, $text) > 0)
              AND (received_at < $time OR (received_at = $time AND id > $id))
            ORDER BY received_at DESC, id
            """;
        command.Parameters.AddWithValue("$tenant", principal.Tenant.Value);
        command.Parameters.AddWithValue("$status", (object?)listing.Status?.ToString() ?? DBNull.Value);
        command.Parameters.AddWithValue("$text", string.IsNullOrWhiteSpace(listing.Text) ? DBNull.Value : listing.Text.Trim().ToLowerInvariant());
        command.Parameters.AddWithValue("$time", beforeTime);
        command.Parameters.AddWithValue("$id", beforeId);
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            var id = DocumentId.Of(reader.GetString(0));
            var state = JsonSerializer.Deserialize(reader.GetString(2), StatesJson.Default.DocumentState)!;
            if (!DocumentService.MaySee(principal, state.Readers))
            {
                continue;
            }

            if (rows.Count == listing.Limit)
            {
                // There is one more: what was shown last is where the next page begins.
                next = string.Create(CultureInfo.InvariantCulture, $"{rows[^1].ReceivedAt.UtcTicks}.{rows[^1].Id}");
                break;
            }

            rows.Add(DocumentRow.Of(id, state.ToView()));
        }

        return new DocumentPage(rows, next);
    }

    private static (long Time, string Id) Cursor(string? after)
    {
        if (string.IsNullOrEmpty(after))
        {
            return (long.MaxValue, "");
        }

        var dot = after.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && long.TryParse(after.AsSpan(0, dot), NumberStyles.None, CultureInfo.InvariantCulture, out var time)
            ? (time, after[(dot + 1)..])
            : throw new ArgumentException("\"after\" is what the page before gave as \"next\".", nameof(after));
    }

    private static DateTimeOffset Time(long ticks) => new(ticks, TimeSpan.Zero);

    private async ValueTask<T> ReadAsync<T>(Func<T> read)
    {
        T? result = default;
        await _runtime.Run(() =>
        {
            lock (_readLock)
            {
                result = read();
            }

            return Task.CompletedTask;
        });
        return result!;
    }
}
