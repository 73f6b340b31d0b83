using RagCluster.Configuration.Options;

using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Nodes.Intake;

namespace RagCluster.Nodes.Hosting;

/// <summary>The sample library of a fictional insurer, so that a first start has something to be asked.</summary>
internal static class Samples
{
    /// <summary>Where the library is: beside the program.</summary>
    public static string? Folder()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "samples", "library");
        return Directory.Exists(folder) ? folder : null;
    }

    public static async Task TakeInAsync(NodeHost node, RagClusterOptions options, string folder, CancellationToken cancellationToken)
    {
        var open = options.Security.Open;
        var principal = new Principal(TenantId.Of(open.Tenant), UserId.Of(open.User), RoleSet.Of(open.Roles));
        var report = new IngestReport(json: false, TimeProvider.System);
        using var run = new IngestRun(new LocalIntake(node.Cast.Documents, node.Cast.Catalog, principal), report, TimeProvider.System);
        await report.ShowAsync("Taking in samples", () => run.RunAsync(new PathsSource([folder], watch: false, options.Ingestion.Watch, TimeProvider.System), cancellationToken));
    }
}
