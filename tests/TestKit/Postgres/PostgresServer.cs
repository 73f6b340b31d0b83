using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace RagCluster.TestKit.Postgres;

/// <summary>How a test's server is set up.</summary>
public sealed record PostgresServerOptions
{
    /// <summary>Off makes commits cheap and the server worthless for tests of durability.</summary>
    public bool Fsync { get; init; } = true;

    /// <summary>What postgres listens on, as its setting listen_addresses; "" for the Unix socket alone.</summary>
    public string ListenAddresses { get; init; } = "127.0.0.1";

    /// <summary>A new or empty folder for everything of this server; null takes one in the temporary folder.</summary>
    public string? Folder { get; init; }

    /// <summary>The machine of a <see cref="NetworkLab"/> that it runs on, at whose address it listens; null: this one.</summary>
    public LabMachine? Machine { get; init; }

    /// <summary>Further settings, as in postgresql.conf.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// A throw-away PostgreSQL of a test's own, on a free port and a Unix socket in a folder of its own: everything is gone
/// when it is disposed, and also when the test's process is killed. It runs as user "postgres" where the tests are root,
/// because postgres refuses to be root.
/// </summary>
/// <remarks>
/// Connections over the Unix socket are trusted; over TCP, SCRAM asks for <see cref="Password"/>. A shell between
/// the test and the server ends the server when its input is closed, as the kernel does when the test dies.
/// </remarks>
public sealed class PostgresServer : IAsyncDisposable
{
    public const string User = "postgres";
    public const string Password = "for-tests-only";

    private const string Watchdog =
        """
        exec 3<&0
        "$@" >> "$LOG" 2>&1 < /dev/null 3<&- &
        echo $!
        read line <&3
        kill -QUIT $! 2> /dev/null
        wait $!
        [ "$line" = keep ] || rm -rf "$FOLDER"
        """;

    private static readonly Lazy<Task<PostgresServer>> s_shared = new(() => StartAsync());

    private readonly PostgresServerOptions _options;
    private readonly PostgresPrograms _programs;
    private Process? _watchdog;
    private int _postmaster;
    private int _databases;

    private PostgresServer(PostgresServerOptions options, PostgresPrograms programs, string folder) =>
        (_options, _programs, Folder) = (options, programs, folder);

    /// <summary>Why there can be no server here, for a test to skip with; null where there can.</summary>
    public static string? WhyNot => PostgresPrograms.Find() is null ? PostgresPrograms.Missing : null;

    public string Folder { get; }

    public int Port { get; private set; }

    /// <summary>postgresql.conf's folder.</summary>
    public string DataFolder => Path.Combine(Folder, "data");

    /// <summary>What the server has written to its log so far.</summary>
    public string Log => File.Exists(LogFile) ? ReadShared(LogFile) : "";

    private string Listens => _options.Machine?.Address ?? _options.ListenAddresses;

    private string LogFile => Path.Combine(Folder, "postgres.log");

    /// <summary>
    /// The one that the tests of a process share, each with a database of its own (<see cref="CreateDatabaseAsync"/>).
    /// Who stops, pauses or kills a server starts one for itself.
    /// </summary>
    public static Task<PostgresServer> SharedAsync() => s_shared.Value;

    public static Task<PostgresServer> StartAsync(PostgresServerOptions? options = null) => CreateAsync(
        options ?? new PostgresServerOptions(),
        async server =>
        {
            var password = Path.Combine(server.Folder, "password");
            await File.WriteAllTextAsync(password, Password);
            await server._programs.OwnAsync(password);

            // In a folder of the test's choice, what was made may have to survive a power cut.
            string[] sync = server._options.Folder is null ? ["--no-sync"] : [];
            await server._programs.RunAsync(
                "initdb",
                [
                    "--pgdata", server.DataFolder, "--username", User, "--pwfile", password, "--auth-local=trust", "--auth-host=scram-sha-256",
                    "--locale=C.UTF-8", "--encoding=UTF8", "--no-instructions", .. sync,
                ]);
            if (server.Listens != "127.0.0.1")
            {
                await File.AppendAllTextAsync(Path.Combine(server.DataFolder, "pg_hba.conf"), "\nhost all all all scram-sha-256\n");
            }
        });

    /// <summary>A second server that follows this one asynchronously, and that <see cref="PromoteAsync"/> makes a primary.</summary>
    public Task<PostgresServer> StartStandbyAsync() => CreateAsync(_options with { Folder = null }, standby => standby._programs.RunAsync(
        "pg_basebackup", "--pgdata", standby.DataFolder, "--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync",
        "--dbname", string.Create(CultureInfo.InvariantCulture, $"host={Folder} port={Port} user={User}")));

    /// <summary>Ends the standby's following: it is a primary from now on, on a new timeline.</summary>
    public async Task PromoteAsync()
    {
        await ExecuteAsync("SELECT pg_promote()");
        await Retry.Until("the standby is a primary", async () => await ExecuteAsync("SELECT pg_is_in_recovery()") is false);
    }

    /// <summary>Over TCP, with the password.</summary>
    public string ConnectionString(string database = "postgres") => new NpgsqlConnectionStringBuilder
    {
        Host = _options.Machine?.Address ?? "127.0.0.1",
        Port = Port,
        Username = User,
        Password = Password,
        Database = database,
    }.ConnectionString;

    /// <summary>Over the Unix socket, without a password.</summary>
    public string SocketConnectionString(string database = "postgres") => new NpgsqlConnectionStringBuilder
    {
        Host = Folder,
        Port = Port,
        Username = User,
        Database = database,
    }.ConnectionString;

    /// <summary>A new, empty database; gives its name.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"test_{Interlocked.Increment(ref _databases)}");
        await ExecuteAsync($"CREATE DATABASE {name}");
        return name;
    }

    /// <summary>Runs SQL as the superuser, on a connection of its own; gives the first column of the first row.</summary>
    public async Task<object?> ExecuteAsync(string sql, string database = "postgres")
    {
        await using var connection = new NpgsqlConnection(SocketConnectionString(database) + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>Starts a stopped or killed server with the data and the port that it had.</summary>
    public async Task StartAgainAsync()
    {
        for (var attempt = 1; ; attempt++)
        {
            var chosen = Port != 0;
            Port = chosen ? Port : FreePort();
            Launch();
            try
            {
                await Retry.Until("postgres accepts connections", AcceptsAsync);
                return;
            }
            catch (PostgresStoppedException) when (!chosen && attempt < 5 && Log.Contains("could not bind", StringComparison.Ordinal))
            {
                // Somebody took the port between the choice and the start.
                await StopAsync();
                Port = 0;
            }
            catch (PostgresStoppedException) when (attempt < 50 && Log.Contains("pre-existing shared memory block", StringComparison.Ordinal))
            {
                // A killed server's sessions take a moment to be gone on a busy machine.
                await StopAsync();
                await Task.Delay(100);
            }
        }
    }

    /// <summary>Ends all sessions and shuts down in order, as at a restart for an upgrade. Running statements are broken off.</summary>
    public Task StopAsync() => EndAsync(() => Signals.Send(_postmaster, Signals.Interrupt));

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAgainAsync();
    }

    /// <summary>kill -9 of every process of the server at once. What it had acknowledged is there after <see cref="StartAgainAsync"/>.</summary>
    public Task KillAsync() => EndAsync(() =>
    {
        Pause();
        Tree().ForEach(process => Signals.Send(process, Signals.Kill));
    });

    /// <summary>Stops every process of the server in its tracks (SIGSTOP): connections stay open and nothing answers.</summary>
    public void Pause()
    {
        // The postmaster first: then no new process appears while the others are stopped.
        Signals.Send(_postmaster, Signals.Stop);
        Tree().ForEach(process => Signals.Send(process, Signals.Stop));
    }

    public void Resume() => Tree().ForEach(process => Signals.Send(process, Signals.Continue));

    public async ValueTask DisposeAsync()
    {
        await EndAsync(() => Signals.Send(_postmaster, Signals.Quit));
        if (Directory.Exists(Folder))
        {
            Directory.Delete(Folder, recursive: true);
        }
    }

    private static async Task<PostgresServer> CreateAsync(PostgresServerOptions options, Func<PostgresServer, Task> fill)
    {
        var programs = PostgresPrograms.Find() ?? throw new InvalidOperationException(PostgresPrograms.Missing);
        var folder = options.Folder ?? Path.Combine(Path.GetTempPath(), $"ragcluster-pg-{Path.GetRandomFileName()[..8]}");
        Directory.CreateDirectory(folder);
        var server = new PostgresServer(options, programs, folder);
        try
        {
            await programs.OwnAsync(folder);
            await fill(server);
            await server.StartAgainAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private static string ReadShared(string file)
    {
        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private void Launch()
    {
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true, RedirectStandardOutput = true, WorkingDirectory = "/" };
        start.Environment["LOG"] = LogFile;
        start.Environment["FOLDER"] = Folder;
        var settings = new Dictionary<string, string>
        {
            ["port"] = Port.ToString(CultureInfo.InvariantCulture),
            ["listen_addresses"] = Listens,
            ["unix_socket_directories"] = Folder,
            ["fsync"] = _options.Fsync ? "on" : "off",
            ["shared_buffers"] = "64MB",
            ["max_connections"] = "100",
            ["autovacuum_naptime"] = "10s",
        };
        foreach (var (name, value) in _options.Settings)
        {
            settings[name] = value;
        }

        string[] arguments = ["-c", Watchdog, "sh", .. _options.Machine?.Enter ?? [], .. _programs.AsOwner, _programs.PathOf("postgres"), "-D", DataFolder, .. settings.SelectMany(s => new[] { "-c", $"{s.Key}={s.Value}" })];
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        _watchdog = Process.Start(start)!;
        _postmaster = int.Parse(_watchdog.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
    }

    private async Task<bool> AcceptsAsync()
    {
        if (!Signals.IsRunning(_postmaster))
        {
            throw new PostgresStoppedException($"postgres ended right after its start. Its log:\n{Log}");
        }

        try
        {
            await ExecuteAsync("SELECT 1");
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private async Task EndAsync(Action signal)
    {
        if (_watchdog is not { } watchdog)
        {
            return;
        }

        _watchdog = null;
        signal();
        Tree().ForEach(process => Signals.Send(process, Signals.Continue));
        await Retry.Until("postgres has ended", () => !Signals.IsRunning(_postmaster));
        await watchdog.StandardInput.WriteLineAsync("keep");
        watchdog.StandardInput.Close();
        await watchdog.WaitForExitAsync();
        watchdog.Dispose();
        NpgsqlConnection.ClearAllPools();
    }

    private List<int> Tree() => [_postmaster, .. Signals.ChildrenOf(_postmaster)];

    private sealed class PostgresStoppedException(string message) : Exception(message);
}
