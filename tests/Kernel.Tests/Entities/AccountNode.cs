using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Tests.Entities;

using AccountDefinition = EntityDefinition<Account, AccountState, AccountCommand, AccountEvent, AccountReply>;
using Behavior = EntityBehavior<AccountState, AccountCommand, AccountEvent, AccountReply>;

/// <summary>A node that keeps accounts. To crash it, leave it behind and start another on the same store.</summary>
public sealed class AccountNode
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private AccountNode(ActorSystem system, IShardStore store, ShardedEntities entities, IRegion<AccountCommand, AccountEvent, AccountReply> region) =>
        (System, Store, Entities, Region) = (system, store, entities, region);

    public ActorSystem System { get; }

    public IShardStore Store { get; }

    public ShardedEntities Entities { get; }

    public IRegion<AccountCommand, AccountEvent, AccountReply> Region { get; }

    public static async Task<AccountNode> StartAsync(
        IRuntime runtime, IShardStore store, EntityOptions? options = null, Func<EntityId, Behavior>? behavior = null, ShardedEntitiesOptions? node = null, bool snapshots = true)
    {
        var system = new ActorSystem("test", runtime);
        var entities = await ShardedEntities.JoinAsync(system, store, node);
        var region = await entities.StartAsync(new AccountDefinition
        {
            EventJson = AccountJson.Default.AccountEvent,
            ReplyJson = AccountJson.Default.AccountReply,
            StateJson = snapshots ? AccountJson.Default.AccountState : null,
            Behavior = behavior ?? (_ => new AccountBehavior()),
            Options = options ?? new EntityOptions { Shards = 4 },
        });
        return new AccountNode(system, store, entities, region);
    }

    public async Task<Committed<AccountReply>> AskAsync(string id, AccountCommand command, string? commandId = null, TimeSpan? timeout = null) =>
        await Region.AskAsync(new EntityId(id), command, commandId is null ? null : new CommandId(commandId), timeout ?? Patience);

    /// <summary>The first events after a sequence number, as a subscriber gets them.</summary>
    public async Task<List<Recorded<AccountEvent>>> TakeAsync(string id, long after, int count)
    {
        var events = new List<Recorded<AccountEvent>>();
        await foreach (var recorded in Region.SubscribeAsync(new EntityId(id), after))
        {
            events.Add(recorded);
            if (events.Count == count)
            {
                break;
            }
        }

        return events;
    }

    /// <summary>The log of an account, from the store.</summary>
    public async Task<List<JournalRecord>> LogAsync(string id)
    {
        var log = new List<JournalRecord>();
        foreach (var shard in await Store.PrepareShardsAsync(Account.Type, Entities.Describe().Count))
        {
            log.AddRange((await Store.ReadEntityAsync(shard.ShardId, id, 0, new PageLimit(int.MaxValue, int.MaxValue))));
        }

        return log;
    }

    public Task StopAsync() => Entities.StopAsync(TimeSpan.FromSeconds(20));
}
