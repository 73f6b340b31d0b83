using System.IO.Compression;
using System.Runtime.CompilerServices;
using RagCluster.Ingestion.Sources;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Ingestion.Tests.Sources.Example;

/// <summary>The files in a ZIP archive.</summary>
public sealed class ZipSource(string archive, long maxBytes) : IDocumentSource
{
    public async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        // What identifies a document: the same place again is the same document.
        var root = new Uri(Path.GetFullPath(archive)).AbsoluteUri;
        IReadOnlyList<(string Name, long Bytes)>? entries = null;
        string? problem = null;
        try
        {
            entries = await Task.Run(List, cancellation);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            problem = $"The archive cannot be read: {e.Message}";
        }

        // Told, not thrown: the other sources go on, and whoever looks sees why.
        if (problem is not null)
        {
            yield return new SourceProblem(root, archive, FailureCodes.Corrupt, problem);
            yield break;
        }

        foreach (var (name, bytes) in entries!)
        {
            var uri = $"{root}#{Uri.EscapeDataString(name)}";
            yield return bytes > maxBytes
                ? new SourceProblem(uri, name, FailureCodes.TooLarge, $"It has {bytes} bytes unpacked; at most {maxBytes} are read.")
                : new SourceDocument(uri, name, null, bytes, RoleSet.Empty, new Dictionary<string, string> { ["path"] = name }, _ => ValueTask.FromResult<Stream>(Open(name)));
        }
    }

    private List<(string Name, long Bytes)> List()
    {
        using var zip = ZipFile.OpenRead(archive);
        return [.. zip.Entries.Where(e => !e.FullName.EndsWith('/')).Select(e => (e.FullName, e.Length))];
    }

    // Opened when its content is asked for, so that what waits holds no memory; and once more where it is sent again.
    private MemoryStream Open(string name)
    {
        using var zip = ZipFile.OpenRead(archive);
        var content = new MemoryStream();
        using var entry = (zip.GetEntry(name) ?? throw new IOException($"{name} is gone from the archive.")).Open();

        // What an archive says of its sizes need not be true.
        var buffer = new byte[81_920];
        for (int read; (read = entry.Read(buffer)) > 0; content.Write(buffer, 0, read))
        {
            if (content.Length + read > maxBytes)
            {
                throw new IOException($"{name} has more than {maxBytes} bytes unpacked.");
            }
        }

        content.Position = 0;
        return content;
    }
}
