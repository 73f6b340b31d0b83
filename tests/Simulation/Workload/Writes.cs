using RagCluster.Actors;
using RagCluster.CheckerKit;
using RagCluster.Simulation.World;

namespace RagCluster.Simulation.Workload;

/// <summary>What a node answered to a write.</summary>
/// <param name="Refused">It was wrong, and had no effect.</param>
/// <param name="Unchanged">It was right, and there was nothing to do.</param>
internal readonly record struct Told(bool Refused, bool Unchanged, long Seq);

/// <summary>Sends writes as a careful client does: again, with the same ids, while it does not know.</summary>
internal sealed class Writes(Cluster cluster, Gateway gateway)
{
    public async Task<Operation> SendAsync(
        string client, string type, string entity, string marker, bool once, Func<Cast, CancellationToken, Task<Told>> send)
    {
        var operation = new Operation { Client = client, Entity = (type, entity), Marker = marker, Once = once, InvokedAt = cluster.Now };
        cluster.Record.Operations.Add(operation);
        var tenant = entity[..entity.IndexOf('/', StringComparison.Ordinal)];
        var unsure = false;
        for (var attempt = 1; ; attempt++)
        {
            var answer = await gateway.CallAsync(client, tenant, $"{marker} ({entity}{(attempt > 1 ? $", attempt {attempt}" : "")})", send);
            unsure |= answer.Fate == Fate.Unknown;
            if (answer is { Fate: Fate.Answered, Value: { Refused: false } told })
            {
                End(operation, Outcome.Acknowledged, told.Seq);
                operation.Unchanged = told.Unchanged;
                break;
            }

            // Most go on until they know; some give up, and whatever they sent may still arrive.
            if (answer.Fate == Fate.Answered || cluster.Random.Next(attempt > 4 ? 2 : 6) == 0)
            {
                End(operation, unsure ? Outcome.Unknown : Outcome.NoEffect, 0);
                break;
            }

            await cluster.Delay(cluster.Exponential(TimeSpan.FromMilliseconds(150 * attempt)));
        }

        cluster.Tell(client, $"{marker}: {operation.Outcome}{(operation.Unchanged ? ", unchanged" : "")}{(operation.Seq > 0 ? $" as of {operation.Seq}" : "")}");
        return operation;
    }

    private void End(Operation operation, Outcome outcome, long seq) =>
        (operation.Outcome, operation.Seq, operation.EndedAt) = (outcome, seq, cluster.Now);
}
