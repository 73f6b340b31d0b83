using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Journal.Postgres;

namespace RagCluster.Kernel.Tests.Journal.Postgres;

public sealed class PostgresBlobStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_was_put_on_one_node_is_read_on_another_by_its_name()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenAsync();
        await using var elsewhere = await database.OpenAsync();
        var (blobs, others) = (Open(store, "a"), Open(elsewhere, "b"));
        foreach (var bytes in new[] { 0, 1, PostgresBlobStore.SmallBytes, PostgresBlobStore.SmallBytes + 1, PostgresBlobStore.ChunkBytes, PostgresBlobStore.ChunkBytes + 1, 3_500_000 })
        {
            var content = Content(bytes);
            var id = await blobs.PutAsync(new MemoryStream(content), bytes);
            id.ShouldBe(BlobIds.Of(content));
            (await others.PutAsync(content)).ShouldBe(id, "both ways give the same name");

            await using (var stream = await others.OpenAsync(id))
            {
                (stream.CanSeek, stream.Length).ShouldBe((true, bytes));
                var read = new byte[bytes];
                await stream.ReadExactlyAsync(read);
                read.AsSpan().SequenceEqual(content).ShouldBeTrue();
            }

            (await others.LengthAsync(id)).ShouldBe(bytes);
            (await others.DeleteAsync(id)).ShouldBeTrue();
            (await blobs.DeleteAsync(id)).ShouldBeFalse();
            await Should.ThrowAsync<BlobMissingException>(async () => await blobs.OpenAsync(id));
        }

        (await database.ExecuteAsync("SELECT (SELECT count(*) FROM blob_chunk) + (SELECT count(*) FROM blob_upload)")).ShouldBe(0L);
        Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).ShouldBeEmpty("what was read is gone with its stream");
    }

    [Fact]
    public async Task Content_over_the_limit_or_cut_off_leaves_nothing()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenAsync();
        var blobs = Open(store, "a");
        foreach (var bytes in new[] { 100, PostgresBlobStore.ChunkBytes * 2 })
        {
            await Should.ThrowAsync<BlobTooLargeException>(async () => await blobs.PutAsync(new MemoryStream(Content(bytes)), bytes - 1));
        }

        await Should.ThrowAsync<IOException>(async () => await blobs.PutAsync(new CutStream(Content(PostgresBlobStore.ChunkBytes * 2)), long.MaxValue));
        (await database.ExecuteAsync("SELECT (SELECT count(*) FROM blob) + (SELECT count(*) FROM blob_chunk) + (SELECT count(*) FROM blob_upload)")).ShouldBe(0L);
    }

    [Fact]
    public async Task The_same_content_put_by_many_at_once_is_kept_once()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenAsync();
        var blobs = Open(store, "a");
        var content = Content(PostgresBlobStore.ChunkBytes + 5);
        var ids = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(async () => await blobs.PutAsync(new MemoryStream(content), long.MaxValue))));
        ids.Distinct().ShouldBe([BlobIds.Of(content)]);
        (await database.ExecuteAsync("SELECT count(*) FROM blob_chunk")).ShouldBe(2L);
    }

    [Fact]
    public async Task A_damaged_blob_is_said_and_not_given_out()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenAsync();
        var blobs = Open(store, "a");
        var (small, large) = (await blobs.PutAsync(Content(100)), await blobs.PutAsync(Content(2_000_000)));
        await database.ExecuteAsync("UPDATE blob SET content = set_byte(content, 7, 255 - get_byte(content, 7)) WHERE content IS NOT NULL; UPDATE blob_chunk SET content = set_byte(content, 7, 255 - get_byte(content, 7)) WHERE ordinal = 1");
        await Should.ThrowAsync<BlobDamagedException>(async () => await blobs.OpenAsync(small));
        await Should.ThrowAsync<BlobDamagedException>(async () => await blobs.OpenAsync(large));
        await database.ExecuteAsync("DELETE FROM blob_chunk WHERE ordinal = 1");
        await Should.ThrowAsync<BlobDamagedException>(async () => await blobs.OpenAsync(large));
        await Should.ThrowAsync<ArgumentException>(async () => await blobs.OpenAsync("../../etc/passwd"));
    }

    [Fact]
    public async Task Uploads_that_never_ended_are_swept_and_blobs_are_not()
    {
        var database = await PostgresDatabase.CreateAsync();
        await using var store = await database.OpenAsync();
        var blobs = Open(store, "a");
        var id = await blobs.PutAsync(Content(200_000));
        await database.ExecuteAsync("WITH u AS (INSERT INTO blob_upload (started_at) VALUES (now() - interval '2 days'), (now()) RETURNING upload) INSERT INTO blob_chunk SELECT upload, 0, '\\x00' FROM u");
        (await blobs.SweepAsync(TimeSpan.FromDays(1))).ShouldBe(1);
        (await database.ExecuteAsync("SELECT count(*) FROM blob_chunk")).ShouldBe(2L);
        await (await blobs.OpenAsync(id)).DisposeAsync();
    }

    private static byte[] Content(int bytes)
    {
        var content = new byte[bytes];
        new Random(bytes).NextBytes(content);
        return content;
    }

    private PostgresBlobStore Open(PostgresShardStore store, string node) => new(store, _folder.Under(node), SystemRuntime.Instance);

    /// <summary>Breaks in its second half.</summary>
    private sealed class CutStream(byte[] content) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Position < Length / 2 ? base.ReadAsync(buffer, cancellationToken) : throw new IOException("The client is gone.");
    }
}
