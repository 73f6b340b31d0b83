using RagCluster.Ingestion.Sources;

namespace RagCluster.Ingestion.Tests.Sources;

public sealed class FileCheckpointsTests : IDisposable
{
    private readonly string _folder = Path.Combine(Directory.CreateTempSubdirectory("checkpoints-").FullName, "sources");

    [Fact]
    public async Task What_was_saved_last_is_read_whatever_the_source_is_called()
    {
        var checkpoints = new FileCheckpoints(_folder);
        var token = TestContext.Current.CancellationToken;
        (await checkpoints.ReadAsync("a", token)).ShouldBeNull();
        await checkpoints.SaveAsync("a", "one", token);
        await checkpoints.SaveAsync("../b/ü*", "two", token);
        await checkpoints.SaveAsync("a", "three", token);
        (await new FileCheckpoints(_folder).ReadAsync("a", token)).ShouldBe("three");
        (await checkpoints.ReadAsync("../b/ü*", token)).ShouldBe("two");
        Directory.GetFiles(_folder).Length.ShouldBe(2);

        // A write that a crash cut off leaves the one before.
        await File.WriteAllTextAsync(Path.Combine(_folder, "a.checkpoint.new"), "hal", token);
        (await checkpoints.ReadAsync("a", token)).ShouldBe("three");
        await checkpoints.SaveAsync("a", "four", token);
        (await checkpoints.ReadAsync("a", token)).ShouldBe("four");
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);
}
