namespace RagCluster.Kernel.Journal;

internal static class ShardCounts
{
    public static StoreRefusedException Differ(string entityType, string stored, int asked) => new(
        $"The store spreads \"{entityType}\" over {stored} shards, and {asked} are configured. The number is frozen once data " +
        $"exists, because it decides where each entity lives: configure {stored}, or name another data folder.");
}
