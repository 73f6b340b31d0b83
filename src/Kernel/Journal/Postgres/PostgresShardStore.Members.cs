using Npgsql;

namespace RagCluster.Kernel.Journal.Postgres;

/// <summary>
/// The membership rows. Every instant in them is the server's clock_timestamp(), which also judges them, at the moment
/// when the row is looked at and not when the statement began.
/// </summary>
public sealed partial class PostgresShardStore
{
    private const string IsLeased = "(expires_at IS NULL OR expires_at > clock_timestamp())";
    private const string IsAlive = $"state IN ('joining', 'up', 'draining') AND {IsLeased}";

    public ValueTask<NodeIncarnation> JoinAsync(string node, CancellationToken cancellationToken = default) =>
        JoinAsync(new NodeJoin(node, "", [], TimeSpan.Zero), NodeState.Up, hasLease: false, cancellationToken);

    public ValueTask<NodeIncarnation> JoinAsync(NodeJoin join, CancellationToken cancellationToken = default) =>
        JoinAsync(join, NodeState.Joining, hasLease: true, cancellationToken);

    public ValueTask<bool> ChangeStateAsync(NodeIncarnation node, NodeState state, CancellationToken cancellationToken = default) => _lease.RepeatableAsync(
        async (connection, _) => await WriteAsync(
            connection,
            $"""
            UPDATE node SET state = $3, changed_at = CASE WHEN state = $3 THEN changed_at ELSE clock_timestamp() END
            WHERE id = $1 AND incarnation = $2 AND state IN ('joining', 'up', 'draining')
              AND {RankOf("state")} <= {RankOf("$3")}
              AND ($3 IN ('left', 'dead') OR expires_at IS NULL OR expires_at > clock_timestamp())
            """,
            Text(node.Node),
            Long(node.Incarnation),
            Text(TextOf(state))) == 1,
        cancellationToken);

    public ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken = default) => _lease.RepeatableAsync<IReadOnlyList<NodeRow>>(
        async (connection, token) =>
        {
            await using var command = new NpgsqlCommand("SELECT id, incarnation, state, expires_at FROM node ORDER BY id", connection);
            await using var reader = await command.ExecuteReaderAsync(token);
            var rows = new List<NodeRow>();
            while (await reader.ReadAsync(token))
            {
                var expires = await reader.IsDBNullAsync(3, token) ? (DateTimeOffset?)null : reader.GetFieldValue<DateTimeOffset>(3);
                rows.Add(new NodeRow(reader.GetString(0), reader.GetInt64(1), StateOf(reader.GetString(2)), expires));
            }

            return rows;
        },
        cancellationToken);

    public ValueTask<bool> RenewAsync(NodeIncarnation node, TimeSpan lease, CancellationToken cancellationToken = default) => _lease.RepeatableAsync(
        async (connection, _) => await WriteAsync(
            connection,
            $"UPDATE node SET expires_at = clock_timestamp() + $3 WHERE id = $1 AND incarnation = $2 AND {IsAlive}",
            Text(node.Node),
            Long(node.Incarnation),
            Interval(lease)) == 1,
        cancellationToken);

    public ValueTask<IReadOnlyList<MemberRow>> ListMembersAsync(CancellationToken cancellationToken = default) => _lease.RepeatableAsync<IReadOnlyList<MemberRow>>(
        async (connection, token) =>
        {
            await using var command = new NpgsqlCommand(
                $"""
                SELECT id, incarnation, state, address, roles, joined_at, state <> 'left' AND NOT {IsLeased}
                FROM node WHERE state IN ('joining', 'up', 'draining') OR changed_at > clock_timestamp() - $1 ORDER BY joined_at, id
                """,
                connection) { Parameters = { Interval(MemberRow.ListedAfterEnd) } };
            await using var reader = await command.ExecuteReaderAsync(token);
            var rows = new List<MemberRow>();
            while (await reader.ReadAsync(token))
            {
                rows.Add(new MemberRow(
                    new NodeIncarnation(reader.GetString(0), reader.GetInt64(1)),
                    StateOf(reader.GetString(2)),
                    reader.GetString(3),
                    reader.GetFieldValue<string[]>(4),
                    reader.GetFieldValue<DateTimeOffset>(5),
                    reader.GetBoolean(6)));
            }

            return rows;
        },
        cancellationToken);

    public ValueTask<IReadOnlyList<NodeIncarnation>> BuryAsync(CancellationToken cancellationToken = default) => _lease.OnceAsync<IReadOnlyList<NodeIncarnation>>(
        async connection =>
        {
            await using var command = new NpgsqlCommand(
                $"""
                UPDATE node SET state = 'dead', changed_at = clock_timestamp()
                WHERE state IN ('joining', 'up', 'draining') AND NOT ({IsAlive}) RETURNING id, incarnation
                """,
                connection);
            await using var reader = await command.ExecuteReaderAsync();
            var buried = new List<NodeIncarnation>();
            while (await reader.ReadAsync())
            {
                buried.Add(new NodeIncarnation(reader.GetString(0), reader.GetInt64(1)));
            }

            await ToTheEndAsync(reader);
            return [.. buried.OrderBy(node => node.Node, StringComparer.Ordinal)];
        },
        cancellationToken);

    public ValueTask<bool> DeclareDeadAsync(NodeIncarnation node, CancellationToken cancellationToken = default) => _lease.OnceAsync(
        async connection => await WriteAsync(
            connection,
            "UPDATE node SET state = 'dead', changed_at = clock_timestamp() WHERE id = $1 AND incarnation = $2 AND state IN ('joining', 'up', 'draining')",
            Text(node.Node),
            Long(node.Incarnation)) == 1,
        cancellationToken);

    public ValueTask<bool> MirrorAsync(MemberRow member, TimeSpan lease, CancellationToken cancellationToken = default) => _lease.RepeatableAsync(
        async (connection, _) => await WriteAsync(
            connection,
            $"""
            INSERT INTO node AS n (id, incarnation, state, address, roles, joined_at, changed_at, expires_at)
            VALUES ($1, $2, $3, $4, $5, $6, clock_timestamp(), clock_timestamp() + $7)
            ON CONFLICT (id) DO UPDATE SET incarnation = excluded.incarnation, address = excluded.address, roles = excluded.roles,
                joined_at = excluded.joined_at, expires_at = excluded.expires_at,
                state = CASE WHEN n.incarnation = excluded.incarnation AND {RankOf("n.state")} > {RankOf("excluded.state")} THEN n.state ELSE excluded.state END,
                changed_at = CASE WHEN n.incarnation = excluded.incarnation AND n.state = excluded.state THEN n.changed_at ELSE excluded.changed_at END
            WHERE n.incarnation < excluded.incarnation OR (n.incarnation = excluded.incarnation AND n.state IN ('joining', 'up', 'draining'))
            """,
            Text(member.Node.Node),
            Long(member.Node.Incarnation),
            Text(TextOf(member.State)),
            Text(member.Address),
            new NpgsqlParameter<string[]> { TypedValue = [.. member.Roles] },
            new NpgsqlParameter<DateTimeOffset> { TypedValue = member.JoinedAt.ToUniversalTime() },
            Interval(lease)) == 1,
        cancellationToken);

    private async ValueTask<NodeIncarnation> JoinAsync(NodeJoin join, NodeState state, bool hasLease, CancellationToken cancellationToken)
    {
        var node = await _lease.OnceAsync(
            async connection =>
            {
                // One at a time: two nodes with one address must not both find it free.
                await using var batch = new NpgsqlBatch(connection)
                {
                    BatchCommands =
                    {
                        new($"SELECT pg_advisory_xact_lock({PostgresSchema.LockClass}, {PostgresSchema.SchemaLock})"),
                        new($"SELECT id || ', which is ' || state FROM node WHERE $2 <> '' AND address = $2 AND id <> $1 AND {IsAlive}") { Parameters = { Text(join.Node), Text(join.Address) } },
                        new(
                            $"""
                            INSERT INTO node AS n (id, incarnation, state, address, roles, joined_at, changed_at, expires_at)
                            SELECT $1, 1, $3, $2, $4, clock_timestamp(), clock_timestamp(), CASE WHEN $6 THEN clock_timestamp() + $5 END
                            WHERE $2 = '' OR NOT EXISTS (SELECT FROM node WHERE address = $2 AND id <> $1 AND {IsAlive})
                            ON CONFLICT (id) DO UPDATE SET incarnation = n.incarnation + 1, state = excluded.state, address = excluded.address, roles = excluded.roles,
                                joined_at = excluded.joined_at, changed_at = excluded.changed_at, expires_at = excluded.expires_at
                            RETURNING incarnation
                            """)
                        {
                            Parameters =
                            {
                                Text(join.Node),
                                Text(join.Address),
                                Text(TextOf(state)),
                                new NpgsqlParameter<string[]> { TypedValue = [.. join.Roles] },
                                Interval(join.Lease),
                                new NpgsqlParameter<bool> { TypedValue = hasLease },
                            },
                        },
                    },
                };
                await using var reader = await batch.ExecuteReaderAsync();
                await reader.NextResultAsync();
                var taken = await reader.ReadAsync() ? reader.GetString(0) : null;
                await reader.NextResultAsync();
                var incarnation = await reader.ReadAsync() ? reader.GetInt64(0) : 0;
                await ToTheEndAsync(reader);
                return incarnation > 0
                    ? new NodeIncarnation(join.Node, incarnation)
                    : throw new StoreRefusedException(
                        $"The address {join.Address} belongs to node {taken ?? "of another name"}: give this node another address, or wait until that one has left.");
            },
            cancellationToken);
        _sessions.Name = PostgresSessions.NameOf(node);
        RenewConnections();
        return node;
    }

    /// <summary>States are passed in this order, and never back.</summary>
    private static string RankOf(string state) => $"array_position(ARRAY['joining', 'up', 'draining', 'left', 'dead'], {state})";

    private static string TextOf(NodeState state) => state switch
    {
        NodeState.Joining => "joining",
        NodeState.Up => "up",
        NodeState.Draining => "draining",
        NodeState.Dead => "dead",
        NodeState.Left => "left",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "Not a state of a node."),
    };

    private static NodeState StateOf(string text) => text switch
    {
        "joining" => NodeState.Joining,
        "up" => NodeState.Up,
        "draining" => NodeState.Draining,
        "dead" => NodeState.Dead,
        "left" => NodeState.Left,
        _ => throw new StoreException($"\"{text}\" is not a state of a node: the table was changed by hand or by a newer program."),
    };
}
