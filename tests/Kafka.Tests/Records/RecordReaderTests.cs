using System.Text;
using RagCluster.Ingestion.Sources;
using RagCluster.Kafka.Records;
using RagCluster.Messages.Documents;

namespace RagCluster.Kafka.Tests.Records;

public sealed class RecordReaderTests : IDisposable
{
    private const string Envelope = """{"name":"fees.txt","text":"Ten marks.","roles":["Adviser"],"metadata":{"year":"2026"},"mediaType":"text/plain"}""";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ragcluster-references");
    private readonly RecordReader _reader;

    public RecordReaderTests() => _reader = new RecordReader(new RecordReaderOptions
    {
        Tenant = "acme",
        Tenants = new HashSet<string> { "zenith" },
        MaxBytes = 1000,
        ReferenceFolder = _folder.FullName,
    });

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Bytes_are_the_document_and_headers_say_the_rest()
    {
        var item = Read("k 1", "# Fees"u8.ToArray(), ("tenant", "zenith"), ("Roles", "adviser, underwriter"), ("content-type", "text/markdown; charset=utf-8"), ("name", "fees.md"), ("traceparent", "00-1-2-01"), ("META.Year", "2026"), ("other", "x"));
        var document = item.ShouldBeOfType<SourceDocument>();
        document.Tenant!.Value.Value.ShouldBe("zenith");
        document.Readers.Names.ShouldBe(["adviser", "underwriter"]);
        (document.Name, document.MediaType, document.TraceParent, document.Uri).ShouldBe(("fees.md", "text/markdown", "00-1-2-01", "kafka:docs/key/k%201"));
        document.Metadata.ShouldBe(new Dictionary<string, string> { ["Year"] = "2026" });
        document.Position.ShouldBe(new SourcePosition("kafka:docs/3", 17));
        (await ContentAsync(document)).ShouldBe("# Fees");
    }

    [Fact]
    public async Task An_envelope_says_everything_itself()
    {
        var document = Read("k", Encoding.UTF8.GetBytes(Envelope), ("content-type", RecordReader.EnvelopeMediaType), ("roles", "customer")).ShouldBeOfType<SourceDocument>();
        (document.Name, document.MediaType, document.Tenant!.Value.Value).ShouldBe(("fees.txt", "text/plain", "acme"));
        document.Readers.Names.ShouldBe(["adviser"], "the envelope's roles, not the header's");
        document.Metadata["year"].ShouldBe("2026");
        (await ContentAsync(document)).ShouldBe("Ten marks.");
    }

    [Fact]
    public void A_null_value_removes_the_key_and_a_record_without_key_is_a_document_of_its_own()
    {
        Read("k", null).ShouldBeOfType<SourceRemoved>().Uri.ShouldBe("kafka:docs/key/k");
        Read(null, [65]).ShouldBeOfType<SourceDocument>().Uri.ShouldBe("kafka:docs/3/17");
        Problem(Read(null, null), FailureCodes.MalformedMessage).ShouldContain("key");
    }

    [Theory]
    [InlineData("{", FailureCodes.MalformedMessage, "envelope")]
    [InlineData("null", FailureCodes.MalformedMessage, "null")]
    [InlineData("""{"text":"a","rolls":["x"]}""", FailureCodes.MalformedMessage, "rolls")]
    [InlineData("""{"text":"a","text":"b"}""", FailureCodes.MalformedMessage, "uplicate")]
    [InlineData("""{"name":"a"}""", FailureCodes.MalformedMessage, "exactly one")]
    [InlineData("""{"text":"a","content":"QQ=="}""", FailureCodes.MalformedMessage, "exactly one")]
    [InlineData("""{"text":"a","tenant":"nobody"}""", FailureCodes.UnknownTenant, "nobody")]
    [InlineData("""{"text":""}""", FailureCodes.Empty, "empty")]
    [InlineData("""{"reference":"no uri"}""", FailureCodes.MalformedMessage, "absolute")]
    [InlineData("""{"reference":"http://169.254.169.254/latest"}""", FailureCodes.ReferenceRefused, "http:")]
    [InlineData("""{"reference":"file:///etc/passwd"}""", FailureCodes.ReferenceRefused, "outside")]
    public void What_is_wrong_is_said(string envelope, string code, string word) =>
        Problem(Read("k", Encoding.UTF8.GetBytes(envelope), ("content-type", RecordReader.EnvelopeMediaType)), code).ShouldContain(word);

    [Fact]
    public void Too_large_not_text_and_too_many_are_said()
    {
        Problem(Read("k", new byte[1001]), FailureCodes.TooLarge).ShouldContain("1,001");
        Problem(Read(new string('k', 2000), [65]), FailureCodes.MalformedMessage).ShouldContain("2,000");
        Problem(_reader.Read(new KafkaRecord("docs", 3, 17, [1], [65], [KeyValuePair.Create("name", (byte[])[0xff, 0xfe])])), FailureCodes.MalformedMessage).ShouldContain("UTF-8");
        Problem(_reader.Read(new KafkaRecord("docs", 3, 17, [1], [65], [.. Enumerable.Repeat(KeyValuePair.Create("x", (byte[])[1]), 200)])), FailureCodes.MalformedMessage).ShouldContain("headers");
        Problem(new RecordReader(new RecordReaderOptions()).Read(new KafkaRecord("docs", 3, 17, [1], [65], [])), FailureCodes.UnknownTenant).ShouldContain("no tenant");
    }

    [Fact]
    public async Task A_reference_is_opened_below_its_folder_and_never_through_a_link()
    {
        var file = Path.Combine(_folder.FullName, "large.txt");
        await File.WriteAllTextAsync(file, "from a file");
        (await ContentAsync(Refer(file))).ShouldBe("from a file");
        if (!OperatingSystem.IsWindows())
        {
            var link = Path.Combine(_folder.FullName, "link");
            File.CreateSymbolicLink(link, "/etc/passwd");
            await Should.ThrowAsync<UnauthorizedAccessException>(async () => await ContentAsync(Refer(link)));
            Directory.CreateSymbolicLink(Path.Combine(_folder.FullName, "sub"), "/etc");
            await Should.ThrowAsync<UnauthorizedAccessException>(async () => await ContentAsync(Refer(Path.Combine(_folder.FullName, "sub", "passwd"))));
        }

        await Should.ThrowAsync<IOException>(async () => await ContentAsync(Refer(Path.Combine(_folder.FullName, "gone"))));

        SourceDocument Refer(string path) =>
            Read("k", Encoding.UTF8.GetBytes($$"""{"reference":"{{new Uri(path).AbsoluteUri}}"}"""), ("content-type", RecordReader.EnvelopeMediaType)).ShouldBeOfType<SourceDocument>();
    }

    /// <summary>Whatever bytes somebody sends must end as a document or a reason: an exception here would stop a partition.</summary>
    [Fact]
    public void Ten_thousand_mutants_throw_nothing()
    {
        var random = new Random(5);
        var (documents, problems) = (0, 0);
        for (var n = 0; n < 10_000; n++)
        {
            var value = Encoding.UTF8.GetBytes(Envelope);
            for (var m = random.Next(3); m > 0; m--)
            {
                value = random.Next(4) switch
                {
                    0 => [.. value.Take(random.Next(value.Length + 1))],
                    1 => [.. value, .. value.Skip(random.Next(value.Length + 1))],
                    _ => Flipped(value, random),
                };
            }

            byte[]? key = random.Next(8) == 0 ? null : [(byte)random.Next(256), (byte)random.Next(256)];
            var header = KeyValuePair.Create(random.Next(6) == 0 ? "tenant" : "name", Enumerable.Range(0, random.Next(6)).Select(_ => (byte)random.Next(256)).ToArray());
            var item = _reader.Read(new KafkaRecord("docs", 3, n, key, random.Next(20) == 0 ? null : value, [header, KeyValuePair.Create("content-type", Encoding.UTF8.GetBytes(RecordReader.EnvelopeMediaType))]));
            if (item is SourceProblem problem)
            {
                problems++;
                problem.Code.ShouldNotBeNullOrEmpty();
                problem.Detail.ShouldNotBeNullOrEmpty();
            }
            else
            {
                documents++;
            }

            item.Position!.Offset.ShouldBe(n);
        }

        documents.ShouldBeGreaterThan(500);
        problems.ShouldBeGreaterThan(500);
    }

    private static byte[] Flipped(byte[] value, Random random)
    {
        if (value.Length > 0)
        {
            value[random.Next(value.Length)] = (byte)random.Next(256);
        }

        return value;
    }

    private static string Problem(SourceItem item, string code)
    {
        var problem = item.ShouldBeOfType<SourceProblem>();
        problem.Code.ShouldBe(code);
        return problem.Detail;
    }

    private static async Task<string> ContentAsync(SourceDocument document)
    {
        await using var stream = await document.OpenAsync(TestContext.Current.CancellationToken);
        using var reader = new StreamReader(stream);
        return await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    private SourceItem Read(string? key, byte[]? value, params (string Key, string Value)[] headers) => _reader.Read(new KafkaRecord(
        "docs", 3, 17, key is null ? null : Encoding.UTF8.GetBytes(key), value, [.. headers.Select(h => KeyValuePair.Create(h.Key, Encoding.UTF8.GetBytes(h.Value)))]));
}
