using System.Text.Json;
using System.Text.Json.Serialization;

namespace RagCluster.Pbm.Connection;

/// <summary>How to reach one cluster.</summary>
/// <param name="Url">Of any node's management port.</param>
/// <param name="TokenFile">A file whose first line is the token, or "env:NAME"; the token itself is never kept here.</param>
/// <param name="Authorities">PEM: who may have signed the node's certificate; null takes the system's.</param>
/// <param name="Certificate">PEM: a client certificate, with <paramref name="Key"/>.</param>
internal sealed record Context(string Url, string? TokenFile = null, string? Authorities = null, string? Certificate = null, string? Key = null);

/// <summary>The clusters that somebody administers, by name, in a file of his own.</summary>
internal sealed record Contexts(string? Current, SortedDictionary<string, Context> Known)
{
    /// <summary>Where a node that nobody said anything about listens.</summary>
    public const string DefaultUrl = "http://127.0.0.1:8558";

    private const string Variable = "PBM_CONFIG";

    /// <summary>In the user's configuration folder, unless PBM_CONFIG says otherwise.</summary>
    public static string File => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path
        ? path
        : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData, Environment.SpecialFolderOption.DoNotVerify), "pbm", "contexts.json");

    /// <exception cref="PbmException">The file is damaged.</exception>
    public static Contexts Read()
    {
        if (!System.IO.File.Exists(File))
        {
            return new Contexts(null, []);
        }

        try
        {
            return JsonSerializer.Deserialize(System.IO.File.ReadAllBytes(File), ContextsJson.Default.Contexts) ?? new Contexts(null, []);
        }
        catch (JsonException e)
        {
            throw new PbmException($"{File} is damaged ({e.Message}). Repair or delete it.", ExitCodes.Usage);
        }
    }

    public void Write()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        var temporary = File + ".new";
        System.IO.File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var stream = new FileStream(temporary, options))
        {
            JsonSerializer.Serialize(stream, this, ContextsJson.Default.Contexts);
        }

        System.IO.File.Move(temporary, File, overwrite: true);
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Contexts))]
internal sealed partial class ContextsJson : JsonSerializerContext;
