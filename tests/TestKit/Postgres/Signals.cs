using System.Globalization;
using System.Runtime.InteropServices;

namespace RagCluster.TestKit.Postgres;

/// <summary>Signals and parentage of processes, as Linux numbers and shows them.</summary>
public static partial class Signals
{
    public const int Interrupt = 2;
    public const int Quit = 3;
    public const int Kill = 9;
    public const int Continue = 18;
    public const int Stop = 19;

    /// <summary>A process that has just ended is no error.</summary>
    public static void Send(int process, int signal) => _ = NativeKill(process, signal);

    public static bool IsRunning(int process) => Stat(process) is { State: not ('Z' or 'X') };

    public static IEnumerable<int> ChildrenOf(int parent) => Directory.GetDirectories("/proc")
        .Select(folder => int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var process) ? process : 0)
        .Where(process => process != 0 && Stat(process)?.Parent == parent)
        .ToList();

    private static (char State, int Parent)? Stat(int process)
    {
        try
        {
            // "pid (name) state parent ...", and the name may hold anything but is followed by the last parenthesis.
            var stat = File.ReadAllText($"/proc/{process}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (fields[0][0], int.Parse(fields[1], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int NativeKill(int process, int signal);
}
