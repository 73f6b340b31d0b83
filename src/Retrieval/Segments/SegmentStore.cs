using RagCluster.Messages.Identity;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Vectors.Graphs;

namespace RagCluster.Retrieval.Segments;

/// <summary>A saved index in a folder: segment files that never change, and one small state file for each save.</summary>
internal static class SegmentStore
{
    private static readonly string[] Extensions = ["." + SegmentFileWriter.Extension, "." + StateFile.Extension, "." + PartitionGraphFile.Extension, DurableFile.TemporaryExtension];

    /// <param name="rows">By view and row the documents that are alive.</param>
    public static SegmentManifest Save(string directory, Analyzer analyzer, IReadOnlyList<SegmentView> views, IReadOnlyList<DocumentEntry?[]> rows)
    {
        directory = Path.GetFullPath(directory);
        Directory.CreateDirectory(directory);
        var files = new List<SegmentFile>(views.Count);
        foreach (var view in views)
        {
            files.Add(FileOf(directory, view));
        }

        var state = StateFile.Write(directory, rows);
        return new SegmentManifest(
            SegmentManifest.CurrentFormat,
            analyzer.Id,
            files,
            state,
            rows.Sum(segment => segment.Count(entry => entry is not null)),
            views.Sum(view => view.LiveCount));
    }

    public static IEnumerable<(Segment Segment, (RoleSet Readers, int Revision)?[] Rows)> Read(string directory, SegmentManifest manifest, Analyzer analyzer)
    {
        directory = Path.GetFullPath(directory);
        if (manifest.Format != SegmentManifest.CurrentFormat)
        {
            throw new SegmentCorruptException(manifest.State.Name, "manifest", $"Its format is {manifest.Format}; this version reads {SegmentManifest.CurrentFormat}.");
        }

        var states = StateFile.Read(directory, manifest.State);
        if (states.Count != manifest.Segments.Count)
        {
            throw new SegmentCorruptException(manifest.State.Name, nameof(Section.State), $"It is about {states.Count} segments, and the manifest names {manifest.Segments.Count}.");
        }

        for (var i = 0; i < states.Count; i++)
        {
            var segment = SegmentFileReader.Read(directory, manifest.Segments[i], analyzer);
            if (segment.DocumentCount != states[i].Length)
            {
                throw new SegmentCorruptException(manifest.State.Name, nameof(Section.State), $"It knows {states[i].Length} documents of a segment that has {segment.DocumentCount}.");
            }

            segment.Saved = new SavedSegment(directory, segment.ChunkCount, segment.DocumentCount, manifest.Segments[i]);
            yield return (segment, states[i]);
        }
    }

    public static void Prune(string directory, SegmentManifest manifest)
    {
        if (!Directory.Exists(directory))
        {
            return;
        }

        var named = manifest.Files.Select(file => file.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var path in Directory.EnumerateFiles(directory))
        {
            if (!named.Contains(Path.GetFileName(path)) && Extensions.Contains(Path.GetExtension(path)))
            {
                File.Delete(path);
            }
        }
    }

    /// <summary>The segment's file: the one there is, if nothing was added since and it is still there, or a new one.</summary>
    private static SegmentFile FileOf(string directory, SegmentView view)
    {
        if (view.Segment.Saved is { } saved
            && saved.Directory == directory && saved.Chunks == view.Count && saved.Documents == view.DocumentCount
            && new FileInfo(Path.Combine(directory, saved.File.Name)) is { Exists: true } there && there.Length == saved.File.Length)
        {
            return saved.File;
        }

        var file = SegmentFileWriter.Write(directory, view);
        view.Segment.Saved = new SavedSegment(directory, view.Count, view.DocumentCount, file);
        return file;
    }
}
