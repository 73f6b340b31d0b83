using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Ingestion.Sources;

/// <summary>What a scan saw of a file: enough to know later whether it has changed.</summary>
internal sealed record SeenFile(string Path, string Name, long Bytes, DateTime Written, RoleSet Readers, SourceProblem? Problem);

/// <summary>
/// Lists a folder's files, in the order of their names. It stays below the root: links that lead elsewhere are
/// reported and not followed, and a folder that was entered already is not entered again, so that no loop is endless.
/// </summary>
internal sealed class FolderScan(FolderSourceOptions options, CancellationToken cancellation)
{
    private const int MaxDepth = 64;
    private static readonly string[] TemporaryEndings = [".tmp", ".part", ".partial", ".crdownload", ".swp", "~"];
    private readonly HashSet<string> _entered = new(StringComparer.Ordinal);
    private readonly string _root = Real(new DirectoryInfo(options.Path));

    /// <summary>Whether some folder could not be read: what is missing from the scan may still be there.</summary>
    public bool IsIncomplete { get; private set; }

    public IEnumerable<SeenFile> Files() => Files(new DirectoryInfo(options.Path), [], 0);

    /// <summary>A file by itself. Rules of every folder above it count: it must not become readable by being named alone.</summary>
    public static SeenFile One(FileInfo file)
    {
        var rules = new List<(string Folder, AccessRules Rules)>();
        for (var folder = file.Directory; folder is not null; folder = folder.Parent)
        {
            if (AccessRules.Read(folder.FullName) is { } own)
            {
                rules.Insert(0, (folder.FullName, own));
            }
        }

        var target = file.LinkTarget is not null && file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo resolved ? resolved : file;
        return new FolderScan(new FolderSourceOptions { Path = file.DirectoryName! }, CancellationToken.None).Judge(file, target.Length, target.LastWriteTimeUtc, rules);
    }

    private IEnumerable<SeenFile> Files(DirectoryInfo folder, List<(string Folder, AccessRules Rules)> rules, int depth)
    {
        cancellation.ThrowIfCancellationRequested();
        FileSystemInfo[] entries;
        SeenFile? unreadable = null;
        try
        {
            var real = Real(folder);
            if (!IsBelowRoot(real))
            {
                entries = [];
                unreadable = Problem(folder, FailureCodes.Unsupported, "This link leads outside of the folder and was not followed.");
            }
            else
            {
                entries = !_entered.Add(real) || depth > MaxDepth ? [] : folder.GetFileSystemInfos();
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            IsIncomplete = true;
            entries = [];
            unreadable = Problem(folder, FailureCodes.StoreUnavailable, $"The folder cannot be read: {e.Message}");
        }

        if (unreadable is not null)
        {
            yield return unreadable;
        }

        if (AccessRules.Read(folder.FullName) is { } own)
        {
            rules = [.. rules, (folder.FullName, own)];
        }

        foreach (var entry in entries.OrderBy(e => e.Name, StringComparer.Ordinal))
        {
            cancellation.ThrowIfCancellationRequested();
            if (IsIgnored(entry))
            {
                continue;
            }

            if (entry is DirectoryInfo child)
            {
                if (options.Recursive)
                {
                    foreach (var file in Files(child, rules, depth + 1))
                    {
                        yield return file;
                    }
                }
            }
            else if (See((FileInfo)entry, rules) is { } seen)
            {
                yield return seen;
            }
        }
    }

    private SeenFile? See(FileInfo file, List<(string Folder, AccessRules Rules)> rules)
    {
        if (options.Extensions is not null && !options.Extensions.Contains(file.Extension))
        {
            return null;
        }

        try
        {
            if (file.LinkTarget is not null)
            {
                if (file.ResolveLinkTarget(returnFinalTarget: true) is not FileInfo { Exists: true } target)
                {
                    return Problem(file, FailureCodes.StoreUnavailable, "This link leads nowhere.");
                }

                if (!IsBelowRoot(Path.Combine(Real(target.Directory!), target.Name)))
                {
                    return Problem(file, FailureCodes.Unsupported, "This link leads outside of the folder and was not followed.");
                }

                return Judge(file, target.Length, target.LastWriteTimeUtc, rules);
            }

            return Judge(file, file.Length, file.LastWriteTimeUtc, rules);
        }
        catch (FileNotFoundException)
        {
            // It was deleted between being listed and being looked at.
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Problem(file, FailureCodes.StoreUnavailable, $"The file cannot be read: {e.Message}");
        }
    }

    private SeenFile Judge(FileInfo file, long bytes, DateTime written, List<(string Folder, AccessRules Rules)> rules)
    {
        var seen = new SeenFile(file.FullName, Name(file), bytes, written, RoleSet.Empty, null);
        if (rules.FirstOrDefault(r => r.Rules.Problem is not null).Rules is { } broken)
        {
            return seen with { Problem = new SourceProblem(Uri(file), seen.Name, FailureCodes.Corrupt, broken.Problem!) };
        }

        for (var i = rules.Count - 1; i >= 0; i--)
        {
            if (rules[i].Rules.ReadersOf(Relative(rules[i].Folder, file.FullName)) is { } readers)
            {
                seen = seen with { Readers = readers };
                break;
            }
        }

        // Pipes, sockets and devices have no size; opening one could wait for ever.
        return bytes == 0 ? seen with { Problem = new SourceProblem(Uri(file), seen.Name, FailureCodes.Empty, "The file has no content (0 bytes).") }
            : bytes > options.MaxBytes ? seen with { Problem = new SourceProblem(Uri(file), seen.Name, FailureCodes.TooLarge, $"The file has {bytes:N0} bytes; at most {options.MaxBytes:N0} are taken. Split it, or raise the limit.") }
            : seen;
    }

    public static string Uri(FileSystemInfo file) => new Uri(file.FullName).AbsoluteUri;

    private SeenFile Problem(FileSystemInfo entry, string code, string detail) =>
        new(entry.FullName, Name(entry), 0, default, RoleSet.Empty, new SourceProblem(Uri(entry), Name(entry), code, detail));

    private string Name(FileSystemInfo entry) => Relative(options.Path, entry.FullName);

    private static string Relative(string folder, string path) => Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/');

    private static bool IsIgnored(FileSystemInfo entry) =>
        entry.Name.StartsWith('.') || entry.Name.StartsWith("~$", StringComparison.Ordinal) || entry.Attributes != (FileAttributes)(-1) && entry.Attributes.HasFlag(FileAttributes.Hidden)
        || entry is FileInfo && (entry.Name.Equals(AccessRules.FileName, StringComparison.OrdinalIgnoreCase) || TemporaryEndings.Any(e => entry.Name.EndsWith(e, StringComparison.OrdinalIgnoreCase)));

    private bool IsBelowRoot(string real) => real == _root || real.StartsWith(_root.TrimEnd(Path.DirectorySeparatorChar) + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    // The path with the links of every part followed.
    private static string Real(DirectoryInfo folder)
    {
        var path = Path.GetFullPath(folder.FullName);
        var real = Path.GetPathRoot(path)!;
        var hops = 0;
        foreach (var part in path[real.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            var next = new DirectoryInfo(Path.Combine(real, part));
            real = next.LinkTarget is not null && hops++ < MaxDepth && next.ResolveLinkTarget(returnFinalTarget: true) is { } target ? Real(new DirectoryInfo(target.FullName)) : next.FullName;
        }

        return real;
    }
}
