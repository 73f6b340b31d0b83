using System.Diagnostics;

namespace RagCluster.TestKit.Postgres;

/// <summary>Where PostgreSQL's programs are, and as whom they run.</summary>
internal sealed record PostgresPrograms(string Folder, bool AsPostgres)
{
    public const string Missing =
        "PostgreSQL's server programs are not here: install Debian's package postgresql (test.sh does), or name their folder in RAGCLUSTER_POSTGRES_BIN.";

    /// <summary>What to put before a command so that it does not run as root.</summary>
    public IReadOnlyList<string> AsOwner => AsPostgres ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"] : [];

    /// <summary>The newest version that is installed; null where there is none.</summary>
    public static PostgresPrograms? Find()
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        const string debian = "/usr/lib/postgresql";
        string?[] candidates =
        [
            Environment.GetEnvironmentVariable("RAGCLUSTER_POSTGRES_BIN"),
            .. Directory.Exists(debian)
                ? Directory.GetDirectories(debian).OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var version) ? version : 0).Select(folder => Path.Combine(folder, "bin"))
                : [],
            .. Environment.GetEnvironmentVariable("PATH")?.Split(':') ?? [],
        ];
        return candidates.FirstOrDefault(folder => folder is not null && File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "postgres"))) is { } found
            ? new PostgresPrograms(found, Environment.IsPrivilegedProcess)
            : null;
    }

    public string PathOf(string program) => Path.Combine(Folder, program);

    /// <summary>Gives a file or a folder to the user that postgres runs as.</summary>
    public Task OwnAsync(string path) => AsPostgres ? RunProcessAsync(["chown", "postgres:postgres", path]) : Task.CompletedTask;

    public Task RunAsync(string program, params string[] arguments) => RunProcessAsync([.. AsOwner, PathOf(program), .. arguments]);

    private static async Task RunProcessAsync(IReadOnlyList<string> command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"\"{string.Join(' ', command)}\" failed with {process.ExitCode}:\n{await output}{await errors}");
        }

        await Task.WhenAll(output, errors);
    }
}
