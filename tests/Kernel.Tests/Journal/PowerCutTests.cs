using System.Diagnostics;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.Postgres;
using RagCluster.Kernel.Journal.Sqlite;
using RagCluster.TestKit.Disks;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Kernel.Tests.Journal;

/// <summary>
/// Cuts the power of a disk while a process writes to a store on it, and looks whether all that was acknowledged is
/// there. Takes seconds for each cut, so it runs only where RAGCLUSTER_POWER_CUTS says how many there are to be.
/// </summary>
public sealed class PowerCutTests
{
    private const string Cuts = "RAGCLUSTER_POWER_CUTS";
    private const string Target = "RAGCLUSTER_POWER_CUT_TARGET";
    private const int Shards = 8;

    [Fact]
    public async Task Sqlite_keeps_what_it_acknowledged()
    {
        var cuts = NumberOfCuts();
        await using var disk = await CuttableDisk.CreateAsync(512 << 20);
        var data = Path.Combine(disk.MountPoint, "data");
        await CutAsync(cuts, disk, "sqlite:" + data, () => Task.CompletedTask, disk.RemountAsync);
    }

    [Fact]
    public async Task Postgres_keeps_what_it_acknowledged()
    {
        var cuts = NumberOfCuts();
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        await using var disk = await CuttableDisk.CreateAsync(1L << 30);
        await using var server = await StartOnAsync(disk);
        await CutAsync(cuts, disk, "postgres:" + server.ConnectionString(), server.KillAsync, async () =>
        {
            await disk.RemountAsync();
            await server.StartAgainAsync();
        });
    }

    /// <summary>The control: where a server acknowledges early, the same cut does lose.</summary>
    [Fact]
    public async Task The_cut_is_real_what_is_acknowledged_too_early_is_lost()
    {
        NumberOfCuts();
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        await using var disk = await CuttableDisk.CreateAsync(1L << 30);
        await using var server = await StartOnAsync(disk);
        await server.ExecuteAsync("CREATE TABLE early (n int)");
        var acknowledged = 0;
        await using (var connection = new NpgsqlConnection(server.SocketConnectionString() + ";Pooling=false;Options=-c synchronous_commit=off"))
        {
            await connection.OpenAsync();
            for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(1); acknowledged++)
            {
                await using var insert = new NpgsqlCommand("INSERT INTO early VALUES (1)", connection);
                await insert.ExecuteNonQueryAsync();
            }

            disk.Cut();
        }

        await server.KillAsync();
        await disk.RemountAsync();
        await server.StartAgainAsync();
        ((long)(await server.ExecuteAsync("SELECT count(*) FROM early"))!).ShouldBeLessThan(acknowledged);
    }

    /// <summary>Not a test of its own: writes until the disk is gone, and says what was acknowledged.</summary>
    [Fact]
    public async Task Writer()
    {
        if (Environment.GetEnvironmentVariable(Target) is not { } target)
        {
            Assert.Skip("Runs only as the process that writes.");
            return;
        }

        await using var store = await OpenAsync(target);
        await using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        var node = await store.JoinAsync("writer");
        var rows = await store.PrepareShardsAsync("thing", Shards);
        var lane = new GroupCommitLane(store, SystemRuntime.Instance, new GroupCommitOptions());
        await Task.WhenAll(rows.Select(async row =>
        {
            var epoch = (await store.ClaimAsync(row.ShardId, row.Epoch, node))!.Value;
            var last = await store.LastShardSeqAsync(row.ShardId);
            while (true)
            {
                NewEvent[] events = [.. Enumerable.Range(1, 3).Select(i => new NewEvent("e", last + i, null, default, Encoding.UTF8.GetBytes($"{{\"n\":{last + i}}}"), DateTimeOffset.UnixEpoch))];
                if (await lane.AppendAsync(new ShardBatch(row.ShardId, epoch, last + 1, events, [])) != AppendResult.Committed)
                {
                    return;
                }

                last += events.Length;
                lock (output)
                {
                    output.WriteLine($"ACK {row.ShardId} {last}");
                }
            }
        }));
    }

    private static async Task CutAsync(int cuts, CuttableDisk disk, string target, Func<Task> lose, Func<Task> bringBack)
    {
        var random = new Random(7);
        var acknowledged = new Dictionary<int, long>();
        var lost = new List<string>();
        for (var cut = 1; cut <= cuts; cut++)
        {
            using (var writer = Start(target))
            {
                var reading = ReadAsync(writer, acknowledged);
                await reading.Begun;
                await Task.Delay(random.Next(100, 600));
                disk.Cut();

                // What is on its way from the server was acknowledged before the cut, or not at all.
                await lose();
                writer.Kill();
                await reading.Ended;
            }

            await bringBack();
            await using var store = await OpenAsync(target);
            foreach (var (shard, seq) in acknowledged)
            {
                var log = await ReadAllAsync(store, shard);
                log.Select(record => record.ShardSeq).ShouldBe(Enumerable.Range(1, log.Count).Select(n => (long)n), "the log has no gap");
                if (log.Count < seq)
                {
                    lost.Add($"cut {cut}, shard {shard}: acknowledged {seq}, found {log.Count}");
                }
            }
        }

        lost.ShouldBeEmpty();
        TestContext.Current.TestOutputHelper?.WriteLine($"{cuts} cuts, {acknowledged.Values.Sum()} events acknowledged, none lost");
    }

    private static async Task<List<JournalRecord>> ReadAllAsync(IShardStore store, int shard)
    {
        var log = new List<JournalRecord>();
        while (await store.ReadShardAsync(shard, log.Count == 0 ? 0 : log[^1].ShardSeq, PageLimit.Default) is { Count: > 0 } page)
        {
            log.AddRange(page);
        }

        return log;
    }

    private static (Task Begun, Task Ended) ReadAsync(Process writer, Dictionary<int, long> acknowledged)
    {
        var begun = new TaskCompletionSource();
        return (begun.Task, Task.Run(async () =>
        {
            var said = new StringBuilder();
            while (await writer.StandardOutput.ReadLineAsync() is { } line)
            {
                if (line.Split(' ') is ["ACK", var shard, var seq])
                {
                    acknowledged[int.Parse(shard, CultureInfo.InvariantCulture)] = long.Parse(seq, CultureInfo.InvariantCulture);
                    begun.TrySetResult();
                }

                said.AppendLine(line);
            }

            begun.TrySetException(new InvalidOperationException($"The writer wrote nothing:\n{said}"));
        }));
    }

    private static Process Start(string target)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(PowerCutTests).Assembly.Location);
        }

        start.ArgumentList.Add("-method");
        start.ArgumentList.Add($"{typeof(PowerCutTests).FullName}.{nameof(Writer)}");
        start.Environment[Target] = target;
        start.Environment.Remove(Cuts);
        return Process.Start(start)!;
    }

    private static async Task<IShardStore> OpenAsync(string target)
    {
        var at = target.Split(':', 2)[1];
        return target.StartsWith("sqlite", StringComparison.Ordinal)
            ? SqliteShardStore.Open(new SqliteStoreOptions { Folder = at }, SystemRuntime.Instance, NullLogger<SqliteShardStore>.Instance)
            : await PostgresShardStore.OpenAsync(new PostgresStoreOptions { Connection = at }, SystemRuntime.Instance, NullLogger<PostgresShardStore>.Instance);
    }

    /// <summary>The folder of everything, its log too, is on the disk.</summary>
    private static Task<PostgresServer> StartOnAsync(CuttableDisk disk) => PostgresServer.StartAsync(new() { Folder = Path.Combine(disk.MountPoint, "postgres") });

    private static int NumberOfCuts()
    {
        var asked = Environment.GetEnvironmentVariable(Cuts);
        Assert.SkipWhen(asked is null, $"Set {Cuts} to the number of cuts, such as 10.");
        Assert.SkipWhen(CuttableDisk.WhyNot is not null, CuttableDisk.WhyNot ?? "");
        return int.Parse(asked!, CultureInfo.InvariantCulture);
    }
}
