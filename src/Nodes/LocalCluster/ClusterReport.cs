using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using RagCluster.Nodes.Hosting;
using RagCluster.Nodes.Management;
using RagCluster.Nodes.Management.Cluster;

namespace RagCluster.Nodes.LocalCluster;

/// <summary>How a local cluster is: what its processes do, and what its nodes say of each other.</summary>
/// <param name="Oldest">The node that gives out shards.</param>
/// <param name="Postgres">"running", "stopped", or "elsewhere" where the server was given.</param>
internal sealed record ClusterReport(string Folder, string Postgres, string? Oldest, IReadOnlyList<NodeReport> Nodes, IReadOnlyList<ShardBody> Shards)
{
    /// <summary>Every node is up and every shard has an owner.</summary>
    [JsonIgnore]
    public bool IsWhole => Nodes.All(node => node.Status == "up") && Shards.Count > 0 && Shards.All(shard => shard.Owner is not null);

    public static async Task<ClusterReport> MakeAsync(ClusterFile cluster, CancellationToken cancellationToken)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(3) };
        var running = Enumerable.Range(1, cluster.Nodes).Select(n => (Node: new LocalNode(cluster, n), File: cluster.Running(n))).ToList();
        var views = await Task.WhenAll(running.Select(entry => AskAsync(http, entry.File, cancellationToken)));

        // The oldest knows best, as it gives out the shards; else any.
        var best = views.FirstOrDefault(view => view is { Lost: null } && view.Oldest == view.Self) ?? views.FirstOrDefault(view => view is { Lost: null });
        var nodes = running.Select((entry, i) => Report(entry.Node, entry.File, views[i], best, views)).ToList();
        var postgres = !cluster.OwnPostgres ? "elsewhere" : await LocalPostgres.In(cluster.Folder).IsRunningAsync(cancellationToken) ? "running" : "stopped";
        return new ClusterReport(cluster.Folder, postgres, best?.Oldest, nodes, best?.Shards ?? []);
    }

    public void Write(TextWriter output)
    {
        output.WriteLine($"Cluster in {Folder}, PostgreSQL {Postgres}");
        output.WriteLine();
        Table(
            output,
            ["node", "state", "shards", "links", "chat", "process", "roles"],
            Nodes.Select(node => new[]
            {
                node.Node + (node.Node == Oldest ? "*" : ""), node.Status, Number(node.Shards), node.Links ?? "", node.Url?.ToString() ?? "", Number(node.Process), string.Join(' ', node.Roles),
            }));
        if (Shards.Count > 0)
        {
            output.WriteLine();
            var owners = Nodes.Select(node => node.Node).ToList();
            Table(
                output,
                ["shards of", .. owners, .. Shards.Any(shard => shard.Owner is null) ? ["nobody"] : Array.Empty<string>()],
                Shards.GroupBy(shard => shard.Type).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => (string[])
                [
                    group.Key,
                    .. owners.Select(owner => Number(group.Count(shard => shard.Owner == owner))),
                    .. Shards.Any(shard => shard.Owner is null) ? [Number(group.Count(shard => shard.Owner is null))] : Array.Empty<string>(),
                ]));
            output.WriteLine();
            output.WriteLine("* gives out the shards. Links: to how many of the other members this node has a connection.");
        }
    }

    private static NodeReport Report(LocalNode node, NodeFile? file, ClusterBody? own, ClusterBody? best, ClusterBody?[] views)
    {
        using var process = node.Find();
        var member = best?.Members.LastOrDefault(m => m.Node == node.Name);
        var status = process is null ? member is { Status: "up" or "draining" or "joining" } ? "gone" : "stopped" : member?.Status is null or "left" or "dead" ? "starting" : member.Status;
        var others = views.Count(view => view is not null) - 1;
        var links = own is null ? null : string.Create(CultureInfo.InvariantCulture, $"{own.Members.Count(m => m.Link == "connected" && m.Status is "up" or "draining")}/{Math.Max(0, others)}");
        return new NodeReport(node.Name, status, process is null ? 0 : member?.Shards ?? 0, links, file?.Url, file?.ManagementUrl, process?.Id, member?.Roles ?? []);
    }

    private static async Task<ClusterBody?> AskAsync(HttpClient http, NodeFile? node, CancellationToken cancellationToken)
    {
        if (node?.ManagementUrl is not { } management)
        {
            return null;
        }

        try
        {
            return await http.GetFromJsonAsync(new Uri(management, "/cluster"), ManagementJson.Default.ClusterBody, cancellationToken);
        }
        catch (Exception e) when (e is HttpRequestException or JsonException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            // It does not answer: that is what the report then says.
            return null;
        }
    }

    private static string Number(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "";

    private static void Table(TextWriter output, string[] header, IEnumerable<string[]> rows)
    {
        string[][] all = [header, .. rows];
        var widths = Enumerable.Range(0, header.Length).Select(i => all.Max(row => row[i].Length)).ToArray();
        foreach (var row in all)
        {
            output.WriteLine(string.Join("  ", row.Select((cell, i) => cell.PadRight(widths[i]))).TrimEnd());
        }
    }
}

/// <param name="Status">As the members say, or "starting", "stopped", or "gone" where a member's process has ended and the others do not know it yet.</param>
/// <param name="Links">Connections to other members, of how many; null where the node does not answer.</param>
internal sealed record NodeReport(string Node, string Status, int Shards, string? Links, Uri? Url, Uri? ManagementUrl, int? Process, IReadOnlyList<string> Roles);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ClusterReport))]
internal sealed partial class ClusterReportJson : JsonSerializerContext;
