using RagCluster.Samples;

// Writes the PDF and Word documents of the sample library from the text in samples/build/sources.
// The same text gives the same bytes: no clock and no chance goes into a file.
var root = SampleFolders.FindRoot(AppContext.BaseDirectory);
var library = Path.Combine(root, "samples", "library");
foreach (var path in Directory.EnumerateFiles(Path.Combine(root, "samples", "build", "sources"), "*.md").Order(StringComparer.Ordinal))
{
    var source = SourceDocument.Parse(Path.GetFileName(path), File.ReadAllText(path));
    var bytes = DocumentWriter.Write(source);
    var target = Path.Combine(library, source.Output);
    Directory.CreateDirectory(Path.GetDirectoryName(target)!);
    File.WriteAllBytes(target, bytes);
    Console.WriteLine($"{source.Output}: {bytes.Length} bytes");
}
