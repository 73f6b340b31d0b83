using System.Text.Json;

namespace RagCluster.Samples.Tests;

public sealed class LibraryTests
{
    [Fact]
    public void Every_format_that_can_be_taken_in_is_there()
    {
        SampleLibrary.Documents.Select(path => Path.GetExtension(path)).Distinct().Order()
            .ShouldBe([".csv", ".docx", ".html", ".json", ".jsonl", ".md", ".pdf", ".txt"]);
    }

    [Fact]
    public void Every_access_rule_matches_a_document_and_closes_it_to_customers()
    {
        foreach (var (glob, roles) in SampleLibrary.Access)
        {
            var matched = SampleLibrary.Documents.Where(path => SampleLibrary.Glob(glob).IsMatch(path)).ToList();
            matched.ShouldNotBeEmpty($"The rule '{glob}' matches nothing.");
            roles.ShouldNotBeEmpty(glob);
            matched.ShouldAllBe(path => !SampleLibrary.MayRead(new[] { "customer" }, path));
            matched.ShouldAllBe(path => SampleLibrary.MayRead(new[] { "underwriter" }, path));
        }
    }

    [Fact]
    public void Json_is_well_formed()
    {
        foreach (var path in SampleLibrary.Documents)
        {
            var full = Path.Combine(SampleLibrary.Folder, path);
            var values = Path.GetExtension(path) switch
            {
                ".json" => [File.ReadAllText(full)],
                ".jsonl" => File.ReadAllLines(full),
                _ => [],
            };
            foreach (var value in values)
            {
                using var parsed = JsonDocument.Parse(value);
                parsed.RootElement.ValueKind.ShouldBe(JsonValueKind.Object, path);
            }
        }
    }

    /// <summary>If this fails, a source or the writer was changed without writing the documents anew: run `dotnet run --project samples/build`.</summary>
    [Fact]
    public void Generated_documents_are_those_of_their_sources()
    {
        foreach (var path in Directory.EnumerateFiles(Path.Combine(SampleLibrary.Root, "samples", "build", "sources"), "*.md"))
        {
            var source = SourceDocument.Parse(Path.GetFileName(path), File.ReadAllText(path));
            var committed = File.ReadAllBytes(Path.Combine(SampleLibrary.Folder, source.Output));
            GeneratedContent.Of(DocumentWriter.Write(source)).ShouldBe(GeneratedContent.Of(committed), source.Output);
        }
    }
}
