using System.Text;
using RagCluster.Ingestion.Isolation;
using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Tests.Isolation;

public class IsolatedParserTests
{
    private static readonly byte[] Text = Encoding.UTF8.GetBytes("# Title\n\nA paragraph.\n\n- item\n");

    [Fact]
    public async Task A_worker_gives_what_the_parser_in_this_process_gives()
    {
        await using var isolated = Start("parse-worker");
        foreach (var (content, name) in ((byte[], string)[])[(Text, "a.md"), (PdfBytes.Of("Hello from a worker"), "a.pdf"), (DocxBytes.Of("<w:p><w:r><w:t>Hello</w:t></w:r></w:p>"), "a.docx")])
        {
            var there = (await isolated.ParseAsync(content, name, null, TestContext.Current.CancellationToken)).ShouldBeOfType<ParseSuccess>().Document;
            var here = await Parse.DocumentAsync(content, name);
            there.Text.ShouldBe(here.Text);
            there.Title.ShouldBe(here.Title);
            there.MediaType.ShouldBe(here.MediaType);
            there.Pages.ShouldBe(here.Pages);
            there.Blocks.Select(b => (b.Kind, b.Start, b.End, b.Level, b.Page, b.Row, b.StartsRecord, string.Join('/', b.Headings)))
                .ShouldBe(here.Blocks.Select(b => (b.Kind, b.Start, b.End, b.Level, b.Page, b.Row, b.StartsRecord, string.Join('/', b.Headings))));
        }
    }

    [Fact]
    public async Task A_crash_costs_one_document()
    {
        await using var isolated = Start("worker-that-crashes");
        (await FailAsync(isolated)).Code.ShouldBe(FailureCodes.ParserCrashed);
    }

    [Fact]
    public async Task A_hang_is_ended_when_its_time_is_over()
    {
        await using var isolated = Start("worker-that-hangs", new ParserLimits { Time = TimeSpan.FromMilliseconds(100) });
        (await FailAsync(isolated)).Code.ShouldBe(FailureCodes.ParserTimeout);
    }

    [Fact]
    public async Task A_memory_bomb_is_ended_at_its_limit()
    {
        await using var isolated = Start("worker-that-hoards", new ParserLimits { MemoryBytes = 64 << 20 });
        (await FailAsync(isolated)).Code.ShouldBe(FailureCodes.ParserMemory);
    }

    [Fact]
    public async Task Junk_is_no_answer()
    {
        await using var isolated = Start("worker-that-talks-junk");
        (await FailAsync(isolated)).Code.ShouldBe(FailureCodes.ParserCrashed);
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_named()
    {
        await using var isolated = new IsolatedParser(new IsolationOptions { Executable = "/no/such/program", Formats = null }, new ParserLimits(), TimeProvider.System);
        var failure = await FailAsync(isolated);
        failure.Code.ShouldBe(FailureCodes.Internal);
        failure.Transient.ShouldBeTrue();
        failure.Detail.ShouldContain("/no/such/program");
    }

    [Fact]
    public async Task Text_is_parsed_without_a_worker()
    {
        await using var isolated = new IsolatedParser(new IsolationOptions { Executable = "/no/such/program" }, new ParserLimits(), TimeProvider.System);
        (await isolated.ParseAsync(Text, "a.md", null, TestContext.Current.CancellationToken)).ShouldBeOfType<ParseSuccess>();
    }

    [Fact]
    public async Task Cancelling_ends_the_worker_and_the_next_document_finds_another()
    {
        await using var isolated = Start("worker-that-hangs");
        using var cancel = new CancellationTokenSource();
        var parsing = isolated.ParseAsync(Text, "a.md", null, cancel.Token);
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => parsing);
    }

    [Fact]
    public async Task A_worker_ends_when_its_input_ends()
    {
        using var output = new MemoryStream();
        await ParseWorker.RunAsync(new MemoryStream(), output, new ParserLimits(), TimeProvider.System, TestContext.Current.CancellationToken);
        output.Length.ShouldBe(0);
    }

    private static IsolatedParser Start(string verb, ParserLimits? limits = null) =>
        new(IsolationOptions.ThisProgram(verb) with { Formats = null, Workers = 1, Grace = TimeSpan.FromSeconds(limits is { Time.TotalSeconds: < 1 } ? 0.2 : 15) }, limits ?? new ParserLimits(), TimeProvider.System);

    private static async Task<ParseFailure> FailAsync(IsolatedParser parser) =>
        (await parser.ParseAsync(Text, "a.md", null, TestContext.Current.CancellationToken)).ShouldBeOfType<ParseFailure>();
}
