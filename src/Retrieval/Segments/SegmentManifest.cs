using System.Text.Json.Serialization;

namespace RagCluster.Retrieval.Segments;

/// <summary>
/// Names the files that a saved index consists of. It is small and plain JSON; whoever keeps it (a partition's
/// snapshot) decides which saved state counts, so a save that is interrupted leaves the last one whole.
/// </summary>
/// <param name="Format">The version of the file format.</param>
/// <param name="Analyzer">The analyzer that made the terms; another one needs the index rebuilt from the log.</param>
/// <param name="Segments">The chunks, postings and vectors, oldest first.</param>
/// <param name="State">What was deleted from them, and who may read what is left.</param>
public sealed record SegmentManifest(
    int Format,
    string Analyzer,
    IReadOnlyList<SegmentFile> Segments,
    SegmentFile State,
    int Documents,
    int Chunks)
{
    public const int CurrentFormat = 3;

    /// <summary>Graphs over the segments' vectors; none where there are few, and in older manifests. What is in them follows from the segments.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<SegmentFile>? Graphs { get; init; }

    /// <summary>All files, none twice.</summary>
    [JsonIgnore]
    public IEnumerable<SegmentFile> Files => Segments.Append(State).Concat(Graphs ?? []);
}

/// <param name="Name">A file name without folder, made of the content's checksum and length.</param>
/// <param name="Length">In bytes.</param>
/// <param name="Checksum">CRC-32C of the file's header, which holds those of its sections.</param>
public sealed record SegmentFile(string Name, long Length, uint Checksum);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(SegmentManifest))]
public sealed partial class SegmentJson : JsonSerializerContext;
