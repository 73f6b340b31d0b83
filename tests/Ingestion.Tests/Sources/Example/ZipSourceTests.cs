using System.IO.Compression;
using System.Text;
using RagCluster.Ingestion.Sources;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Tests.Sources.Example;

/// <summary>The example of docs/connectors.md: it is this file's neighbour, word for word, and it works.</summary>
public sealed class ZipSourceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("zip-").FullName;

    [Fact]
    public void The_documentation_shows_the_code_that_is_tested()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "RagCluster.sln")))
        {
            root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("This test runs in the repository.");
        }

        var code = File.ReadAllText(Path.Combine(root, "tests/Ingestion.Tests/Sources/Example/ZipSource.cs")).ReplaceLineEndings("\n");
        var shown = code[code.IndexOf("/// <summary>", StringComparison.Ordinal)..].Trim();
        File.ReadAllText(Path.Combine(root, "docs/connectors.md")).ReplaceLineEndings("\n").ShouldContain($"```csharp\n{shown}\n```");
    }

    [Fact]
    public async Task Entries_become_documents_and_what_is_too_large_a_problem()
    {
        var path = Path.Combine(_folder, "a.zip");
        using (var zip = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            await Write(zip, "guide/one.txt", "one");
            await Write(zip, "large.txt", new string('x', 2_000));
        }

        var items = await ReadAsync(path);
        var document = items.OfType<SourceDocument>().Single();
        document.Uri.ShouldEndWith("a.zip#guide%2Fone.txt");
        using var reader = new StreamReader(await document.OpenAsync(TestContext.Current.CancellationToken));
        (await reader.ReadToEndAsync(TestContext.Current.CancellationToken)).ShouldBe("one");
        items.OfType<SourceProblem>().Single().Code.ShouldBe(FailureCodes.TooLarge);
    }

    [Fact]
    public async Task What_is_no_archive_is_told()
    {
        var path = Path.Combine(_folder, "b.zip");
        await File.WriteAllTextAsync(path, "no archive", TestContext.Current.CancellationToken);
        (await ReadAsync(path)).ShouldHaveSingleItem().ShouldBeOfType<SourceProblem>().Code.ShouldBe(FailureCodes.Corrupt);
        (await ReadAsync(path + "-none")).ShouldHaveSingleItem().ShouldBeOfType<SourceProblem>();
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static async Task Write(ZipArchive zip, string name, string text)
    {
        await using var entry = await zip.CreateEntry(name).OpenAsync();
        await entry.WriteAsync(Encoding.UTF8.GetBytes(text));
    }

    private static async Task<List<SourceItem>> ReadAsync(string path)
    {
        var items = new List<SourceItem>();
        await foreach (var item in new ZipSource(path, 1_000).ReadAsync(TestContext.Current.CancellationToken))
        {
            items.Add(item);
        }

        return items;
    }
}
