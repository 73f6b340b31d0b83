using System.CommandLine;
using RagCluster.Ingestion.Sources.Web;
using RagCluster.Nodes.Hosting;
using RagCluster.Nodes.Intake;

namespace RagCluster.Nodes.Commands;

/// <summary>ragcluster ingest: files, folders and pages into the node, once or for as long as it runs.</summary>
internal static class IngestCommand
{
    public static Command Create(CommonOptions common)
    {
        var paths = new Argument<string[]>("path") { Description = "Files, folders and http or https addresses of pages.", Arity = ArgumentArity.ZeroOrMore };
        CommonOptions.RefuseOptions(paths);
        var watch = new Option<bool>("--watch") { Description = "Go on watching the folders and take in what changes, until stopped." };
        var sitemap = new Option<string[]>("--sitemap") { Description = "Take in the pages of a sitemap, or of a site by its address. May be given several times.", HelpName = "URL" };
        var command = new Command("ingest", "Takes documents in and waits until they can be searched.") { paths, watch, sitemap };
        command.SetAction(async (result, cancellationToken) =>
        {
            var given = result.GetValue(paths)!;
            var sitemaps = result.GetValue(sitemap) ?? [];
            if (given.Length == 0 && sitemaps.Length == 0)
            {
                throw new CommandException("There is nothing to take in. Name files, folders or addresses: ragcluster ingest docs/ https://example.org/guide.html", ExitCodes.Usage);
            }

            var (urls, files) = (given.Where(IsUrl).ToArray(), given.Where(path => !IsUrl(path)).ToArray());
            foreach (var path in files)
            {
                if (!File.Exists(path) && !Directory.Exists(path))
                {
                    throw new CommandException($"There is no file or folder \"{path}\".");
                }
            }

            foreach (var url in urls.Concat(sitemaps))
            {
                if (WebFetcher.Parse(url, out var problem) is null)
                {
                    throw new CommandException($"\"{url}\": {problem}", ExitCodes.Usage);
                }
            }

            var options = common.Load(result).Options.Ingestion;
            using var fetcher = new WebFetcher(OptionsMapping.Web(options.Web), TimeProvider.System);
            var pages = new UrlSource(new UrlSourceOptions { Name = "command line", Urls = urls, Sitemaps = sitemaps }, fetcher, TimeProvider.System);
            var source = new SourcesInTurn([pages, new PathsSource(files, result.GetValue(watch), options.Watch, TimeProvider.System)]);
            await using var node = await common.ConnectAsync(result, cancellationToken, withSamples: false);
            var report = new IngestReport(result.GetValue(common.Json), TimeProvider.System);
            using var run = new IngestRun(new HttpIntake(node.Client), report, TimeProvider.System);
            var sum = await report.ShowAsync("Taking in", () => run.RunAsync(source, cancellationToken));
            return sum.Failed > 0 ? ExitCodes.Partial : ExitCodes.Success;
        });
        return command;
    }

    private static bool IsUrl(string path) =>
        path.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || path.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
}
