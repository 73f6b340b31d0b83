using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal.Sqlite;
using RagCluster.Kernel.Tests.Journal;

namespace RagCluster.Kernel.Tests.Entities;

/// <summary>
/// Kills a real process with SIGKILL while it writes, and looks whether all that it had acknowledged is there. The
/// process is this test program itself, told by an environment variable to be the victim.
/// </summary>
public sealed class KillTests
{
    private const string Folder = "RAGCLUSTER_KILL_TEST_FOLDER";

    [Fact]
    public async Task Nothing_acknowledged_is_lost_to_kill_9()
    {
        using var folder = new TemporaryFolder();
        var acknowledged = new Dictionary<string, long>();
        for (var round = 0; round < 2; round++)
        {
            var before = acknowledged.Values.Sum();
            await RunVictimAsync(folder.Path, killAfter: 150 + (70 * round), acknowledged);
            acknowledged.Values.Sum().ShouldBeGreaterThan(before);
        }

        await using var store = Open(folder.Path);
        var node = await AccountNode.StartAsync(SystemRuntime.Instance, store);
        foreach (var (entity, seq) in acknowledged)
        {
            var balance = await node.AskAsync(entity, new Balance());
            balance.Seq.ShouldBeGreaterThanOrEqualTo(seq);
            balance.Reply.Balance.ShouldBe(balance.Seq, "each event counts once");
        }

        await node.StopAsync();
    }

    /// <summary>Not a test of its own: what the victim does until it is killed.</summary>
    [Fact]
    public async Task Victim()
    {
        if (Environment.GetEnvironmentVariable(Folder) is not { } path)
        {
            Assert.Skip("Runs only as the process that is killed.");
            return;
        }

        await using var store = Open(path);
        var node = await AccountNode.StartAsync(SystemRuntime.Instance, store);
        await using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        var said = new SemaphoreSlim(1);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(async n =>
        {
            while (true)
            {
                var reply = await node.AskAsync($"account-{n}", new Deposit(1));
                await said.WaitAsync();
                await output.WriteLineAsync($"ACK account-{n} {reply.Seq}");
                said.Release();
            }
        }));
    }

    private static async Task RunVictimAsync(string folder, int killAfter, Dictionary<string, long> acknowledged)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
        {
            start.ArgumentList.Add(typeof(KillTests).Assembly.Location);
        }

        start.ArgumentList.Add("-method");
        start.ArgumentList.Add($"{typeof(KillTests).FullName}.{nameof(Victim)}");
        start.Environment[Folder] = folder;
        using var victim = Process.Start(start)!;
        var errors = victim.StandardError.ReadToEndAsync();
        var acks = 0;
        while (await victim.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Split(' ') is ["ACK", var entity, var seq])
            {
                acknowledged[entity] = Math.Max(acknowledged.GetValueOrDefault(entity), long.Parse(seq, CultureInfo.InvariantCulture));
                if (++acks == killAfter)
                {
                    victim.Kill();
                }
            }
        }

        await victim.WaitForExitAsync();
        acks.ShouldBeGreaterThanOrEqualTo(killAfter, await errors);
        victim.ExitCode.ShouldBe(137);
    }

    private static SqliteShardStore Open(string folder) =>
        SqliteShardStore.Open(new SqliteStoreOptions { Folder = folder }, SystemRuntime.Instance, NullLogger<SqliteShardStore>.Instance);
}
