using System.Globalization;

namespace RagCluster.Kernel.Journal.Sqlite;

/// <summary>
/// Keeps a second process out of a data folder. The operating system holds the lock and frees it when the process
/// dies, however it dies; the file beside it only says, for people, who holds it.
/// </summary>
public sealed class DataFolderLock : IDisposable
{
    private readonly FileStream _stream;
    private readonly string _holder;

    private DataFolderLock(FileStream stream, string holder)
    {
        _stream = stream;
        _holder = holder;
    }

    /// <exception cref="StoreRefusedException">Another process has it; the message names the process.</exception>
    public static DataFolderLock Acquire(string folder)
    {
        var holder = Path.Combine(folder, "store.pid");
        FileStream? stream = null;
        try
        {
            Directory.CreateDirectory(folder);
            stream = new FileStream(Path.Combine(folder, "store.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            File.WriteAllText(holder, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
            return new DataFolderLock(stream, holder);
        }
        catch (IOException e) when (stream is null && IsHeld(e))
        {
            throw new StoreRefusedException(
                $"The data folder \"{folder}\" is in use by {Holder(holder)}. Stop that process, or name another data folder.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            stream?.Dispose();
            throw new StoreRefusedException(
                $"The data folder \"{folder}\" cannot be used: {e.Message} Check that this user may write there and that the disk has room, or name another data folder.", e);
        }
    }

    public void Dispose()
    {
        File.Delete(_holder);
        _stream.Dispose();
    }

    /// <summary>EAGAIN of Linux (11) and macOS (35), or the sharing and lock violations of Windows (32, 33).</summary>
    private static bool IsHeld(IOException e) => (e.HResult & 0xffff) is 11 or 35 or 32 or 33;

    private static string Holder(string file)
    {
        try
        {
            var text = File.ReadAllText(file);
            return text.Length > 0 ? $"process {text}" : "another process";
        }
        catch (IOException)
        {
            // The holder is just starting or ending; its number is a courtesy.
            return "another process";
        }
    }
}
