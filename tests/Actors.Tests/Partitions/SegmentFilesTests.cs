using RagCluster.Actors.Partitions;
using RagCluster.Kernel;
using RagCluster.Kernel.Journal;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Segments;
using RagCluster.TestKit;

namespace RagCluster.Actors.Tests.Partitions;

/// <summary>A partition's saved index, on the node that saved it and on those that open it after it.</summary>
public sealed class SegmentFilesTests : IDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("ragcluster-segments");
    private readonly InMemoryBlobs _blobs = new(TimeProvider.System);

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public async Task Another_node_opens_what_one_saved()
    {
        var saved = await Node("a").SaveAsync(Index(3).Reader, None);
        (await Node("b").OpenAsync(saved, None)).Reader.DocumentCount.ShouldBe(3);
        Directory.EnumerateFiles(Folder("b")).Select(Path.GetFileName).ShouldBe(Directory.EnumerateFiles(Folder("a")).Select(Path.GetFileName), ignoreOrder: true);

        // The second time the cache is enough.
        _blobs.Fault = () => new StoreException("not now");
        (await Node("b").OpenAsync(saved, None)).Reader.DocumentCount.ShouldBe(3);
    }

    [Fact]
    public async Task A_damaged_cache_is_fetched_again()
    {
        var saved = await Node("a").SaveAsync(Index(3).Reader, None);
        foreach (var file in Directory.EnumerateFiles(Folder("a")))
        {
            await File.WriteAllBytesAsync(file, new byte[new FileInfo(file).Length], None);
        }

        (await Node("a").OpenAsync(saved, None)).Reader.DocumentCount.ShouldBe(3);
    }

    [Fact]
    public async Task A_blob_that_is_gone_or_is_something_else_sends_the_partition_to_its_log()
    {
        var saved = await Node("a").SaveAsync(Index(3).Reader, None);
        foreach (var blob in _blobs.Ids)
        {
            _blobs.Damage(blob);
            await Should.ThrowAsync<SegmentCorruptException>(() => Node("b").OpenAsync(saved, None));
            _blobs.Damage(blob);
            await _blobs.DeleteAsync(blob, None);
            await Should.ThrowAsync<SegmentCorruptException>(() => Node("c").OpenAsync(saved, None));
            break;
        }

        await Should.ThrowAsync<SegmentCorruptException>(() => Node("d").OpenAsync("{}"u8.ToArray(), None));
        await Should.ThrowAsync<SegmentCorruptException>(() => Node("d").OpenAsync("no JSON"u8.ToArray(), None));
    }

    [Fact]
    public async Task A_blob_store_that_does_not_answer_is_waited_for()
    {
        var saved = await Node("a").SaveAsync(Index(3).Reader, None);
        foreach (var fault in new Exception[] { new StoreException("not now"), new IOException("no route") })
        {
            _blobs.Fault = () => fault;
            await Should.ThrowAsync<StoreException>(() => Node("b").OpenAsync(saved, None), "rebuilding from the log would be no faster, and the snapshot is good");
        }

        _blobs.Fault = null;
        (await Node("b").OpenAsync(saved, None)).Reader.DocumentCount.ShouldBe(3);
    }

    [Fact]
    public async Task A_snapshot_of_a_version_that_knew_of_no_blobs_is_opened_from_its_folder()
    {
        var saved = await Node("a", shared: false).SaveAsync(Index(3).Reader, None);
        System.Text.Encoding.UTF8.GetString(saved).ShouldNotContain("blobs");
        (await Node("a").OpenAsync(saved, None)).Reader.DocumentCount.ShouldBe(3);
        _blobs.Ids.ShouldBeEmpty();
        await Should.ThrowAsync<SegmentCorruptException>(() => Node("b").OpenAsync(saved, None));
    }

    [Fact]
    public async Task What_the_durable_snapshot_names_stays_and_the_rest_goes()
    {
        var node = Node("a");
        var index = Index(3);
        var first = await node.SaveAsync(index.Reader, None);
        await node.TidyAsync(first, None);
        var before = _blobs.Ids;

        index.Apply(Indexed(4));
        var second = await node.SaveAsync(index.Reader, None);
        (await Node("b").OpenAsync(first, None)).Reader.DocumentCount.ShouldBe(3, "until the second is durable the first one counts");
        await node.TidyAsync(second, None);
        _blobs.Ids.Intersect(before).Count().ShouldBeLessThan(before.Count);
        (await Node("c").OpenAsync(second, None)).Reader.DocumentCount.ShouldBe(4);

        // Saved again without a change: nothing is uploaded twice.
        var count = _blobs.Ids.Count;
        await node.TidyAsync(await node.SaveAsync(index.Reader, None), None);
        _blobs.Ids.Count.ShouldBe(count);
    }

    [Fact]
    public async Task No_two_owners_name_the_same_blob()
    {
        var (a, b) = (Node("a"), Node("b"));
        var (ofA, ofB) = (await a.SaveAsync(Index(3).Reader, None), await b.SaveAsync(Index(3).Reader, None));
        await a.TidyAsync(ofA, None);
        await b.TidyAsync(ofB, None);

        // What a stale owner throws away is its own.
        await a.DiscardAsync(None);
        (await Node("c").OpenAsync(ofB, None)).Reader.DocumentCount.ShouldBe(3);
    }

    private static PartitionIndex Index(int documents)
    {
        var index = new PartitionIndex();
        for (var n = 1; n <= documents; n++)
        {
            index.Apply(Indexed(n));
        }

        return index;
    }

    private static ChunksIndexed Indexed(int n) => new(
        DocumentId.Of($"d{n}"), 1, "Fees", RoleSet.Empty, 1, new Dictionary<string, string>(), "e", [new Chunk(0, 0, 4, null, [], $"fees {n}", Embedding.Of([1, n]))]);

    private SegmentFiles Node(string name, bool shared = true) => new(Folder(name), shared ? _blobs : null, SystemRuntime.Instance);

    private string Folder(string name) => Path.Combine(_root.FullName, name);
}
