using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using RagCluster.Ingestion.Sources;
using RagCluster.Messages.Identity;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>One document of a corpus.</summary>
internal sealed record CorpusEntry(string Id, string? Title, string Text)
{
    /// <summary>What somebody might ask to find it: its title, or its first words.</summary>
    public string Question => string.IsNullOrWhiteSpace(Title) ? FirstWords(10) : Title;

    public string FirstWords(int count) => string.Join(' ', Text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Take(count));
}

/// <param name="Text">The question; some files call it "question".</param>
internal sealed record QuestionEntry(string? Text, string? Question);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(CorpusEntry))]
[JsonSerializable(typeof(QuestionEntry))]
internal sealed partial class CorpusJson : JsonSerializerContext;

/// <summary>The documents that a benchmark takes in, each its own, and the questions that it asks.</summary>
/// <param name="Name">Where they are from.</param>
internal sealed record Corpus(string Name, IReadOnlyList<CorpusEntry> Entries) : IDocumentSource
{
    /// <summary>Reads JSON lines of {"id", "title", "text"}.</summary>
    /// <exception cref="InvalidDataException">A line is something else; the message says which.</exception>
    public static Corpus Read(string file)
    {
        var entries = ReadLines(
            file,
            line => JsonSerializer.Deserialize(line, CorpusJson.Default.CorpusEntry) is { Id: not null, Text: not null } entry ? entry : null,
            """{"id": "...", "title": "...", "text": "..."}""");
        return new Corpus(Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(file))) + "/" + Path.GetFileName(file), entries);
    }

    /// <summary>Reads JSON lines of {"text"} or {"question"}.</summary>
    /// <exception cref="InvalidDataException">A line is something else; the message says which.</exception>
    public static IReadOnlyList<string> ReadQuestions(string file) => ReadLines(
        file,
        line => JsonSerializer.Deserialize(line, CorpusJson.Default.QuestionEntry) is { } entry ? entry.Text ?? entry.Question : null,
        """{"text": "..."}""");

    public Corpus Take(int count) => count >= Entries.Count ? this : new Corpus(Name, [.. Entries.Take(count)]);

    /// <summary>A plain text file for each entry, as a folder of them would give.</summary>
    public async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.CompletedTask;
        foreach (var entry in Entries)
        {
            cancellation.ThrowIfCancellationRequested();
            var bytes = Encoding.UTF8.GetBytes(string.IsNullOrWhiteSpace(entry.Title) ? entry.Text : $"{entry.Title}\n\n{entry.Text}");
            yield return new SourceDocument(
                UriOf(entry),
                entry.Id + ".txt",
                "text/plain",
                bytes.Length,
                RoleSet.Of([]),
                new Dictionary<string, string>(),
                _ => ValueTask.FromResult<Stream>(new MemoryStream(bytes, writable: false)));
        }
    }

    public static string UriOf(CorpusEntry entry) => $"bench:{entry.Id}";

    private static List<T> ReadLines<T>(string file, Func<string, T?> parse, string expected)
        where T : class
    {
        var entries = new List<T>();
        var number = 0;
        foreach (var line in File.ReadLines(file))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            try
            {
                entries.Add(parse(line) ?? throw new JsonException("a property is missing"));
            }
            catch (JsonException e)
            {
                throw new InvalidDataException($"{file}:{number}: expected {expected}: {e.Message}", e);
            }
        }

        return entries.Count > 0 ? entries : throw new InvalidDataException($"{file} has no lines; expected {expected}.");
    }
}
