using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace RagCluster.TestKit.Disks;

/// <summary>
/// An ext4 file system in a file, mounted over a loop device, that loses at a word what was written and not flushed:
/// what a power cut does to a disk. Needs Linux, root, and a kernel with loop devices.
/// </summary>
public sealed partial class CuttableDisk : IAsyncDisposable
{
    /// <summary>EXT4_IOC_SHUTDOWN, _IOR('X', 125, __u32).</summary>
    private const ulong Shutdown = 0x8004587d;

    /// <summary>EXT4_GOING_FLAGS_NOLOGFLUSH: neither data nor the file system's own log get to the disk any more.</summary>
    private const uint WithoutFlush = 2;

    private readonly string _image;

    private CuttableDisk(string image, string mountPoint) => (_image, MountPoint) = (image, mountPoint);

    /// <summary>Why there can be none here; null where there can.</summary>
    public static string? WhyNot =>
        !OperatingSystem.IsLinux() ? "Power cuts are simulated with ext4 on a loop device, which needs Linux."
        : !Environment.IsPrivilegedProcess ? "To mount a file system takes root."
        : !File.Exists("/dev/loop-control") ? "This machine's kernel has no loop devices (/dev/loop-control)."
        : new[] { "mkfs.ext4", "mount", "umount" }.FirstOrDefault(program => Find(program) is null) is { } missing ? $"The program {missing} is not here: install e2fsprogs and mount."
        : null;

    public string MountPoint { get; }

    /// <exception cref="InvalidOperationException">A step failed, such as a mount that a container forbids; the message has its output.</exception>
    public static async Task<CuttableDisk> CreateAsync(long bytes)
    {
        var folder = Directory.CreateTempSubdirectory("ragcluster-disk-").FullName;
        var disk = new CuttableDisk(Path.Combine(folder, "image"), Path.Combine(folder, "mounted"));
        Directory.CreateDirectory(disk.MountPoint);
        await using (var image = File.Create(disk._image))
        {
            image.SetLength(bytes);
        }

        if (!OperatingSystem.IsWindows())
        {
            // Everybody passes through, because postgres does not run as root.
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        }

        await RunAsync("mkfs.ext4", "-q", "-F", disk._image);
        await disk.MountAsync();
        return disk;
    }

    /// <summary>From now on every write fails, and what was not flushed will be gone. Reads of what is in memory may go on.</summary>
    public void Cut()
    {
        var descriptor = Open(MountPoint, 0);
        using var handle = descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw new IOException($"{MountPoint} cannot be opened (error {Marshal.GetLastPInvokeError()}).");
        var flags = WithoutFlush;
        if (Control(descriptor, Shutdown, ref flags) != 0)
        {
            throw new IOException($"The file system of {MountPoint} cannot be shut down (error {Marshal.GetLastPInvokeError()}).");
        }
    }

    /// <summary>The power is back: mounts again, which replays the file system's log. Nobody may have a file open.</summary>
    public async Task RemountAsync()
    {
        await Retry.Until("the disk can be unmounted", async () => await TryRunAsync("umount", MountPoint) is null);
        await MountAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (await TryRunAsync("umount", MountPoint) is not null)
        {
            await TryRunAsync("umount", "-l", MountPoint);
        }

        Directory.Delete(Path.GetDirectoryName(_image)!, recursive: true);
    }

    private Task MountAsync() => RunAsync("mount", "-o", "loop", _image, MountPoint);

    private static string? Find(string program) =>
        new[] { "/usr/sbin", "/sbin", "/usr/bin", "/bin" }.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        if (await TryRunAsync(program, arguments) is { } failure)
        {
            throw new InvalidOperationException(failure);
        }
    }

    private static async Task<string?> TryRunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Find(program)!, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var said = process.StandardError.ReadToEndAsync();
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var errors = await said;
        return process.ExitCode == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}: {errors}");
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int Control(int descriptor, ulong request, ref uint argument);
}
