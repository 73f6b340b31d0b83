namespace RagCluster.Retrieval.Segments;

/// <summary>
/// A saved index cannot be used: a file is missing, cut off or changed, or written by a version or analyzer that this
/// one does not read. Nothing of it was loaded. The partition's log still has everything: replay it into a new index.
/// </summary>
public sealed class SegmentCorruptException : Exception
{
    public SegmentCorruptException(string file, string section, string what, Exception? inner = null)
        : base($"The index file {file} cannot be used ({section}): {what} Rebuild the partition from its log.", inner)
    {
        File = file;
        Section = section;
    }

    /// <summary>The file's name, without its folder.</summary>
    public string File { get; }

    /// <summary>The part of the file: "file", "header", or the section's name.</summary>
    public string Section { get; }
}
