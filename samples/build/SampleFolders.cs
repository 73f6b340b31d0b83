namespace RagCluster.Samples;

public static class SampleFolders
{
    /// <summary>The repository's root: the nearest folder at or above <paramref name="start"/> that holds RagCluster.sln.</summary>
    public static string FindRoot(string start)
    {
        for (var folder = new DirectoryInfo(start); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "RagCluster.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException($"No folder at or above '{start}' holds RagCluster.sln. Run from a checkout of the repository.");
    }
}

public static class DocumentWriter
{
    /// <summary>Renders a source in the format that its output path names: .pdf or .docx.</summary>
    public static byte[] Write(SourceDocument source) => Path.GetExtension(source.Output) switch
    {
        ".pdf" => PdfLayout.Render(source),
        ".docx" => WordFile.Render(source),
        var other => throw new NotSupportedException($"'{source.Name}' asks for the format '{other}'; .pdf and .docx can be written."),
    };
}
