using RagCluster.Configuration.Options;
using RagCluster.Ingestion.Sources;
using RagCluster.Ingestion.Sources.S3;
using RagCluster.Ingestion.Sources.Web;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Nodes.Hosting;

namespace RagCluster.Nodes.Intake;

/// <summary>The pages and buckets that the configuration names, visited again and again; what they saw is remembered in the data folder.</summary>
internal static class ConfiguredSources
{
    /// <summary>What must be given back when the sources have ended.</summary>
    /// <exception cref="IOException">The file of a secret key cannot be read.</exception>
    public static IReadOnlyList<IDisposable> AddTo(NodeSources sources, RagClusterOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        var held = new List<IDisposable>();
        var checkpoints = new FileCheckpoints(Path.Combine(options.DataFolder, "sources"));
        if (options.Ingestion.Web.Sources.Count > 0)
        {
            // One for all, so that two sources of one site keep their distance together.
            var fetcher = new WebFetcher(OptionsMapping.Web(options.Ingestion.Web), time);
            held.Add(fetcher);
            foreach (var web in options.Ingestion.Web.Sources)
            {
                var pages = new UrlSourceOptions
                {
                    Name = "web " + web.Name,
                    Urls = web.Urls,
                    Sitemaps = web.Sitemaps,
                    Revisit = Pause(web.Revisit),
                    MaxPages = web.MaxPages,
                    Readers = RoleSet.Of(web.Readers),
                };
                sources.Add("web " + web.Name, "web", new UrlSource(pages, fetcher, time, checkpoints, loggers.CreateLogger<UrlSource>()), TenantId.Of(web.Tenant));
            }
        }

        foreach (var s3 in options.Ingestion.S3.Sources)
        {
            var client = new BucketClient(
                new BucketOptions
                {
                    Endpoint = new Uri(s3.Url),
                    Bucket = s3.Bucket,
                    Region = s3.Region,
                    Credentials = s3 is { AccessKey: { } key, SecretKeyFile: { } file } ? new AwsCredentials(key, FirstLine(file, s3.Name)) : null,
                },
                time);
            held.Add(client);
            var objects = new BucketSourceOptions
            {
                Name = "s3 " + s3.Name,
                Bucket = s3.Bucket,
                Prefix = s3.Prefix,
                MaxBytes = options.Documents.MaxBytes.Bytes,
                Revisit = Pause(s3.Revisit),
                Readers = RoleSet.Of(s3.Readers),
            };
            sources.Add("s3 " + s3.Name, "s3", new BucketSource(objects, client, time, checkpoints, loggers.CreateLogger<BucketSource>()), TenantId.Of(s3.Tenant));
        }

        return held;
    }

    private static TimeSpan? Pause(TimeSpan revisit) => revisit == Timeout.InfiniteTimeSpan ? null : revisit;

    private static string FirstLine(string file, string source) =>
        File.ReadLines(file).FirstOrDefault()?.Trim() is { Length: > 0 } line
            ? line
            : throw new IOException($"The file {file} of the S3 source \"{source}\" is empty; its first line must be the secret key.");
}
