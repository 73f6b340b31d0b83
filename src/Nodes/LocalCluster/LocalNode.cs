using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using RagCluster.Nodes.Commands;
using RagCluster.Nodes.Hosting;

namespace RagCluster.Nodes.LocalCluster;

/// <summary>One node of a local cluster, as a process of its own that outlives the command which started it.</summary>
internal sealed class LocalNode(ClusterFile cluster, int number)
{
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(8);

    public string Name => ClusterFile.NameOf(number);

    public NodeFile? Running => cluster.Running(number);

    private string Folder => cluster.FolderOf(number);

    private string PidFile => Path.Combine(Folder, "node.pid");

    private string SettingsFile => Path.Combine(Folder, "node.conf");

    /// <summary>The process, ready or not; null where there is none.</summary>
    public Process? Find()
    {
        try
        {
            return File.Exists(PidFile) && int.TryParse(File.ReadAllText(PidFile).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                ? LiveProcess.Find(id, File.GetLastWriteTimeUtc(PidFile))
                : null;
        }
        catch (Exception e) when (e is IOException or InvalidOperationException)
        {
            // It ends at this moment.
            return null;
        }
    }

    /// <summary>Starts the process. It is not ready yet.</summary>
    public void Start()
    {
        Directory.CreateDirectory(Folder);
        NodeFile.Delete(Folder);
        if (!File.Exists(SettingsFile))
        {
            Secrets.Write(SettingsFile, Settings());
        }

        var program = Environment.ProcessPath ?? throw new InvalidOperationException("The path of this program is unknown, so that it cannot be started again as a node.");
        var entry = Assembly.GetEntryAssembly()?.Location;
        var hosted = Path.GetFileNameWithoutExtension(program) == "dotnet" && !string.IsNullOrEmpty(entry);
        string[] arguments = [.. hosted ? [entry!] : Array.Empty<string>(), "serve", "--config", SettingsFile, .. cluster.Settings.SelectMany(setting => new[] { "-D", setting })];

        // In a session of its own, so that neither Ctrl-C nor the end of the terminal reaches it; the first shell ends at
        // once, the second is the supervisor that starts a node anew which has lost its membership.
        const string Launch = "log=$1; supervise=$2; shift 2; setsid /bin/sh -c \"$supervise\" sh \"$@\" >> \"$log\" 2>&1 < /dev/null &";
        var supervise = string.Create(
            CultureInfo.InvariantCulture, $"pid=$1; shift; while :; do \"$@\" & echo $! > \"$pid\"; wait $!; code=$?; [ $code -eq {ExitCodes.Lost} ] || exit $code; sleep 1; done");
        File.Delete(PidFile);
        using var shell = Process.Start(
            new ProcessStartInfo("/bin/sh", ["-c", Launch, "sh", cluster.LogOf(number), supervise, PidFile, program, .. arguments]) { WorkingDirectory = Folder })!;
        shell.WaitForExit();
    }

    /// <summary>Waits until it is ready.</summary>
    /// <exception cref="CommandException">It ended before, or takes too long; the message shows the end of its log.</exception>
    /// <param name="waiting">Is told now and then what the node said last.</param>
    public async Task<NodeFile> ReadyAsync(TimeSpan patience, Action<string> waiting, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var said = started;
        while (true)
        {
            if (Running is { } ready)
            {
                return ready;
            }

            using var process = Find();
            if (process is null && File.Exists(PidFile))
            {
                throw new CommandException($"{Name} did not start.\n{EndOfLog()}\nIts whole log is {cluster.LogOf(number)}.");
            }

            if (Stopwatch.GetElapsedTime(started) > patience)
            {
                throw new CommandException($"{Name} is not ready after {patience.TotalSeconds:0} s; it goes on trying.\n{EndOfLog()}\nIts whole log is {cluster.LogOf(number)}.");
            }

            if (Stopwatch.GetElapsedTime(said) > s_silence)
            {
                said = Stopwatch.GetTimestamp();
                waiting(EndOfLog(1));
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
        }
    }

    /// <summary>Asks it to hand over its work and end, and waits for that. False if it had to be killed.</summary>
    public async Task<bool> StopAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        using var process = Find();
        if (process is null)
        {
            return true;
        }

        LiveProcess.Terminate(process);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience);
        try
        {
            while (!LiveProcess.HasEnded(process))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), limit.Token);
            }

            return true;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            process.Kill();
            return false;
        }
        finally
        {
            File.Delete(PidFile);
        }
    }

    private string Settings()
    {
        var text = new StringBuilder();
        text.AppendLine("# Made by \"ragcluster cluster up\", which does not write it again: change what you like.");
        if (cluster.Config is { } file)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"include file({Quoted(file)})");
        }

        // All nodes at their usual places, each one further, where these are free.
        text.AppendLine(CultureInfo.InvariantCulture, $$"""
            ragcluster {
              data-folder = {{Quoted(Folder)}}
              node.name = {{Quoted(Name)}}
              http { host = "127.0.0.1", port = {{Port(8079 + number)}} }
              management { host = "127.0.0.1", port = {{Port(8557 + number)}} }
              cluster { enabled = true, host = "127.0.0.1", port = {{Port(2551 + number)}}, secret-file = {{Quoted(cluster.SecretFile)}} }
              store {
                engine = postgres
                postgres { connection = {{Quoted(cluster.Connection)}}{{(cluster.OwnPostgres ? ", password-file = " + Quoted(cluster.PasswordFile) : "")}} }
              }
              # Several nodes and a database start on one machine at once: that must not look like the death of one of them.
              cluster.lease = 5s
            }
            """);
        return text.ToString();
    }

    private static int Port(int usual) => LocalPostgres.IsFree(usual) ? usual : LocalPostgres.FreePort();

    private static string Quoted(string text) => System.Text.Json.JsonSerializer.Serialize(text, NodeText.Default.String);

    private string EndOfLog(int lines = 5) => File.Exists(cluster.LogOf(number)) ? string.Join('\n', File.ReadLines(cluster.LogOf(number)).TakeLast(lines)) : "";
}

[System.Text.Json.Serialization.JsonSerializable(typeof(string))]
internal sealed partial class NodeText : System.Text.Json.Serialization.JsonSerializerContext;
