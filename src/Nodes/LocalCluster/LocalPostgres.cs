using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using RagCluster.Nodes.Commands;

namespace RagCluster.Nodes.LocalCluster;

/// <summary>
/// A PostgreSQL of the cluster's own, in its data folder, by the programs of Debian's package. It listens on this machine
/// only, asks for a password, and flushes what it commits. As root it runs as the user postgres, because it refuses to be root.
/// </summary>
internal sealed class LocalPostgres
{
    public const string User = "ragcluster";

    private const string Unprivileged = "postgres";

    private readonly string _folder;
    private readonly string _programs;

    private LocalPostgres(string folder, string programs) => (_folder, _programs) = (folder, programs);

    private string Data => Path.Combine(_folder, "data");

    private string Log => Path.Combine(_folder, "postgres.log");

    private static bool IsRoot => Environment.IsPrivilegedProcess;

    private static string[] AsUnprivileged => [$"--reuid={Unprivileged}", $"--regid={Unprivileged}", "--init-groups", "--"];

    /// <exception cref="CommandException">PostgreSQL is not installed.</exception>
    public static LocalPostgres In(string clusterFolder)
    {
        const string debian = "/usr/lib/postgresql";
        IEnumerable<string> candidates =
        [
            .. Environment.GetEnvironmentVariable("RAGCLUSTER_POSTGRES_BIN") is { } named ? [named] : Array.Empty<string>(),
            .. Directory.Exists(debian)
                ? Directory.GetDirectories(debian).OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var version) ? version : 0).Select(folder => Path.Combine(folder, "bin"))
                : [],
            .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':'),
        ];
        var programs = candidates.FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "pg_ctl")));
        return programs is not null
            ? new LocalPostgres(Path.Combine(clusterFolder, "postgres"), programs)
            : throw new CommandException(
                "PostgreSQL is not installed here. Install it (Debian and Ubuntu: apt-get install postgresql), " +
                "or give a server with --postgres \"Host=db;Database=ragcluster;Username=ragcluster;Password=...\".");
    }

    public static string ConnectionOn(int port) => string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={port};Database=postgres;Username={User}");

    /// <summary>Starts it, unless it runs; makes its files at the first start. Gives its port.</summary>
    public async Task<int> StartAsync(int port, string password, CancellationToken cancellationToken)
    {
        if (await IsRunningAsync(cancellationToken))
        {
            return port;
        }

        if (!File.Exists(Path.Combine(Data, "PG_VERSION")))
        {
            await MakeAsync(password, cancellationToken);
        }

        if (port == 0 || !IsFree(port))
        {
            port = FreePort();
        }

        var settings = string.Create(
            CultureInfo.InvariantCulture, $"-c port={port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=400 -c shared_buffers=128MB");
        await RunAsync("pg_ctl", ["start", "--wait", "--timeout=60", "--pgdata", Data, "--log", Log, "--options", settings], cancellationToken);
        return port;
    }

    /// <summary>Ends its sessions and shuts it down in order.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (await IsRunningAsync(cancellationToken))
        {
            await RunAsync("pg_ctl", ["stop", "--wait", "--timeout=60", "--mode=fast", "--pgdata", Data], cancellationToken);
        }
    }

    public async Task<bool> IsRunningAsync(CancellationToken cancellationToken) =>
        File.Exists(Path.Combine(Data, "postmaster.pid")) && (await TryRunAsync("pg_ctl", ["status", "--pgdata", Data], cancellationToken)).ExitCode == 0;

    private async Task MakeAsync(string password, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_folder);
        if (Directory.Exists(Data))
        {
            // What an interrupted start left.
            Directory.Delete(Data, recursive: true);
        }

        var file = Path.Combine(_folder, "password.new");
        Secrets.Write(file, password);
        try
        {
            if (IsRoot)
            {
                await ReachAsync(cancellationToken);
            }

            await RunAsync(
                "initdb",
                ["--pgdata", Data, "--username", User, "--pwfile", file, "--auth=scram-sha-256", "--locale=C.UTF-8", "--encoding=UTF8", "--no-instructions"],
                cancellationToken);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private async Task RunAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        var (exit, output) = await TryRunAsync(program, arguments, cancellationToken);
        if (exit != 0)
        {
            var log = File.Exists(Log) ? $" Its log is {Log}." : "";
            throw new CommandException($"PostgreSQL could not do \"{program} {arguments[0]}\": {Short(output)}{log}");
        }
    }

    private Task<(int ExitCode, string Output)> TryRunAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        var path = Path.Combine(_programs, program);
        return IsRoot
            ? StartProcessAsync("setpriv", [.. AsUnprivileged, path, .. arguments], cancellationToken)
            : StartProcessAsync(path, arguments, cancellationToken);
    }

    /// <summary>Gives the folder to the user that the server runs as.</summary>
    private async Task ReachAsync(CancellationToken cancellationToken)
    {
        var (exit, output) = await StartProcessAsync("chown", ["-R", Unprivileged, _folder], cancellationToken);
        if (exit != 0)
        {
            throw new CommandException($"The folder {_folder} cannot be given to user {Unprivileged}, as whom the server is to run, because PostgreSQL refuses to be root: {Short(output)}");
        }

        if ((await StartProcessAsync("setpriv", [.. AsUnprivileged, "test", "-w", _folder], cancellationToken)).ExitCode != 0)
        {
            throw new CommandException(
                $"The server is to run as user {Unprivileged}, because PostgreSQL refuses to be root, and that user cannot get to {_folder}: " +
                "let others pass through the folders above it (chmod o+x), or choose another folder with --data.");
        }
    }

    private static async Task<(int ExitCode, string Output)> StartProcessAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        // Output goes to a file and not to a pipe: the server that pg_ctl starts would keep a pipe open for ever.
        var output = Path.GetTempFileName();
        try
        {
            using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", "out=$1; shift; exec \"$@\" > \"$out\" 2>&1 < /dev/null", "sh", output, program, .. arguments]) { WorkingDirectory = "/" })!;
            await process.WaitForExitAsync(cancellationToken);
            return (process.ExitCode, await File.ReadAllTextAsync(output, cancellationToken));
        }
        finally
        {
            File.Delete(output);
        }
    }

    private static string Short(string output) => string.Join(' ', output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).TakeLast(4));

    internal static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    internal static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
