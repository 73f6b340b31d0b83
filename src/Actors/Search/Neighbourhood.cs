using Microsoft.Extensions.Logging;
using RagCluster.Actors.Partitions;
using RagCluster.Messages.Text;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors.Search;

/// <summary>
/// Brings the passages next to those that were found, for readers to whom a passage alone says too little. Each stays a
/// passage of its own, with the span of its document that it is: what is cited of it is exact (I8). The partitions give
/// only what the roles may read at that moment (I7). What cannot be had is left out: the passages found are there without.
/// </summary>
internal sealed partial class Neighbourhood(PartitionDirectory partitions, SearchOptions options, ILogger log)
{
    /// <summary>The passages in their order, each run of adjacent ones where its best stands and in the order of its document.</summary>
    public async Task<IReadOnlyList<ScoredPassage>> ExtendAsync(
        Principal principal, IReadOnlyList<ScoredPassage> best, int reach, CancellationToken cancellationToken)
    {
        var asks = best.Select(p => p.Passage.Id).GroupBy(id => partitions.Of(principal.Tenant, id.Document))
            .Select(asked => ReadAsync(asked.Key, new ReadNeighbours([.. asked], reach, principal.Roles), cancellationToken))
            .ToList();
        var read = new List<Passage>();
        foreach (var ask in asks)
        {
            read.AddRange(await ask);
        }

        return Merge(best, read, reach, options.NeighbourTokens);
    }

    /// <param name="tokens">How much the neighbours may have together.</param>
    internal static IReadOnlyList<ScoredPassage> Merge(IReadOnlyList<ScoredPassage> best, IEnumerable<Passage> neighbours, int reach, int tokens)
    {
        var known = neighbours.DistinctBy(p => p.Id).ToDictionary(p => p.Id);
        var taken = best.DistinctBy(p => p.Passage.Id).ToDictionary(p => p.Passage.Id);
        foreach (var hit in best)
        {
            for (var distance = 1; distance <= reach; distance++)
            {
                foreach (var step in (ReadOnlySpan<int>)[distance, -distance])
                {
                    var id = hit.Passage.Id with { Ordinal = hit.Passage.Ordinal + step };

                    // One farther away comes only with those in between, and only while there is room.
                    if (taken.ContainsKey(id) || !taken.ContainsKey(id with { Ordinal = id.Ordinal - Math.Sign(step) })
                        || !known.TryGetValue(id, out var neighbour) || TokenCounter.Count(neighbour.Text) is var size && size > tokens)
                    {
                        continue;
                    }

                    tokens -= size;
                    taken.Add(id, new ScoredPassage(neighbour, hit.Score));
                }
            }
        }

        var merged = new List<ScoredPassage>(taken.Count);
        foreach (var hit in best)
        {
            var first = hit.Passage.Id;
            while (taken.ContainsKey(first with { Ordinal = first.Ordinal - 1 }))
            {
                first = first with { Ordinal = first.Ordinal - 1 };
            }

            var end = 0;
            for (var id = first; taken.Remove(id, out var passage); id = id with { Ordinal = id.Ordinal + 1 })
            {
                if (Behind(passage.Passage, end) is { } rest)
                {
                    merged.Add(passage with { Passage = rest });
                    end = rest.End;
                }
            }
        }

        return merged;
    }

    /// <summary>What of the passage lies behind a place of its document; null for nothing. Chunks may overlap, and nothing is to be read twice.</summary>
    private static Passage? Behind(Passage passage, int end)
    {
        if (passage.Start >= end)
        {
            return passage;
        }

        var from = end - passage.Start;
        while (from < passage.Text.Length && char.IsWhiteSpace(passage.Text[from]))
        {
            from++;
        }

        return from < passage.Text.Length ? passage with { Start = passage.Start + from, Text = passage.Text[from..] } : null;
    }

    private async Task<IReadOnlyList<Passage>> ReadAsync(EntityId partition, ReadNeighbours read, CancellationToken cancellationToken)
    {
        try
        {
            var (reply, _) = await partitions.Region.AskAsync(partition, read, null, options.Deadline, cancellationToken);
            return (reply as NeighboursRead)?.Passages ?? [];
        }
        catch (Exception e) when (e is TimeoutException or EntityUnavailableException or EntityFailedException or CommandFailedException)
        {
            LogWithoutNeighbours(log, partition.Value, e.Message);
            return [];
        }
    }

    [LoggerMessage(6302, LogLevel.Debug, "Partition {Partition} did not give the neighbours of what was found there; the passages stand without. {Reason}")]
    private static partial void LogWithoutNeighbours(ILogger log, string partition, string reason);
}
