using System.Security.Cryptography;

namespace RagCluster.Nodes.LocalCluster;

/// <summary>Files that only their owner may read.</summary>
internal static class Secrets
{
    public static void Write(string path, string text)
    {
        File.Delete(path);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var writer = new StreamWriter(path, options);
        writer.Write(text);
    }

    /// <summary>The secret in the file; a new one if there is no such file.</summary>
    public static string ReadOrMake(string path)
    {
        if (!File.Exists(path))
        {
            Write(path, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)) + "\n");
        }

        return File.ReadLines(path).First();
    }
}
