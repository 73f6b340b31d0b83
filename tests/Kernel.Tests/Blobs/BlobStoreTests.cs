using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Journal.Sqlite;
using RagCluster.Kernel.Tests.Journal;

namespace RagCluster.Kernel.Tests.Blobs;

public sealed class BlobStoreTests : IAsyncDisposable
{
    private const long Unlimited = long.MaxValue;

    private readonly TemporaryFolder _folder = new();
    private readonly SqliteShardStore _table;
    private readonly BlobStore _blobs;

    public BlobStoreTests()
    {
        _table = SqliteShardStore.Open(new SqliteStoreOptions { Folder = _folder.Path }, SystemRuntime.Instance, NullLogger<SqliteShardStore>.Instance);
        _blobs = Open();
    }

    private string Files => _folder.Under("blobs");

    public async ValueTask DisposeAsync()
    {
        await _table.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(BlobStore.SmallBytes)]
    [InlineData(BlobStore.SmallBytes + 1)]
    [InlineData(1_000_000)]
    public async Task What_was_put_is_read_back_by_its_name(int bytes)
    {
        var content = Content(bytes);
        var id = await _blobs.PutAsync(content);
        (await _blobs.PutAsync(new MemoryStream(content), Unlimited)).ShouldBe(id, "both ways give the same name");
        id.ShouldBe(BlobIds.Of(content));

        await using var stream = await Open().OpenAsync(id);
        stream.CanSeek.ShouldBeTrue();
        stream.Length.ShouldBe(bytes);
        var read = new byte[bytes];
        await stream.ReadExactlyAsync(read);
        read.ShouldBe(content);
        (await _blobs.LengthAsync(id)).ShouldBe(bytes);
        (await _blobs.ExistsAsync(id)).ShouldBeTrue();
        (await _blobs.DeleteAsync(id)).ShouldBeTrue();
        (await _blobs.DeleteAsync(id)).ShouldBeFalse();
        (await _blobs.ExistsAsync(id)).ShouldBeFalse();
        await Should.ThrowAsync<BlobMissingException>(async () => await _blobs.OpenAsync(id));
    }

    [Theory]
    [InlineData(100)]
    [InlineData(BlobStore.SmallBytes * 3)]
    public async Task Content_over_the_limit_is_refused_and_leaves_nothing(int bytes)
    {
        var content = Content(bytes);
        await Should.ThrowAsync<BlobTooLargeException>(async () => await _blobs.PutAsync(new MemoryStream(content), bytes - 1));
        (await _blobs.PutAsync(new MemoryStream(Content(50)), 50)).ShouldBe(BlobIds.Of(Content(50)));
        Directory.EnumerateFiles(Files, "*", SearchOption.AllDirectories).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_damaged_file_is_said_and_not_given_out()
    {
        var id = await _blobs.PutAsync(Content(200_000));
        var path = Directory.EnumerateFiles(Files, id, SearchOption.AllDirectories).Single();
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[150_000] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);

        (await Should.ThrowAsync<BlobDamagedException>(async () => await _blobs.OpenAsync(id))).Message.ShouldContain(path);
    }

    [Fact]
    public async Task Half_written_files_are_swept_at_the_start()
    {
        await File.WriteAllTextAsync(Path.Combine(Files, "incoming", "17"), "half");
        var blobs = Open();
        Directory.EnumerateFiles(Files, "*", SearchOption.AllDirectories).ShouldBeEmpty();
        await blobs.PutAsync(Content(100_000));
    }

    [Theory]
    [InlineData("../../etc/passwd")]
    [InlineData("sha256-")]
    [InlineData("sha256-ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789")]
    public async Task A_name_that_is_none_is_refused(string id) =>
        await Should.ThrowAsync<ArgumentException>(async () => await _blobs.OpenAsync(id));

    [Fact]
    public async Task The_same_content_may_be_put_by_many_at_once()
    {
        var content = Content(300_000);
        var ids = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(async () => await _blobs.PutAsync(new MemoryStream(content), Unlimited))));
        ids.Distinct().ShouldBe([BlobIds.Of(content)]);
        Directory.EnumerateFiles(Files, "*", SearchOption.AllDirectories).Count().ShouldBe(1);
    }

    private static byte[] Content(int bytes)
    {
        var content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        return content;
    }

    private BlobStore Open() => new(_table, Files, SystemRuntime.Instance);
}
