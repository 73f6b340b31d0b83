using System.Runtime.InteropServices;
using SQLitePCL;

namespace RagCluster.Kernel.Journal.Sqlite;

/// <summary>
/// Which SQLite is used: the system's where it is there and new enough, otherwise the one that the program brings. The
/// latter was built without usleep: where two connections meet for a moment, it waits a whole second instead of a
/// fraction of a millisecond.
/// </summary>
public static class SqliteLibrary
{
    /// <summary>3.35, the version that the program brings.</summary>
    private const int LeastVersion = 3_035_000;

    private static readonly Lazy<bool> s_loaded = new(Load);

    [UnmanagedFunctionPointer(CallingConvention.Cdecl)]
    private delegate int VersionNumber();

    /// <summary>To be called before SQLite is first used; later calls do nothing.</summary>
    public static void EnsureLoaded() => _ = s_loaded.Value;

    private static bool Load()
    {
        if (FindSystem() is { } system)
        {
            NativeLibrary.SetDllImportResolver(
                typeof(SQLite3Provider_e_sqlite3).Assembly, (name, _, _) => name == "e_sqlite3" ? system : IntPtr.Zero);
        }

        Batteries_V2.Init();
        return true;
    }

    private static IntPtr? FindSystem()
    {
        if (!OperatingSystem.IsLinux() || !NativeLibrary.TryLoad("libsqlite3.so.0", out var library))
        {
            return null;
        }

        if (NativeLibrary.TryGetExport(library, "sqlite3_libversion_number", out var export)
            && Marshal.GetDelegateForFunctionPointer<VersionNumber>(export)() >= LeastVersion)
        {
            return library;
        }

        NativeLibrary.Free(library);
        return null;
    }
}
