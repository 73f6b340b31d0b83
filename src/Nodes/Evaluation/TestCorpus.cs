using System.Runtime.CompilerServices;
using System.Text;
using RagCluster.Ingestion.Sources;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Nodes.Intake;

namespace RagCluster.Nodes.Evaluation;

/// <summary>A document of a corpus.</summary>
/// <param name="Title">Empty where it has none.</param>
internal sealed record TestDocument(string Id, string Title, string Text)
{
    /// <summary>How many characters of a title go into the document's name.</summary>
    private const int LongestName = 200;

    public bool IsEmpty => string.IsNullOrWhiteSpace(Title) && string.IsNullOrWhiteSpace(Text);

    public string Uri => $"eval:{Id}";

    /// <summary>The name of a text file of this document: its title, as a person would name it, so that it is found as one.</summary>
    public string FileName
    {
        get
        {
            var name = string.IsNullOrWhiteSpace(Title) ? Id : Title.Trim();
            name = new string([.. name.Select(c => char.IsControl(c) || c is '/' or '\\' ? ' ' : c)]);
            return (name.Length > LongestName ? name[..(char.IsHighSurrogate(name[LongestName - 1]) ? LongestName - 1 : LongestName)] : name) + ".txt";
        }
    }

    public string Content => string.IsNullOrWhiteSpace(Title) ? Text : string.IsNullOrWhiteSpace(Text) ? Title : $"{Title}\n\n{Text}";
}

/// <summary>The documents to search in, each a plain text file of its own, as a folder of them would give.</summary>
internal sealed class TestCorpus : IDocumentSource
{
    private readonly Dictionary<DocumentId, TestDocument> _byId = [];

    /// <exception cref="InvalidDataException">There is no document with text.</exception>
    public TestCorpus(IReadOnlyList<TestDocument> documents)
    {
        Documents = [.. documents.Where(d => !d.IsEmpty)];
        Empty = documents.Count - Documents.Count;
        foreach (var document in Documents)
        {
            if (!_byId.TryAdd(SourceIdentity.Of(document.Uri), document))
            {
                throw new InvalidDataException($"The id \"{document.Id}\" clashes with that of another document; change it.");
            }
        }

        if (Documents.Count == 0)
        {
            throw new InvalidDataException("No document of the corpus has a title or a text.");
        }
    }

    /// <summary>Those with text.</summary>
    public IReadOnlyList<TestDocument> Documents { get; }

    /// <summary>How many have neither title nor text; they cannot be found and are left out.</summary>
    public int Empty { get; }

    /// <summary>Reads JSON lines of {"id", "title", "text"}; "_id" and numbers will do as ids.</summary>
    /// <exception cref="InvalidDataException">The file is not there or not so; the message says where.</exception>
    public static TestCorpus Read(string file)
    {
        var lines = JsonLines.Read(file).Select(line => (Line: line, Document: new TestDocument(line.Text("id", "_id"), line.Find("title") ?? "", line.Text("text")))).ToList();
        JsonLines.RequireDistinct(lines.Select(l => (l.Document.Id, l.Line)));
        return new TestCorpus([.. lines.Select(l => l.Document)]);
    }

    /// <summary>The document of the corpus that the node knows by this id.</summary>
    public TestDocument Of(DocumentId id) => _byId[id];

    public async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.CompletedTask;
        foreach (var document in Documents)
        {
            cancellation.ThrowIfCancellationRequested();
            var bytes = Encoding.UTF8.GetBytes(document.Content);
            yield return new SourceDocument(
                document.Uri,
                document.FileName,
                "text/plain",
                bytes.Length,
                RoleSet.Empty,
                new Dictionary<string, string>(),
                _ => ValueTask.FromResult<Stream>(new MemoryStream(bytes, writable: false)));
        }
    }
}
