using RagCluster.Ingestion.Sources;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Ingestion.Tests.Sources;

public sealed class FolderSourceTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("ragcluster-folder-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task Files_come_with_names_readers_and_content()
    {
        Write("a.txt", "one");
        Write("sub/b.md", "# two");
        Write("sub/deep/c.csv", "x,y");
        Write(".hidden/d.txt", "no");
        Write("sub/.e.txt", "no");
        Write("~$f.docx", "no");
        Write("g.tmp", "no");
        Write("picture.png", "no");
        Write("access.json", """{ "sub/**": ["Adviser"], "sub/deep/*": ["underwriter", "adviser"] }""");
        var items = await ReadAsync();
        items.Select(i => i.ShouldBeOfType<SourceDocument>().Name).ShouldBe(["a.txt", "sub/b.md", "sub/deep/c.csv"]);
        items.Cast<SourceDocument>().Select(d => d.Readers).ShouldBe([RoleSet.Empty, RoleSet.Of("adviser"), RoleSet.Of("adviser", "underwriter")]);
        await using var content = await ((SourceDocument)items[0]).OpenAsync(TestContext.Current.CancellationToken);
        new StreamReader(content).ReadToEnd().ShouldBe("one");
        items[0].Uri.ShouldBe(new Uri(Path.Combine(_root, "a.txt")).AbsoluteUri);
    }

    [Theory]
    [InlineData("""{ "../secret/**": ["x"] }""")]
    [InlineData("""{ "/etc/*": ["x"] }""")]
    [InlineData("""{ "a/../b": ["x"] }""")]
    [InlineData("""{ "**": "not a list" }""")]
    [InlineData("""{ "**": [""] }""")]
    [InlineData("""[ 1 ]""")]
    [InlineData("{ broken")]
    public async Task Invalid_rules_restrict_everything_below_them(string rules)
    {
        Write("open.txt", "x");
        Write("closed/a.txt", "x");
        Write("closed/deep/b.txt", "x");
        Write("closed/deep/access.json", """{ "**": [] }""");
        Write("closed/access.json", rules);
        var items = await ReadAsync();
        items.OfType<SourceDocument>().Select(d => d.Name).ShouldBe(["open.txt"]);
        items.OfType<SourceProblem>().Select(p => p.Name).ShouldBe(["closed/a.txt", "closed/deep/b.txt"]);
        items.OfType<SourceProblem>().ShouldAllBe(p => p.Detail.Contains("access.json"));
    }

    [Fact]
    public async Task The_deepest_rules_decide_and_case_does_not_matter()
    {
        Write("Sub/A.TXT", "x");
        Write("Sub/b.txt", "x");
        Write("access.json", """{ "**": ["everyone-else"], "sub/a.txt": ["root"] }""");
        Write("Sub/access.json", """{ "B*": ["own"] }""");
        (await ReadAsync()).Cast<SourceDocument>().ToDictionary(d => d.Name, d => d.Readers.ToString()).ShouldBe(new Dictionary<string, string> { ["Sub/A.TXT"] = "root", ["Sub/b.txt"] = "own" });
    }

    [Fact]
    public async Task What_cannot_be_taken_is_reported_and_the_rest_goes_on()
    {
        Write("a.txt", "fine");
        Write("empty.txt", "");
        Write("large.txt", new string('x', 2000));
        File.CreateSymbolicLink(Path.Combine(_root, "nowhere.txt"), Path.Combine(_root, "missing.txt"));
        var items = await ReadAsync(o => o with { MaxBytes = 1000 });
        items.OfType<SourceDocument>().Select(d => d.Name).ShouldBe(["a.txt"]);
        items.OfType<SourceProblem>().Select(p => (p.Name, p.Code)).ShouldBe([("empty.txt", FailureCodes.Empty), ("large.txt", FailureCodes.TooLarge), ("nowhere.txt", FailureCodes.StoreUnavailable)]);
        (await ReadAsync(o => o with { Path = Path.Combine(_root, "no-such-folder") })).ShouldHaveSingleItem().ShouldBeOfType<SourceProblem>().Detail.ShouldContain("does not exist");
    }

    [Fact]
    public async Task Links_neither_loop_nor_lead_out()
    {
        var outside = Directory.CreateTempSubdirectory("ragcluster-outside-");
        try
        {
            File.WriteAllText(Path.Combine(outside.FullName, "secret.txt"), "secret");
            Write("sub/a.txt", "x");
            Directory.CreateSymbolicLink(Path.Combine(_root, "sub", "loop"), _root);
            Directory.CreateSymbolicLink(Path.Combine(_root, "out"), outside.FullName);
            File.CreateSymbolicLink(Path.Combine(_root, "secret.txt"), Path.Combine(outside.FullName, "secret.txt"));
            File.CreateSymbolicLink(Path.Combine(_root, "alias.txt"), Path.Combine(_root, "sub", "a.txt"));
            var items = await ReadAsync();
            items.OfType<SourceDocument>().Select(d => d.Name).ShouldBe(["alias.txt", "sub/a.txt"]);
            items.OfType<SourceProblem>().Select(p => p.Name).ShouldBe(["out", "secret.txt"]);
        }
        finally
        {
            outside.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Watching_sees_what_is_created_changed_renamed_restricted_and_deleted()
    {
        Write("a.txt", "one");
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var options = new FolderSourceOptions { Path = _root, Watch = true, Settle = TimeSpan.FromMilliseconds(20), Rescan = TimeSpan.FromMilliseconds(200) };
        await using var items = new FolderSource(options, TimeProvider.System).ReadAsync(deadline.Token).GetAsyncEnumerator(deadline.Token);
        async Task<T> NextAsync<T>()
            where T : SourceItem
        {
            (await items.MoveNextAsync()).ShouldBeTrue();
            return items.Current.ShouldBeOfType<T>();
        }

        (await NextAsync<SourceDocument>()).Name.ShouldBe("a.txt");
        Write("b.txt", "two");
        (await NextAsync<SourceDocument>()).Name.ShouldBe("b.txt");
        Write("a.txt", "one, changed");
        (await NextAsync<SourceDocument>()).Bytes.ShouldBe(12);
        Write("access.json", """{ "b.txt": ["adviser"] }""");
        (await NextAsync<SourceDocument>()).Readers.ShouldBe(RoleSet.Of("adviser"));
        File.Delete(Path.Combine(_root, "a.txt"));
        (await NextAsync<SourceRemoved>()).Name.ShouldBe("a.txt");
        File.Move(Path.Combine(_root, "b.txt"), Path.Combine(_root, "c.txt"));
        (await NextAsync<SourceDocument>()).Name.ShouldBe("c.txt");
        (await NextAsync<SourceRemoved>()).Name.ShouldBe("b.txt");
    }

    private void Write(string name, string text)
    {
        var path = Path.Combine(_root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    private async Task<List<SourceItem>> ReadAsync(Func<FolderSourceOptions, FolderSourceOptions>? with = null)
    {
        var options = new FolderSourceOptions { Path = _root };
        var items = new List<SourceItem>();
        await foreach (var item in new FolderSource(with?.Invoke(options) ?? options, TimeProvider.System).ReadAsync(TestContext.Current.CancellationToken))
        {
            items.Add(item);
        }

        return items;
    }
}
