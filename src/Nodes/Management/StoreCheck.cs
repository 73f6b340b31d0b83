using System.Text.Json;
using System.Text.RegularExpressions;
using RagCluster.Configuration.Options;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Inspection;
using RagCluster.Kernel.Journal;
using RagCluster.Nodes.Management.Access;

namespace RagCluster.Nodes.Management;

/// <summary>One line of a check: a shard that was looked through, or at the end the sum.</summary>
/// <param name="Done">This is the last line: the check has come to its end.</param>
/// <param name="Shard">Null in the last line.</param>
/// <param name="Wrong">How many findings; <paramref name="Findings"/> has the first of them.</param>
public sealed record StoreCheckJson(
    bool Done, string? Type, int? Shard, int Shards, long Events, long Entities, long Blobs, long Wrong, IReadOnlyList<string> Findings, double Seconds);

/// <summary>
/// Reads everything that the store has and tells what is wrong: logs (order, gaps, epochs, events that cannot be read),
/// snapshots against their logs, and the blobs of documents against their checksums. Changes nothing and may run beside
/// the node's work, from which it takes reading time.
/// </summary>
internal sealed partial class StoreCheck
{
    private const int MaxFindings = 100;

    private int _running;

    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/store/check", (StoreCheck check, HttpContext context, ManagedNode node, TimeProvider time) =>
        check.StartAsync(context, node, time)).Needs(ManagementRole.Operator);

    private async Task StartAsync(HttpContext context, ManagedNode node, TimeProvider time)
    {
        var running = node.NeedRunning();
        if (Interlocked.Exchange(ref _running, 1) == 1)
        {
            await ManagementProblems.Conflict("The store is being checked already; wait for that to end.").ExecuteAsync(context);
            return;
        }

        try
        {
            context.Response.ContentType = "application/x-ndjson";
            var withBlobs = context.Request.Query["blobs"].ToString() is not ("false" or "no");
            await foreach (var line in RunAsync(node.NeedEntities().Inspectors, withBlobs ? running.Blobs : null, time, context.RequestAborted))
            {
                await context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(line, ManagementJson.Default.StoreCheckJson), context.RequestAborted);
                await context.Response.Body.WriteAsync("\n"u8.ToArray(), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
            }
        }
        finally
        {
            Volatile.Write(ref _running, 0);
        }
    }

    private static async IAsyncEnumerable<StoreCheckJson> RunAsync(
        IReadOnlyList<IEntityInspector> inspectors, IBlobStore? blobs, TimeProvider time, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var (shards, events, entities, checkedBlobs, wrong) = (inspectors.Sum(inspector => inspector.Shards.Count), 0L, 0L, 0L, 0L);
        var all = new List<string>();
        foreach (var inspector in inspectors)
        {
            foreach (var shard in inspector.Shards)
            {
                var begun = time.GetTimestamp();
                var line = await CheckAsync(inspector, shard.Number, shards, blobs, cancellationToken);
                (events, entities, checkedBlobs, wrong) = (events + line.Events, entities + line.Entities, checkedBlobs + line.Blobs, wrong + line.Wrong);
                all.AddRange(line.Findings.Take(MaxFindings - all.Count).Select(finding => $"{inspector.EntityType}/{shard.Number}: {finding}"));
                yield return line with { Seconds = Seconds(time, begun) };
            }
        }

        yield return new StoreCheckJson(true, null, null, shards, events, entities, checkedBlobs, wrong, all, Seconds(time, start));
    }

    private static async Task<StoreCheckJson> CheckAsync(IEntityInspector inspector, int number, int shards, IBlobStore? blobs, CancellationToken cancellationToken)
    {
        ShardFindings found;
        try
        {
            found = await inspector.CheckAsync(number, cancellationToken);
        }
        catch (StoreException e)
        {
            // The database itself refuses to read it: that is a finding, and the rest can still be looked at.
            return new StoreCheckJson(false, inspector.EntityType, number, shards, 0, 0, 0, 1, [$"the store cannot read it: {e.Message}"], 0);
        }

        var (count, wrong, findings) = (0L, found.Wrong, found.Findings.ToList());
        foreach (var id in blobs is not null && inspector.EntityType == Actors.Documents.Document.Type ? found.Entities : [])
        {
            foreach (var blob in await BlobsOfAsync(inspector, id, cancellationToken))
            {
                count++;
                if (await DamageOfAsync(blobs!, blob, cancellationToken) is { } damage)
                {
                    wrong++;
                    findings.Add($"\"{id}\" refers to {blob}, {damage}");
                }
            }
        }

        return new StoreCheckJson(false, inspector.EntityType, number, shards, found.Events, found.Entities.Count, count, wrong, [.. findings.Take(MaxFindings)], 0);
    }

    /// <summary>What the document's state names; that of a removed one may be gone.</summary>
    private static async Task<IReadOnlyCollection<string>> BlobsOfAsync(IEntityInspector inspector, string id, CancellationToken cancellationToken)
    {
        try
        {
            if (await inspector.InspectAsync(id, 0, cancellationToken) is not { State: { } state })
            {
                return [];
            }

            using var json = JsonDocument.Parse(state);
            return json.RootElement.TryGetProperty("status", out var status) && status.ToString() is var text && text.StartsWith("remov", StringComparison.OrdinalIgnoreCase)
                ? []
                : [.. BlobName().Matches(json.RootElement.GetRawText()).Select(match => match.Value).Distinct()];
        }
        catch (Exception e) when (e is JsonException or InvalidDataException or InvalidOperationException)
        {
            // Its log cannot be read, which has been found already.
            return [];
        }
    }

    private static async Task<string?> DamageOfAsync(IBlobStore blobs, string id, CancellationToken cancellationToken)
    {
        try
        {
            // Opening checks the bytes against the name.
            await (await blobs.OpenAsync(id, cancellationToken)).DisposeAsync();
            return null;
        }
        catch (BlobMissingException)
        {
            return "which is missing";
        }
        catch (BlobDamagedException e)
        {
            return $"which is damaged: {e.Message}";
        }
    }

    private static double Seconds(TimeProvider time, long start) => Math.Round(time.GetElapsedTime(start).TotalSeconds, 3);

    [GeneratedRegex("sha256-[0-9a-f]{64}")]
    private static partial Regex BlobName();
}
