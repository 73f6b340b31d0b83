using System.Diagnostics;
using System.Globalization;

namespace RagCluster.Nodes.Hosting;

/// <summary>Processes that a file speaks of. A number alone proves nothing: it may be another process's by now.</summary>
internal static class LiveProcess
{
    /// <summary>Process start times are only as exact as the system's clock ticks.</summary>
    private static readonly TimeSpan s_inexact = TimeSpan.FromSeconds(2);

    /// <summary>The process, if it runs and has not begun after <paramref name="knownAt"/>.</summary>
    public static Process? Find(int id, DateTimeOffset knownAt)
    {
        Process process;
        try
        {
            process = Process.GetProcessById(id);
        }
        catch (ArgumentException)
        {
            return null;
        }

        if (!HasEnded(process) && process.StartTime.ToUniversalTime() <= knownAt + s_inexact)
        {
            return process;
        }

        process.Dispose();
        return null;
    }

    /// <summary>Also where nobody has fetched its exit status, as in containers without an init process: then it is there in name only.</summary>
    public static bool HasEnded(Process process)
    {
        if (process.HasExited)
        {
            return true;
        }

        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Id}/stat"));
            return stat.AsSpan(stat.LastIndexOf(')') + 1).TrimStart() is ['Z' or 'X', ..];
        }
        catch (IOException)
        {
            // Gone meanwhile, or a system without /proc, where nothing better is known.
            return process.HasExited;
        }
    }

    /// <summary>Asks a process to end in order.</summary>
    public static void Terminate(Process process)
    {
        using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
