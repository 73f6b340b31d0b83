using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.Kernel.Tests.Entities;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Cluster;

/// <summary>
/// Random commands through several nodes, while nodes are killed, paused for longer than their lease, cut from each other
/// and from the store, drained and started again, and the store's appends get lost, land late or are refused. Afterwards
/// the log is compared with what the clients and subscribers were told.
/// </summary>
public sealed class ClusterFaultTests
{
    private static readonly EntityOptions Options = new() { Shards = 4, SnapshotEvery = 7, PassivateAfter = TimeSpan.FromSeconds(2), RecentEvents = 4, SubscriberBuffer = 8, RememberedCommands = 5000 };

    [Fact]
    public void Whatever_happens_to_nodes_links_and_the_store_the_log_has_what_was_acknowledged_once_and_in_order()
    {
        var seen = new Coverage();
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(60),
            Prop.ForAll(Arb.From(Plans()), plan => new Run(plan, seen).Execute()));

        // A run in which nothing happens proves nothing.
        seen.Acknowledged.ShouldBeGreaterThan(1500);
        seen.Unsure.ShouldBeGreaterThan(20);
        seen.Fenced.ShouldBeGreaterThan(10);
        seen.Moves.ShouldBeGreaterThan(300);
        seen.Subscribed.ShouldBeGreaterThan(1000);
        foreach (var mishap in Enum.GetValues<Mishap>())
        {
            seen.Mishaps.GetValueOrDefault(mishap).ShouldBeGreaterThan(3, mishap.ToString());
        }
    }

    private static Gen<Plan> Plans() =>
        from seed in Gen.Choose(0, int.MaxValue - 1)
        from rate in Gen.Elements(0.0, 0.0, 0.02, 0.1)
        from clients in Gen.Choose(2, 5)
        from mishaps in Gen.ArrayOf(Gen.Elements(Enum.GetValues<Mishap>()))
        select new Plan(seed, rate, clients, mishaps.Take(8).ToArray());

    private enum Mishap
    {
        Kill,
        KillSilently,
        Pause,
        CutLinks,
        CutOneWay,
        CutFromStore,
        ResetLinks,
        Drain,
        Down,
        MoveShard,
    }

    private sealed record Plan(int Seed, double FaultRate, int Clients, Mishap[] Mishaps)
    {
        public override string ToString() => $"seed {Seed}, faults {FaultRate}, clients {Clients}, {string.Join(",", Mishaps)}";
    }

    private sealed class Coverage
    {
        public int Acknowledged { get; set; }

        public int Unsure { get; set; }

        public int Fenced { get; set; }

        public int Moves { get; set; }

        public int Subscribed { get; set; }

        public Dictionary<Mishap, int> Mishaps { get; } = [];
    }

    private sealed record Told(string Entity, string CommandId, Committed<AccountReply> Reply);

    private sealed class Run
    {
        private const int Entities = 6;
        private readonly Plan _plan;
        private readonly Coverage _seen;
        private readonly ClusterWorld _world;
        private readonly List<Told> _told = [];
        private readonly HashSet<string> _maybe = [];
        private readonly HashSet<string> _sent = [];
        private readonly HashSet<SimulatedNode> _cutFromStore = [];
        private readonly Dictionary<string, long> _newest = [];
        private readonly HashSet<ClusterAccountNode> _busy = [];
        private int _started;
        private bool _over;

        public Run(Plan plan, Coverage seen)
        {
            (_plan, _seen) = (plan, seen);
            _world = new ClusterWorld(plan.Seed) { Options = Options };
            _world.Store.Faults.Delay = () => Random.NextDouble() < plan.FaultRate / 8 ? TimeSpan.FromMilliseconds(Random.Next(1500)) : TimeSpan.FromMicroseconds(200 + Random.Next(3000));
            _world.Store.Faults.Other = () => IsCut() || (SynchronizationContext.Current is SimulatedNode && Random.NextDouble() < plan.FaultRate / 8);
            _world.Store.Faults.Append = () => IsCut() ? AppendFault.Fail : Random.NextDouble() < plan.FaultRate ? Faults[Random.Next(Faults.Length)] : AppendFault.None;
        }

        /// <summary>Not fenced by a thief: here only members take shards.</summary>
        private static AppendFault[] Faults { get; } = [.. Enum.GetValues<AppendFault>().Where(fault => fault != AppendFault.Fenced)];

        private Random Random => _world.Runtime.Random;

        private TimeProvider Time => _world.Runtime.Time;

        public void Execute() => _world.Runtime.RunToEnd(
            async () =>
            {
                for (var n = 0; n < 3; n++)
                {
                    await StartAsync();
                }

                await _world.BalancedAsync();
                var subscribers = Enumerable.Range(0, 3).Select(SubscribeAsync).ToArray();
                var clients = Enumerable.Range(0, _plan.Clients).Select(ClientAsync).ToArray();
                foreach (var mishap in _plan.Mishaps)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(Random.Next(1500)), Time);
                    await HappenAsync(mishap);
                }

                await Task.Delay(TimeSpan.FromSeconds(1), Time);
                _over = true;
                foreach (var client in clients)
                {
                    await client;
                }

                await HealAsync();
                await CheckAsync(subscribers);
            },
            TimeSpan.FromHours(1));

        /// <summary>The store asks in the context of whoever calls it.</summary>
        private bool IsCut() => SynchronizationContext.Current is SimulatedNode node && _cutFromStore.Contains(node);

        private async Task<ClusterAccountNode?> StartAsync()
        {
            try
            {
                var node = await _world.StartAsync($"node-{_started++}");
                _ = FollowAsync(node);
                return node;
            }
            catch (StoreException)
            {
                // The store was told to fail, or it was declared dead before it was up.
                return null;
            }
        }

        private async Task FollowAsync(ClusterAccountNode node)
        {
            await node.Entities.Lost;
            _seen.Fenced++;
            _world.Kill(node);
            if (_world.Nodes.Count < 3)
            {
                await StartAsync();
            }
        }

        private ClusterAccountNode? Victim()
        {
            var free = _world.Nodes.Where(node => !_busy.Contains(node) && !node.Entities.Lost.IsCompleted).ToList();
            return free.Count > 1 ? free[Random.Next(free.Count)] : null;
        }

        private async Task HappenAsync(Mishap mishap)
        {
            if (Victim() is not { } victim)
            {
                return;
            }

            var other = _world.Nodes.FirstOrDefault(node => node != victim);
            _seen.Mishaps[mishap] = _seen.Mishaps.GetValueOrDefault(mishap) + 1;
            switch (mishap)
            {
                case Mishap.Kill or Mishap.KillSilently:
                    _world.Kill(victim, mishap == Mishap.KillSilently);
                    await StartAsync();
                    break;
                case Mishap.Pause:
                    _world.Pause(victim);
                    _ = LaterAsync(victim, () => _world.Resume(victim));
                    break;
                case Mishap.CutLinks when other is not null:
                    _world.Network.Cut(victim.Address, other.Address);
                    _ = LaterAsync(null, () => _world.Network.Heal(victim.Address, other.Address));
                    break;
                case Mishap.CutOneWay when other is not null:
                    _world.Network.CutOneWay(victim.Address, other.Address);
                    _ = LaterAsync(null, () => _world.Network.Heal(victim.Address, other.Address));
                    break;
                case Mishap.CutFromStore:
                    _cutFromStore.Add(victim.Machine);
                    _ = LaterAsync(victim, () => _cutFromStore.Remove(victim.Machine));
                    break;
                case Mishap.ResetLinks when other is not null:
                    _world.Network.ResetLinks(victim.Address, other.Address);
                    break;
                case Mishap.Drain:
                    _busy.Add(victim);
                    _world.Nodes.Remove(victim);
                    _ = victim.StopAsync(TimeSpan.FromSeconds(5));
                    await StartAsync();
                    break;
                case Mishap.Down when other is not null:
                    _ = other.Machine.Run(async () => await other.Entities.DownAsync(victim.Entities.Node));
                    break;
                case Mishap.MoveShard when other is not null:
                    other.Entities.MoveShard(Account.Type, Random.Next(Options.Shards), victim.Entities.Node);
                    break;
            }
        }

        private async Task LaterAsync(ClusterAccountNode? busy, Action end)
        {
            if (busy is not null)
            {
                _busy.Add(busy);
            }

            await Task.Delay(TimeSpan.FromMilliseconds(200 + Random.Next(5000)), Time);
            end();
            if (busy is not null)
            {
                _busy.Remove(busy);
            }
        }

        private async Task ClientAsync(int client)
        {
            for (var n = 0; !_over; n++)
            {
                var entity = $"account-{Random.Next(Entities)}";
                AccountCommand command = Random.Next(4) switch { 0 => new Balance(), 1 => new Withdraw(Random.Next(20)), _ => new Deposit(Random.Next(10)) };
                await SendAsync(entity, command, $"c{client}-{n}");
                await Task.Delay(TimeSpan.FromMilliseconds(Random.Next(40)), Time);
            }
        }

        /// <summary>As a client does: again, with the same id, at any node, until it knows or gives up.</summary>
        private async Task SendAsync(string entity, AccountCommand command, string commandId)
        {
            for (var attempt = 0; attempt < 5; attempt++)
            {
                if (_world.Nodes.Count == 0)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(100), Time);
                    continue;
                }

                var node = _world.Nodes[Random.Next(_world.Nodes.Count)];
                var before = _newest.GetValueOrDefault(entity);
                var again = !_sent.Add(commandId);
                var asking = node.AskAsync(entity, command, commandId, TimeSpan.FromSeconds(1 + Random.Next(5)));
                try
                {
                    if (!await asking.EndsWithin(TimeSpan.FromSeconds(8), Time))
                    {
                        // Its node stands still, or is gone.
                        _maybe.Add(commandId);
                        _seen.Unsure++;
                        continue;
                    }
                }
                catch (EntityUnavailableException)
                {
                    // Certainly no effect: who gives up here finds nothing in the log.
                    if (Random.Next(2) == 0)
                    {
                        return;
                    }

                    continue;
                }
                catch (Exception e) when (e is TimeoutException or EntityFailedException)
                {
                    _maybe.Add(commandId);
                    _seen.Unsure++;
                    continue;
                }

                var reply = await asking;
                _seen.Acknowledged++;
                if (command is not Balance)
                {
                    _told.Add(new Told(entity, commandId, reply));
                }

                if (!again)
                {
                    reply.Seq.ShouldBeGreaterThanOrEqualTo(before, $"{command} of {entity} sees what was acknowledged before it was sent");
                }

                _newest[entity] = Math.Max(_newest.GetValueOrDefault(entity), reply.Seq);
                return;
            }
        }

        /// <summary>Reads one account from the beginning, at one node after the other.</summary>
        private async Task<(string Entity, List<Recorded<AccountEvent>> Events)> SubscribeAsync(int subscriber)
        {
            var entity = $"account-{subscriber}";
            var events = new List<Recorded<AccountEvent>>();
            while (!_over || events.Count < _newest.GetValueOrDefault(entity))
            {
                if (_world.Nodes.Count == 0)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(100), Time);
                    continue;
                }

                var node = _world.Nodes[Random.Next(_world.Nodes.Count)];
                var read = new List<Recorded<AccountEvent>>();
                using var leave = new CancellationTokenSource(TimeSpan.FromMilliseconds(500 + Random.Next(8000)), Time);
                var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _ = node.Machine.Run(async () =>
                {
                    try
                    {
                        await foreach (var recorded in node.Region.SubscribeAsync(new EntityId(entity), events.Count, leave.Token))
                        {
                            read.Add(recorded);
                        }
                    }
                    catch (Exception e) when (e is OperationCanceledException or EntityUnavailableException or StoreException)
                    {
                        ended.TrySetResult();
                    }
                    catch (Exception e)
                    {
                        ended.TrySetException(e);
                    }
                });
                await ended.Task.EndsWithin(TimeSpan.FromSeconds(10), Time);
                read.Select(recorded => recorded.Seq).ShouldBe(Enumerable.Range(events.Count + 1, read.Count).Select(seq => (long)seq), "in order, without gap or duplicate");
                events.AddRange(read.ToArray());
            }

            return (entity, events);
        }

        private async Task HealAsync()
        {
            (_world.Store.Faults.Append, _world.Store.Faults.Other) = (null, null);
            _world.Store.Faults.Delay = () => TimeSpan.FromMicroseconds(500);
            _world.Network.HealAll();
            await Task.Delay(TimeSpan.FromSeconds(6), Time);
            while (_world.Nodes.Count < 2)
            {
                await StartAsync();
            }

            await _world.BalancedAsync();
        }

        private async Task CheckAsync(Task<(string Entity, List<Recorded<AccountEvent>> Events)>[] subscribers)
        {
            var shards = await _world.Store.PrepareShardsAsync(Account.Type, Options.Shards);
            var logs = new List<JournalRecord>();
            foreach (var shard in shards)
            {
                var log = await _world.Store.ReadShardAsync(shard.ShardId, 0, new PageLimit(int.MaxValue, int.MaxValue));
                log.Select(record => record.ShardSeq).ShouldBe(Enumerable.Range(1, log.Count).Select(n => (long)n), "the shard's log is gapless");
                log.Zip(log.Skip(1)).ShouldAllBe(pair => pair.First.Epoch <= pair.Second.Epoch, "no two owners interleave");
                logs.AddRange(log);
                _seen.Moves += (int)shard.Epoch;
            }

            var ids = logs.Where(record => record.CommandId is not null).Select(record => record.CommandId!).ToList();
            ids.ShouldBeUnique("a command takes effect at most once");
            var known = _told.Select(told => told.CommandId).ToHashSet();
            ids.ShouldAllBe(id => known.Contains(id) || _maybe.Contains(id), "what was certainly refused is not there");
            for (var n = 0; n < Entities; n++)
            {
                await CheckAsync($"account-{n}", [.. logs.Where(record => record.Entity == $"account-{n}")]);
            }

            foreach (var subscriber in subscribers)
            {
                var (entity, events) = await subscriber;
                _seen.Subscribed += events.Count;
                var log = logs.Where(record => record.Entity == entity).ToList();
                events.Count.ShouldBeLessThanOrEqualTo(log.Count);
                events.Select(recorded => recorded.Event).ShouldBe(log.Take(events.Count).Select(record => JsonSerializer.Deserialize(record.Payload.Span, AccountJson.Default.AccountEvent)!));
            }
        }

        private async Task CheckAsync(string entity, List<JournalRecord> log)
        {
            log.Select(record => record.Seq).ShouldBe(Enumerable.Range(1, log.Count).Select(n => (long)n), "an entity's history is dense");
            var states = new List<AccountState> { Account.Initial(new EntityId(entity)) };
            foreach (var record in log)
            {
                states.Add(Account.Evolve(states[^1], JsonSerializer.Deserialize(record.Payload.Span, AccountJson.Default.AccountEvent)!));
            }

            states.ShouldAllBe(state => state.Balance >= 0, "every decision was made on the state it was appended to");
            foreach (var node in _world.Nodes)
            {
                (await node.AskAsync(entity, new Balance())).ShouldBe(EntityTests.Reply(states[^1].Balance, log.Count), "every node finds the same, and it is the replay");
            }

            foreach (var told in _told.Where(told => told.Entity == entity))
            {
                told.Reply.Seq.ShouldBeLessThanOrEqualTo(log.Count, "what was acknowledged is there");
                states[(int)told.Reply.Seq].Balance.ShouldBe(told.Reply.Reply.Balance, "the reply tells what is durable");
                if (told.Reply.Reply.Done)
                {
                    log.Single(record => record.CommandId == told.CommandId).Seq.ShouldBe(told.Reply.Seq, "done means journaled, and a repetition gets the first reply");
                }
            }
        }
    }
}
