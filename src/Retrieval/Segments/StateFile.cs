using RagCluster.Messages.Identity;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Segments;

/// <summary>
/// What changes about segments that do not: for each document row of each segment whether it is still there, and if
/// so who may read it, by which revision.
/// </summary>
internal static class StateFile
{
    public const string Extension = "state";

    /// <param name="entries">By segment and row; null where the document is gone.</param>
    public static SegmentFile Write(string directory, IReadOnlyList<DocumentEntry?[]> entries)
    {
        var sets = new Dictionary<RoleSet, int>();
        var rows = new SectionWriter(Section.State);
        rows.Number(entries.Count);
        foreach (var segment in entries)
        {
            rows.Number(segment.Length);
            foreach (var entry in segment)
            {
                if (entry is null)
                {
                    rows.Number(0);
                    continue;
                }

                if (!sets.TryGetValue(entry.Readers, out var number))
                {
                    sets.Add(entry.Readers, number = sets.Count);
                }

                rows.Number(number + 1);
                rows.Signed(entry.AccessRevision);
            }
        }

        var state = new SectionWriter(Section.State);
        state.Number(sets.Count);
        foreach (var readers in sets.Keys)
        {
            state.Number(readers.Names.Count);
            foreach (var name in readers.Names)
            {
                state.Text(name);
            }
        }

        state.Bytes(rows.Written);
        return SectionedFile.Write(directory, Extension, [state]);
    }

    /// <summary>By segment and row the readers and their revision; null where the document is gone.</summary>
    public static IReadOnlyList<(RoleSet Readers, int Revision)?[]> Read(string directory, SegmentFile file)
    {
        var reader = SegmentFileReader.Open(file, SectionedFile.Read(directory, file), Section.State);
        var sets = new RoleSet[reader.Count()];
        for (var i = 0; i < sets.Length; i++)
        {
            var names = new string[reader.Count()];
            for (var n = 0; n < names.Length; n++)
            {
                names[n] = reader.Text();
            }

            sets[i] = RoleSet.Of(names);
            if (sets[i].Names.Count != names.Length)
            {
                throw reader.Corrupt("A set of roles has a blank or double name.");
            }
        }

        var segments = new (RoleSet, int)?[reader.Count()][];
        for (var s = 0; s < segments.Length; s++)
        {
            segments[s] = new (RoleSet, int)?[reader.Count()];
            for (var row = 0; row < segments[s].Length; row++)
            {
                var number = reader.Number(sets.Length);
                segments[s][row] = number == 0 ? null : (sets[number - 1], reader.Signed());
            }
        }

        reader.ExpectEnd();
        return segments;
    }
}
