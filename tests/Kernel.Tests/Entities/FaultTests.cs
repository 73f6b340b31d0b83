using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Entities;

/// <summary>
/// Random commands from several clients, while appends get lost, land late, conflict, are fenced or refused, and nodes
/// are left behind (still running) for new ones. Afterwards the log is compared with what the clients were told.
/// </summary>
public sealed class FaultTests
{
    private static readonly EntityOptions Options = new()
    {
        Shards = 2, SnapshotEvery = 5, PassivateAfter = TimeSpan.FromMilliseconds(300), RememberedCommands = 100, RecentEvents = 4,
    };

    [Fact]
    public void What_was_acknowledged_is_in_the_log_once_and_replay_gives_the_live_state()
    {
        var seen = new Coverage();
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(400),
            Prop.ForAll(Arb.From(Plans()), plan => new Run(plan, seen).Execute()));

        // A run in which nothing happens proves nothing.
        seen.Acknowledged.ShouldBeGreaterThan(1000);
        seen.Unsure.ShouldBeGreaterThan(20);
        seen.Refused.ShouldBeGreaterThan(20);
        seen.Takeovers.ShouldBeGreaterThan(100);
        seen.Faults.Count.ShouldBe(Enum.GetValues<AppendFault>().Length);
    }

    private static Gen<Plan> Plans() =>
        from seed in Gen.Choose(0, int.MaxValue - 1)
        from rate in Gen.Elements(0.0, 0.05, 0.2, 0.4)
        from restarts in Gen.Choose(0, 4)
        from clients in Gen.Choose(1, 4)
        from steps in Gen.ListOf(from entity in Gen.Choose(0, 3) from amount in Gen.Choose(-8, 10) from again in Gen.Choose(0, 5) select new Step(entity, amount, again == 0))
        select new Plan(seed, rate, restarts, clients, [.. steps]);

    /// <param name="Amount">Negative withdraws.</param>
    /// <param name="Again">Sends the client's last command once more, with its id.</param>
    private sealed record Step(int Entity, int Amount, bool Again);

    private sealed record Plan(int Seed, double FaultRate, int Restarts, int Clients, Step[] Steps);

    private sealed class Coverage
    {
        public int Acknowledged { get; set; }

        public int Unsure { get; set; }

        public int Refused { get; set; }

        public int Takeovers { get; set; }

        public HashSet<AppendFault> Faults { get; } = [];
    }

    private sealed record Told(string Entity, string CommandId, Committed<AccountReply> Reply);

    private sealed class Run(Plan plan, Coverage seen)
    {
        private readonly SimulatedRuntime _runtime = new(plan.Seed);
        private readonly List<Told> _told = [];
        private readonly HashSet<string> _maybe = [];
        private AccountNode _node = null!;
        private InMemoryShardStore _store = null!;

        public void Execute() => _runtime.RunToEnd(
            async () =>
            {
                _store = new InMemoryShardStore(_runtime.Time);
                _node = await StartAsync();
                _store.Faults.Append = DrawFault;
                _store.Faults.Other = () => _runtime.Random.NextDouble() < plan.FaultRate / 4;
                _store.Faults.Delay = () => _runtime.Random.NextDouble() < plan.FaultRate / 8
                    ? TimeSpan.FromSeconds(_runtime.Random.Next(5))
                    : TimeSpan.FromMicroseconds(_runtime.Random.Next(3000));
                var clients = Enumerable.Range(0, plan.Clients).Select(ClientAsync).Append(RestartsAsync()).ToArray();
                foreach (var client in clients)
                {
                    await client;
                }

                (_store.Faults.Append, _store.Faults.Other, _store.Faults.Delay) = (null, null, null);
                await CheckAsync();
            },
            TimeSpan.FromDays(1));

        private AppendFault DrawFault()
        {
            var fault = _runtime.Random.NextDouble() < plan.FaultRate ? (AppendFault)_runtime.Random.Next(Enum.GetValues<AppendFault>().Length) : AppendFault.None;
            seen.Faults.Add(fault);
            return fault;
        }

        private async Task ClientAsync(int client)
        {
            var (last, lastEntity, lastCommand) = ("", "", (AccountCommand)new Deposit(1));
            for (var i = client; i < plan.Steps.Length; i += plan.Clients)
            {
                var step = plan.Steps[i];
                if (!step.Again || last.Length == 0)
                {
                    last = $"c{client}-{i}";
                    lastEntity = $"account-{step.Entity}";
                    lastCommand = step.Amount < 0 ? new Withdraw(-step.Amount) : new Deposit(step.Amount);
                }

                await SendAsync(lastEntity, lastCommand, last);
            }
        }

        /// <summary>As a client does: again, with the same id, until it knows or gives up.</summary>
        private async Task SendAsync(string entity, AccountCommand command, string commandId)
        {
            for (var attempt = 0; attempt < 6; attempt++)
            {
                try
                {
                    var reply = await _node.AskAsync(entity, command, commandId, TimeSpan.FromSeconds(2));
                    _told.Add(new Told(entity, commandId, reply));
                    seen.Acknowledged++;
                    return;
                }
                catch (EntityUnavailableException)
                {
                    // Certainly no effect by this attempt. Perhaps this node has lost the shard for good.
                    seen.Refused++;
                    if (attempt % 2 == 1)
                    {
                        await TakeOverAsync();
                    }
                }
                catch (Exception e) when (e is TimeoutException or EntityFailedException)
                {
                    _maybe.Add(commandId);
                    seen.Unsure++;
                }
            }
        }

        private async Task RestartsAsync()
        {
            for (var n = 0; n < plan.Restarts; n++)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(_runtime.Random.Next(60)), _runtime.Time);
                await TakeOverAsync();
            }
        }

        /// <summary>The old node is left behind as it is, and goes on writing if it can.</summary>
        private async Task TakeOverAsync()
        {
            try
            {
                _node = await StartAsync();
                seen.Takeovers++;
            }
            catch (StoreException)
            {
                // The store was told to fail; the old node stays.
                return;
            }
        }

        private Task<AccountNode> StartAsync() => AccountNode.StartAsync(
            _runtime,
            _store,
            Options,
            _ => new ScriptedBehavior { Committed = (_, _) => _runtime.Random.NextDouble() < plan.FaultRate / 8 ? throw new IOException("unlucky") : Task.CompletedTask },
            new ShardedEntitiesOptions { MaxRestartBackoff = TimeSpan.FromMilliseconds(500) });

        private async Task CheckAsync()
        {
            var node = await StartAsync();
            var shards = await _store.PrepareShardsAsync(Account.Type, Options.Shards);
            var logs = new List<JournalRecord>();
            foreach (var shard in shards)
            {
                var log = await _store.ReadShardAsync(shard.ShardId, 0, new PageLimit(int.MaxValue, int.MaxValue));
                log.Select(record => record.ShardSeq).ShouldBe(Enumerable.Range(1, log.Count).Select(n => (long)n), "the shard's log is gapless");
                log.Zip(log.Skip(1)).ShouldAllBe(pair => pair.First.Epoch <= pair.Second.Epoch, "no two owners interleave");
                logs.AddRange(log);
            }

            var ids = logs.Where(record => record.CommandId is not null).Select(record => record.CommandId!).ToList();
            ids.ShouldBeUnique("a command takes effect at most once");
            var known = _told.Select(told => told.CommandId).ToHashSet();
            ids.ShouldAllBe(id => known.Contains(id) || _maybe.Contains(id), "what was certainly refused is not there");

            foreach (var entity in Enumerable.Range(0, 4).Select(n => $"account-{n}"))
            {
                await CheckAsync(node, entity, [.. logs.Where(record => record.Entity == entity)]);
            }
        }

        private async Task CheckAsync(AccountNode node, string entity, List<JournalRecord> log)
        {
            log.Select(record => record.Seq).ShouldBe(Enumerable.Range(1, log.Count).Select(n => (long)n), "an entity's history is dense");
            var states = new List<AccountState> { Account.Initial(new EntityId(entity)) };
            foreach (var record in log)
            {
                states.Add(Account.Evolve(states[^1], JsonSerializer.Deserialize(record.Payload.Span, AccountJson.Default.AccountEvent)!));
            }

            states.ShouldAllBe(state => state.Balance >= 0, "every decision was made on the state it was appended to");
            (await node.AskAsync(entity, new Balance())).ShouldBe(EntityTests.Reply(states[^1].Balance, log.Count), "live state equals replay");
            foreach (var told in _told.Where(told => told.Entity == entity))
            {
                told.Reply.Seq.ShouldBeLessThanOrEqualTo(log.Count, "what was acknowledged is there");
                states[(int)told.Reply.Seq].Balance.ShouldBe(told.Reply.Reply.Balance, "the reply tells what is durable");
                if (told.Reply.Reply.Done)
                {
                    // One that was refused without effect may have been decided anew, and done, when it came again.
                    log.Single(record => record.CommandId == told.CommandId).Seq.ShouldBe(told.Reply.Seq, "done means journaled, and a repetition gets the first reply");
                }
            }
        }
    }
}
