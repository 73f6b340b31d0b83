using RagCluster.Actors.Catalog;
using RagCluster.Configuration.Options;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Nodes.Intake;

namespace RagCluster.Nodes.Hosting;

/// <summary>
/// The sample library of a fictional insurer, so that a first start has something to be asked. A file in the data folder
/// says how far it has come: begun (a start that was cut off is gone on with) or done (they are not taken in again, also
/// when somebody has removed them).
/// </summary>
internal static class Samples
{
    private const string MarkerFile = "samples.state";
    private const string Begun = "begun";
    private const string Done = "done";

    /// <summary>Where they are beside the program.</summary>
    public static string Folder => Path.Combine(AppContext.BaseDirectory, "samples", "library");

    /// <summary>Takes the samples in if this node's first start should and has not.</summary>
    public static async Task TakeInOnFirstStartAsync(NodeHost node, RagClusterOptions options, CancellationToken cancellationToken)
    {
        var folder = Folder;
        // Nodes of a cluster come and go: whoever makes the cluster brings the samples.
        if (!options.Ingestion.SamplesOnFirstStart || options.Cluster.Enabled || !Directory.Exists(folder))
        {
            return;
        }

        var marker = Path.Combine(options.DataFolder, MarkerFile);
        var state = File.Exists(marker) ? await File.ReadAllTextAsync(marker, cancellationToken) : "";
        var open = options.Security.Open;
        var principal = new Principal(TenantId.Of(open.Tenant), UserId.Of(open.User), RoleSet.Of(open.Roles));
        if (state == Done || (state != Begun && await HasDocumentsAsync(node, principal, cancellationToken)))
        {
            return;
        }

        await File.WriteAllTextAsync(marker, Begun, cancellationToken);
        var report = new IngestReport(json: false, TimeProvider.System);
        using var run = new IngestRun(new LocalIntake(node.Cast.Documents, node.Cast.Catalog, principal), report, TimeProvider.System);
        await report.ShowAsync(
            "Taking in samples", () => run.RunAsync(new PathsSource([folder], watch: false, options.Ingestion.Watch, TimeProvider.System), cancellationToken));
        await File.WriteAllTextAsync(marker, Done, cancellationToken);
    }

    private static async Task<bool> HasDocumentsAsync(NodeHost node, Principal principal, CancellationToken cancellationToken)
    {
        if (!node.IsFirstStart)
        {
            await node.Cast.Catalog.CaughtUpAsync(cancellationToken);
        }

        return (await node.Cast.Catalog.CountDocumentsAsync(principal.Tenant, cancellationToken)).Count > 0;
    }
}
