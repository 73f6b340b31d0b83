using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Journal.Composite;

namespace RagCluster.Kernel.Journal.Postgres;

/// <summary>One server, or several that hold disjoint shards.</summary>
/// <param name="Store">All of them; disposing it disposes each.</param>
/// <param name="First">Where the members and the blobs are.</param>
public sealed record PostgresStores(IClusterStore Store, PostgresShardStore First)
{
    /// <summary>Waits for each server in turn (<see cref="PostgresShardStore.OpenAsync"/>).</summary>
    /// <param name="further">Connection strings of the further servers, always in the same order, new ones at the end; everything else is as for the first.</param>
    /// <exception cref="StoreRefusedException">One of them must not be used as asked.</exception>
    public static async Task<PostgresStores> OpenAsync(
        PostgresStoreOptions options, IReadOnlyList<string> further, IRuntime runtime, ILoggerFactory loggers, CancellationToken cancellationToken = default)
    {
        var log = loggers.CreateLogger<PostgresShardStore>();
        var opened = new List<PostgresShardStore>();
        try
        {
            opened.Add(await PostgresShardStore.OpenAsync(options, runtime, log, cancellationToken));
            foreach (var connection in further)
            {
                opened.Add(await PostgresShardStore.OpenAsync(
                    options with { Connection = connection, Number = opened.Count, Cluster = opened[0].ClusterId }, runtime, log, cancellationToken));
            }
        }
        catch
        {
            foreach (var store in opened)
            {
                await store.DisposeAsync();
            }

            throw;
        }

        return new PostgresStores(opened.Count == 1 ? opened[0] : new CompositeShardStore(opened, runtime, log), opened[0]);
    }
}
