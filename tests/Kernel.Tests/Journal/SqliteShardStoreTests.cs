using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.Sqlite;

namespace RagCluster.Kernel.Tests.Journal;

public sealed class SqliteShardStoreTests : ShardStoreContract, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override ValueTask<IShardStore> OpenAsync() => ValueTask.FromResult<IShardStore>(Open());

    [Fact]
    public async Task Everything_is_there_after_reopening()
    {
        int shard;
        long epoch;
        await using (var store = Open())
        {
            (shard, epoch) = await ClaimedAsync(store);
            await AppendAsync(store, shard, epoch, 1, Event("a", 1), Event("a", 2));
        }

        await using var again = Open();
        (await again.LastShardSeqAsync(shard)).ShouldBe(2);
        (await again.FindShardAsync(shard)).Epoch.ShouldBe(epoch);
        (await again.JoinAsync("node")).Incarnation.ShouldBe(2);
    }

    [Fact]
    public async Task A_folder_in_use_is_refused_and_the_holder_is_named()
    {
        await using var store = Open();
        var refusal = Should.Throw<StoreRefusedException>(() => Open());
        refusal.Message.ShouldContain($"process {Environment.ProcessId}");
        refusal.Message.ShouldContain("another data folder");
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_is_refused_with_its_name()
    {
        await File.WriteAllTextAsync(_folder.Under("taken"), "a file");
        var refusal = Should.Throw<StoreRefusedException>(() => DataFolderLock.Acquire(_folder.Under("taken")));
        refusal.Message.ShouldContain("taken");
        refusal.Message.ShouldContain("cannot be used");
    }

    [Fact]
    public async Task A_file_that_is_no_database_is_refused_with_its_name()
    {
        await File.WriteAllTextAsync(_folder.Under("store.db"), new string('x', 5000));
        var refusal = Should.Throw<StoreRefusedException>(() => Open());
        refusal.Message.ShouldContain("store.db");
        refusal.Message.ShouldContain("backup");
    }

    [Fact]
    public async Task A_truncated_database_is_refused()
    {
        await FillAsync();
        using (var file = File.OpenWrite(_folder.Under("store.db")))
        {
            file.SetLength(file.Length / 2);
        }

        Should.Throw<StoreRefusedException>(() => Open()).Message.ShouldContain("damaged");
    }

    [Fact]
    public async Task A_database_with_damaged_pages_is_refused()
    {
        await FillAsync();
        using (var file = File.OpenWrite(_folder.Under("store.db")))
        {
            file.Position = 4096;
            file.Write(Enumerable.Repeat((byte)0xA5, (int)file.Length - 8192).ToArray());
        }

        Should.Throw<StoreRefusedException>(() => Open()).Message.ShouldContain("damaged");
    }

    [Fact]
    public async Task A_database_of_a_newer_program_is_refused()
    {
        await FillAsync();
        using (var session = SqliteSession.Open(_folder.Under("store.db"), readOnly: false, TimeSpan.FromSeconds(1)))
        {
            session.Execute("UPDATE meta SET value = '999' WHERE key = 'schema_version'");
        }

        Should.Throw<StoreRefusedException>(() => Open()).Message.ShouldContain("newer RagCluster");
    }

    [Fact]
    public async Task A_full_disk_is_said_and_the_store_goes_on_once_there_is_room()
    {
        await using var store = Open();
        var (shard, epoch) = await ClaimedAsync(store);
        await AppendAsync(store, shard, epoch, 1, Event("a", 1));
        await store.LimitPagesAsync(1);

        var failure = await Should.ThrowAsync<StoreException>(async () =>
        {
            for (var seq = 2; seq < 5000; seq += 50)
            {
                await AppendAsync(store, shard, epoch, seq, [.. Enumerable.Range(seq, 50).Select(n => Event("a", n))]);
            }
        });
        failure.Failure.ShouldBe(StoreFailure.DiskFull);
        failure.Message.ShouldContain("Free some space");
        var last = await store.LastShardSeqAsync(shard);

        await store.LimitPagesAsync(int.MaxValue);
        (await AppendAsync(store, shard, epoch, last + 1, Event("a", last + 1))).ShouldBe(AppendResult.Committed);
    }

    [Fact]
    public async Task A_closed_store_says_so()
    {
        var store = Open();
        var (shard, epoch) = await ClaimedAsync(store);
        await store.DisposeAsync();
        (await Should.ThrowAsync<StoreException>(() => AppendAsync(store, shard, epoch, 1, Event("a", 1)))).Failure.ShouldBe(StoreFailure.Closed);
        (await Should.ThrowAsync<StoreException>(async () => await store.LastShardSeqAsync(shard))).Failure.ShouldBe(StoreFailure.Closed);
    }

    [Fact]
    public async Task Many_writers_share_transactions()
    {
        await using var store = Open();
        var (shard, epoch) = await ClaimedAsync(store);
        var appends = Enumerable.Range(1, 200).Select(n => AppendAsync(store, shard, epoch, n, Event($"e{n}", 1))).ToArray();

        (await Task.WhenAll(appends)).ShouldAllBe(result => result == AppendResult.Committed);
        (await store.LastShardSeqAsync(shard)).ShouldBe(200);
    }

    private SqliteShardStore Open() =>
        SqliteShardStore.Open(new SqliteStoreOptions { Folder = _folder.Path }, SystemRuntime.Instance, NullLogger<SqliteShardStore>.Instance);

    private async Task FillAsync()
    {
        await using var store = Open();
        var (shard, epoch) = await ClaimedAsync(store);
        for (var seq = 1; seq < 2000; seq += 500)
        {
            await AppendAsync(store, shard, epoch, seq, [.. Enumerable.Range(seq, 500).Select(n => Event("a", n))]);
        }
    }
}
