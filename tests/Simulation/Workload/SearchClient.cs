using RagCluster.Actors.Search;
using RagCluster.CheckerKit;
using RagCluster.Messages;
using RagCluster.Messages.Partitions;
using RagCluster.Simulation.World;

namespace RagCluster.Simulation.Workload;

/// <summary>Searches as people of several roles, and remembers what it was shown, and when.</summary>
internal sealed class SearchClient(Cluster cluster, Gateway gateway, Library library, TenantId tenant, int number)
{
    /// <summary>More than all chunks of one document.</summary>
    private const int Enough = 40;

    public string Name => $"searcher-{tenant.Value}-{number}";

    public async Task RunAsync(Func<bool> isOver)
    {
        while (!isOver())
        {
            await cluster.PauseAsync(cluster.Plan.Think, isOver);
            await SearchAsync();
        }
    }

    public async Task SearchAsync(Machine? machine = null)
    {
        var document = cluster.Random.Next(cluster.Plan.Documents);
        var principal = library.Somebody(tenant, Name);
        var query = Library.Token(tenant, document);
        var mode = cluster.Random.Next(3) == 0 ? SearchMode.Hybrid : SearchMode.Lexical;
        var from = cluster.Now;
        var answer = await gateway.CallAsync(
            Name, tenant.Value, $"search {query} for [{principal.Roles}]", (cast, token) => cast.Searcher.SearchAsync(principal, query, SearchFilter.None, mode, Enough, token), machine);
        if (answer.Value is { } found)
        {
            cluster.Tell(Name, $"found {string.Join(" ", found.Passages.Select(p => p.Passage.Id))}{(found.IsPartial ? ", in part" : "")} for {query}");
            cluster.Record.Searches.Add(new SearchReading(
                Name, principal, query, from, cluster.Now, !found.IsPartial, found.Passages, mode == SearchMode.Lexical ? $"doc-{document}" : null));
        }
    }
}
