using System.Text;
using System.Text.Json;

namespace RagCluster.Configuration.Hocon;

/// <summary>A text being read: its name for errors, and for a real file the full path that relative includes start from.</summary>
internal sealed record HoconFile(string Name, string? FullPath, HoconFile? IncludedBy);

/// <summary>
/// Reads .conf, .json and .properties files, alone or through includes, and sees to it that they are small enough,
/// valid UTF-8, not too many and never include each other in a circle.
/// </summary>
internal sealed class HoconFiles(HoconLimits limits)
{
    // In the order in which an include without extension merges them: HOCON comes last and wins.
    private static readonly string[] Extensions = [".properties", ".json", ".conf"];
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
    private int _count;

    public HoconLimits Limits { get; } = limits;

    /// <summary>Parses a file that the user named. Null where it is absent and <paramref name="optional"/>.</summary>
    public HoconNode? Read(string path, bool optional)
    {
        var file = new HoconFile(path, Path.GetFullPath(path), null);
        if (File.Exists(file.FullPath))
        {
            return Parse(file, [HoconScope.Root], 0, HoconOrigin.Of(path));
        }

        return optional ? null : throw new HoconException(HoconOrigin.Of(path), "the file does not exist. Create it, or correct the path.");
    }

    public HoconNode ParseText(string text, string name) => ParseText(text, new HoconFile(name, null, null), [HoconScope.Root], 0);

    /// <summary>The objects that stand for an include statement: none where an optional file is missing.</summary>
    public IEnumerable<ObjectNode> Include(HoconInclude include, HoconFile from, IReadOnlyList<HoconScope> scopes, int depth)
    {
        if (from.FullPath is null && !Path.IsPathRooted(include.Name))
        {
            throw new HoconException(include.Origin, $"an include of {include.Name}", "an absolute path", $"{from.Name} is not a file, so nothing can be relative to it.");
        }

        // Relative to the including file, with file() or without; never to the folder that the process happens to run in.
        var target = Path.GetFullPath(include.Name, Path.GetDirectoryName(from.FullPath) ?? "/");
        string[] candidates = Extensions.Contains(Path.GetExtension(target)) ? [target] : [.. Extensions.Select(extension => target + extension)];
        var existing = candidates.Where(File.Exists).ToArray();
        if (existing.Length == 0 && include.Required)
        {
            throw new HoconException(
                include.Origin, $"an include of {include.Name}, which does not exist", string.Join(" or ", candidates), "Create the file, or leave required() out.");
        }

        foreach (var path in existing)
        {
            var file = new HoconFile(Path.GetRelativePath(Environment.CurrentDirectory, path) is var shown && shown.StartsWith("..", StringComparison.Ordinal) ? path : shown, path, from);
            CheckChain(file, include.Origin);
            yield return Parse(file, scopes, depth, include.Origin) as ObjectNode
                ?? throw new HoconException(include.Origin, $"an include of {file.Name}, which holds an array or a plain value", "a file that holds an object");
        }
    }

    private void CheckChain(HoconFile file, HoconOrigin origin)
    {
        var chain = new List<string> { file.Name };
        for (var outer = file.IncludedBy; outer is not null; outer = outer.IncludedBy)
        {
            chain.Add(outer.Name);
            if (outer.FullPath == file.FullPath)
            {
                chain.Reverse();
                throw new HoconException(origin, $"files that include each other in a circle: {string.Join(" -> ", chain)}. Remove one of the includes.");
            }
        }

        if (chain.Count > Limits.MaxIncludeDepth)
        {
            throw new HoconException(origin, "one more include", $"at most {Limits.MaxIncludeDepth} files that include each other");
        }
    }

    private HoconNode Parse(HoconFile file, IReadOnlyList<HoconScope> scopes, int depth, HoconOrigin origin)
    {
        if (++_count > Limits.MaxFiles)
        {
            throw new HoconException(origin, "one more file", $"at most {Limits.MaxFiles} files in one configuration");
        }

        string text;
        try
        {
            text = ReadText(file.FullPath!, origin);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new HoconException(origin, $"{file.Name} cannot be read: {e.Message}", e);
        }

        return ParseText(text, file, scopes, depth);
    }

    private HoconNode ParseText(string text, HoconFile file, IReadOnlyList<HoconScope> scopes, int depth)
    {
        var extension = Path.GetExtension(file.FullPath ?? file.Name);
        if (extension == ".properties")
        {
            return HoconProperties.Parse(text, file.Name, Limits);
        }

        var parser = new HoconParser(text, file, this, scopes, depth);
        if (extension == ".json")
        {
            text = text.TrimStart('\uFEFF');
            CheckJson(text, file.Name);
            return text.AsSpan().Trim() is ['{' or '[', ..] ? parser.ParseDocument() : parser.ParseSingleValue();
        }

        return parser.ParseDocument();
    }

    // A .json file keeps to JSON, whose other readers would not understand more. Where it does, HOCON reads it the same way.
    private void CheckJson(string text, string name)
    {
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text), new JsonReaderOptions { MaxDepth = Limits.MaxDepth });
            while (reader.Read())
            {
            }
        }
        catch (JsonException e)
        {
            // LineNumber counts from 0, and BytePositionInLine is the nearest that the reader tells of a column.
            var origin = new HoconOrigin(name, (int)(e.LineNumber ?? 0) + 1, (int)(e.BytePositionInLine ?? 0) + 1);
            var what = e.Message.Split(" LineNumber:")[0];
            throw new HoconException(origin, $"not valid JSON: {what} Correct it, or name the file .conf to write HOCON.", e);
        }
    }

    private string ReadText(string path, HoconOrigin origin)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var bytes = new byte[Math.Min(stream.Length, Limits.MaxBytes + 1L)];
        var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        if (length > Limits.MaxBytes)
        {
            throw new HoconException(origin, $"{path} with {stream.Length} bytes", $"at most {Limits.MaxBytes}");
        }

        return Decode(bytes.AsSpan(0, length), path);
    }

    internal static string Decode(ReadOnlySpan<byte> bytes, string name)
    {
        try
        {
            return Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException e)
        {
            var before = bytes[..Math.Clamp(e.Index, 0, bytes.Length)];
            var origin = new HoconOrigin(name, before.Count((byte)'\n') + 1, before.Length - before.LastIndexOf((byte)'\n'));
            throw new HoconException(origin, "bytes that are not valid UTF-8. Save the file as UTF-8.", e);
        }
    }
}
