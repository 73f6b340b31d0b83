using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Processes;

/// <summary>Disks flip bits. What a damaged index file costs is time at the start, and a line in the log that names it.</summary>
public sealed class DamagedIndexTests
{
    [Fact]
    public async Task A_damaged_index_file_is_named_and_the_index_rebuilt_from_the_log()
    {
        using var folder = new TemporaryFolder();
        string[] eager = ["-D", "ragcluster.partitions.snapshot-every=5"];
        string[] ids = [.. Enumerable.Range(0, 30).Select(i => $"n{i}")];
        await using (var node = await Ragcluster.ServeAsync(folder.Path, eager))
        {
            using var caller = new Caller(node.Url);
            foreach (var id in ids)
            {
                await caller.IndexAsync(id, $"The phascogaleword of document {id}.");
            }

            await TestKit.Retry.Until("an index is saved", () => Task.FromResult(SegmentsIn(folder.Path).Length > 0));
        }

        var files = SegmentsIn(folder.Path);
        foreach (var file in files)
        {
            var bytes = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
            bytes[bytes.Length / 2] ^= 1;
            await File.WriteAllBytesAsync(file, bytes, TestContext.Current.CancellationToken);
        }

        await using var next = await Ragcluster.ServeAsync(folder.Path, eager);
        using var reader = new Caller(next.Url);
        IReadOnlyList<string> found = [];
        await TestKit.Retry.Until("everything is found again", async () =>
        {
            found = await reader.SearchAsync("phascogaleword");
            return found.Count == ids.Length;
        });
        found.ShouldBe(ids, ignoreOrder: true);
        files.Any(file => next.Error.Contains(Path.GetFileName(file), StringComparison.Ordinal)).ShouldBeTrue(next.Error);
    }

    private static string[] SegmentsIn(string folder) => Directory.GetFiles(folder, "*.segment", SearchOption.AllDirectories);
}
