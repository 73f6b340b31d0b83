using RagCluster.Kernel.Journal;

namespace RagCluster.Nodes.Hosting;

/// <summary>The disk that holds the data folder.</summary>
internal sealed class DataDisk(string folder)
{
    /// <summary>Less than this and the journal, which writes in pages, may find no room.</summary>
    private const long LittleRoom = 1 << 20;

    /// <summary>ENOSPC, as .NET passes it on.</summary>
    private const int NoSpaceLeft = 28;

    private readonly string _folder = Path.GetFullPath(folder);

    public bool IsFull => new DriveInfo(_folder).AvailableFreeSpace < LittleRoom;

    /// <summary>Whether the disk had no room for what failed; then nothing was changed.</summary>
    public static bool HadNoRoom(Exception exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is StoreException { Failure: StoreFailure.DiskFull } or IOException { HResult: NoSpaceLeft })
            {
                return true;
            }
        }

        return false;
    }
}
