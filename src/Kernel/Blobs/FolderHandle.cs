using Microsoft.Win32.SafeHandles;

namespace RagCluster.Kernel.Blobs;

/// <summary>Opens a folder so that it can be flushed, which the framework's own file API refuses.</summary>
internal static partial class FolderHandle
{
    private const int ReadOnly = 0;

    /// <exception cref="IOException">The folder cannot be opened.</exception>
    public static SafeFileHandle Open(string folder)
    {
        var descriptor = NativeOpen(folder, ReadOnly);
        return descriptor >= 0
            ? new SafeFileHandle(descriptor, ownsHandle: true)
            : throw new IOException($"The folder \"{folder}\" cannot be opened to be flushed (error {System.Runtime.InteropServices.Marshal.GetLastPInvokeError()}).");
    }

    [System.Runtime.InteropServices.LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = System.Runtime.InteropServices.StringMarshalling.Utf8)]
    private static partial int NativeOpen(string path, int flags);
}
