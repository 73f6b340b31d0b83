using System.Net;
using RagCluster.Configuration;
using RagCluster.Nodes.Hosting;

namespace RagCluster.Deployment.Tests;

/// <summary>What a running node's management port answers, asked once.</summary>
internal static class ManagementRoutes
{
    private static readonly Lazy<IReadOnlySet<string>> s_known = new(() => ReadAsync().GetAwaiter().GetResult());

    /// <summary>Paths that probes may ask.</summary>
    private static readonly string[] s_candidates = ["/startup", "/alive", "/ready", "/health", "/healthz", "/livez", "/readyz", "/"];

    public static bool Has(string path) => s_known.Value.Contains(path);

    private static async Task<IReadOnlySet<string>> ReadAsync()
    {
        var data = Directory.CreateTempSubdirectory("ragcluster-routes-");
        try
        {
            var options = RagClusterConfiguration.Load(null, new Dictionary<string, string>(), Settings(data.FullName)).Options;
            await using var node = await NodeHost.StartAsync(options, _ => { }, CancellationToken.None);
            using var http = new HttpClient { BaseAddress = node.ManagementUrl };
            var known = new HashSet<string>(StringComparer.Ordinal);
            foreach (var path in s_candidates)
            {
                using var response = await http.GetAsync(new Uri(path, UriKind.Relative));
                if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable)
                {
                    known.Add(path);
                }
            }

            return known;
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    private static IEnumerable<ConfigurationOverride> Settings(string data) =>
    [
        new("ragcluster.data-folder", data, "the test"),
        new("ragcluster.http.port", "0", "the test"),
        new("ragcluster.management.port", "0", "the test"),
        new("ragcluster.ingestion.samples-on-first-start", "false", "the test"),
    ];
}
