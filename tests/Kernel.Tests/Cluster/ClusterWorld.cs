using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.Kernel.Tests.Entities;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Cluster;

using AccountDefinition = EntityDefinition<Account, AccountState, AccountCommand, AccountEvent, AccountReply>;
using AccountRegion = IRegion<AccountCommand, AccountEvent, AccountReply>;
using Behavior = EntityBehavior<AccountState, AccountCommand, AccountEvent, AccountReply>;

/// <summary>Several nodes that keep accounts, on one store and one network, in virtual time.</summary>
public sealed class ClusterWorld
{
    public ClusterWorld(int seed = 1, StoreFaults? faults = null)
    {
        Runtime = new SimulatedRuntime(seed);
        Store = new InMemoryShardStore(Runtime.Time, faults);
        Network = new SimulatedNetwork(Runtime);
    }

    public SimulatedRuntime Runtime { get; }

    public InMemoryShardStore Store { get; }

    public SimulatedNetwork Network { get; }

    public List<ClusterAccountNode> Nodes { get; } = [];

    public EntityOptions Options { get; init; } = new() { Shards = 12 };

    public Func<EntityId, Behavior>? Behavior { get; init; }

    public ClusterOptions Cluster { get; init; } = new();

    /// <summary>Runs a test in a world of its own.</summary>
    public static void Simulate(Func<ClusterWorld, Task> test, int seed = 1, EntityOptions? options = null, TimeSpan? limit = null)
    {
        var world = options is null ? new ClusterWorld(seed) : new ClusterWorld(seed) { Options = options };
        world.Runtime.RunToEnd(() => test(world), limit ?? TimeSpan.FromHours(1));
        world.Runtime.ForeignSteps.ShouldBe(0, "nothing has left the simulation");
    }

    public async Task<ClusterAccountNode> StartAsync(string name, ClusterOptions? cluster = null, string? role = null)
    {
        var machine = Runtime.NewNode(name);
        var started = new TaskCompletionSource<ClusterAccountNode>(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = machine.Run(async () =>
        {
            try
            {
                started.TrySetResult(await StartAsync(machine, name, cluster ?? Cluster, role));
            }
            catch (Exception e)
            {
                started.TrySetException(e);
            }
        });
        var node = await started.Task;
        await running;
        Nodes.Add(node);
        return node;
    }

    public async Task<List<ClusterAccountNode>> StartAsync(int nodes)
    {
        for (var n = 0; n < nodes; n++)
        {
            await StartAsync($"node-{n}");
        }

        await BalancedAsync();
        return Nodes;
    }

    /// <summary>Until every shard has an owner that lives, and they are spread as evenly as can be.</summary>
    public Task BalancedAsync() => UntilAsync("the shards are balanced", async () =>
    {
        var up = (await Store.ListMembersAsync()).Where(member => member.State == NodeState.Up && !member.Expired).Select(member => member.Node).ToList();
        var shards = (await Store.ListShardsAsync()).Where(shard => shard.EntityType == Account.Type).ToList();
        return up.Count > 0 && shards.All(shard => shard.Owner is { } owner && up.Contains(owner))
            && up.Max(node => shards.Count(shard => shard.Owner == node)) - up.Min(node => shards.Count(shard => shard.Owner == node)) <= 1;
    });

    public async Task UntilAsync(string condition, Func<Task<bool>> holds)
    {
        for (var n = 0; n < 3000; n++)
        {
            if (await holds())
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), Runtime.Time);
        }

        throw new TimeoutException($"Not within a minute: {condition}.");
    }

    /// <summary>kill -9: the process is gone, whatever it was about.</summary>
    public void Kill(ClusterAccountNode node, bool silently = false)
    {
        node.Machine.Kill();
        Network.Kill(node.Address, silently);
        Nodes.Remove(node);
    }

    public void Pause(ClusterAccountNode node)
    {
        node.Machine.Pause();
        Network.Pause(node.Address);
    }

    public void Resume(ClusterAccountNode node)
    {
        node.Machine.Resume();
        Network.Resume(node.Address);
    }

    public async Task<NodeIncarnation?> OwnerOfAsync(string account)
    {
        var shards = await Store.PrepareShardsAsync(Account.Type, Options.Shards);
        return shards[StableHash.Bucket(account, shards.Count)].Owner;
    }

    /// <summary>An account whose shard the node has.</summary>
    public async Task<string> AccountOnAsync(ClusterAccountNode node, int which = 0)
    {
        for (var n = 0; ; n++)
        {
            if (await OwnerOfAsync($"account-{n}") == node.Entities.Node && which-- == 0)
            {
                return $"account-{n}";
            }
        }
    }

    private async Task<ClusterAccountNode> StartAsync(SimulatedNode machine, string name, ClusterOptions cluster, string? role)
    {
        var transport = Network.CreateEndpoint($"{name}:1", machine);
        var entities = await ShardedEntities.JoinAsync(
            new ActorSystem(name, machine), Store, transport, cluster, new ShardedEntitiesOptions { Node = name, MaxRestartBackoff = TimeSpan.FromMilliseconds(500) });
        var region = await StartAsync(entities, new AccountDefinition
        {
            CommandJson = AccountJson.Default.AccountCommand,
            IsLarge = static command => command is Withdraw,
            EventJson = AccountJson.Default.AccountEvent,
            ReplyJson = AccountJson.Default.AccountReply,
            StateJson = AccountJson.Default.AccountState,
            Behavior = Behavior ?? (_ => new AccountBehavior()),
            Role = role,
            Options = Options,
        });
        return new ClusterAccountNode(machine, transport, entities, region);
    }

    /// <summary>As a node does whose store does not answer just now.</summary>
    private async Task<AccountRegion> StartAsync(ShardedEntities entities, AccountDefinition definition)
    {
        while (true)
        {
            try
            {
                return await entities.StartAsync(definition);
            }
            catch (StoreException) when (!entities.Lost.IsCompleted)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), Runtime.Time);
            }
        }
    }
}

public sealed record ClusterAccountNode(SimulatedNode Machine, SimulatedTransport Transport, ShardedEntities Entities, AccountRegion Region)
{
    public string Address => Transport.Address;

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>As a client that is connected to this node.</summary>
    public async Task<Committed<AccountReply>> AskAsync(string id, AccountCommand command, string? commandId = null, TimeSpan? timeout = null)
    {
        var done = new TaskCompletionSource<Committed<AccountReply>>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = Machine.Run(async () =>
        {
            try
            {
                done.TrySetResult(await Region.AskAsync(new EntityId(id), command, commandId is null ? null : new CommandId(commandId), timeout ?? Patience));
            }
            catch (Exception e)
            {
                done.TrySetException(e);
            }
        });
        return await done.Task;
    }

    public async Task<List<Recorded<AccountEvent>>> TakeAsync(string id, long after, int count)
    {
        var done = new TaskCompletionSource<List<Recorded<AccountEvent>>>(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = Machine.Run(async () =>
        {
            var events = new List<Recorded<AccountEvent>>();
            try
            {
                await foreach (var recorded in Region.SubscribeAsync(new EntityId(id), after))
                {
                    events.Add(recorded);
                    if (events.Count == count)
                    {
                        break;
                    }
                }

                done.TrySetResult(events);
            }
            catch (Exception e)
            {
                done.TrySetException(e);
            }
        });
        return await done.Task;
    }

    public Task StopAsync(TimeSpan? budget = null) => Machine.Run(async () =>
    {
        await Entities.StopAsync(budget ?? TimeSpan.FromSeconds(20));
        await Transport.DisposeAsync();
    });
}
