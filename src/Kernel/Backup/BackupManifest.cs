using System.Text.Json;
using System.Text.Json.Serialization;

namespace RagCluster.Kernel.Backup;

/// <summary>What a backup holds: the file "manifest.json" of its folder, written last. A folder without one is no backup.</summary>
/// <param name="Format">Of the folder; this program writes and reads 1.</param>
/// <param name="Engine">"postgres" or "sqlite": a backup goes back to the kind of store that it is of.</param>
/// <param name="Schema">Version of the store's tables.</param>
/// <param name="Made">When it was begun; everything acknowledged before is in it.</param>
/// <param name="Program">Version of the program that made it.</param>
/// <param name="Shards">How far the log of each shard goes.</param>
public sealed record BackupManifest(
    int Format, string Engine, int Schema, DateTimeOffset Made, string Program, IReadOnlyList<BackupPart> Parts, IReadOnlyList<BackupShard> Shards)
{
    public const int CurrentFormat = 1;

    public const string FileName = "manifest.json";
}

/// <param name="File">Relative to the folder, with forward slashes.</param>
/// <param name="Sha256">Of its bytes, in lower-case hexadecimal.</param>
public sealed record BackupPart(string File, long Bytes, string Sha256);

/// <param name="LastSequence">Of the last event in its log; 0 when there is none.</param>
public sealed record BackupShard(string Type, int Number, long Epoch, long LastSequence);

/// <summary>How far a backup or a restore is.</summary>
/// <param name="Part">What is being copied.</param>
/// <param name="Bytes">Copied so far, all parts together.</param>
public sealed record BackupProgress(string Part, long Bytes);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true)]
[JsonSerializable(typeof(BackupManifest))]
internal sealed partial class BackupJson : JsonSerializerContext;
