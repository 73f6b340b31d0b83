using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using RagCluster.Configuration.Options;
using RagCluster.Inference;
using RagCluster.Inference.Endpoints;
using RagCluster.Inference.Routing;
using RagCluster.Nodes.Hosting;

namespace RagCluster.Nodes.Commands;

/// <summary>ragcluster models: what the configured inference endpoints serve, and whether they answer. Needs no running node.</summary>
internal static class ModelsCommand
{
    public static Command Create(CommonOptions common)
    {
        var command = new Command("models", "Lists the configured inference endpoints: whether each answers, and its models.") { Pull(common) };
        command.SetAction(async (result, cancellationToken) =>
        {
            var endpoints = Endpoints(common.Load(result).Options);
            var factory = new EndpointFactory(TimeProvider.System);
            var found = await Task.WhenAll(endpoints.Select(e => LookAsync(e.Purpose, e.Profile, factory, cancellationToken)));
            if (result.GetValue(common.Json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(new ModelsBody(found), ModelsJson.Default.ModelsBody));
            }
            else
            {
                Write(Console.Out, found);
            }

            return found.All(e => e.Ready) ? ExitCodes.Success : ExitCodes.Failure;
        });
        return command;
    }

    private static Command Pull(CommonOptions common)
    {
        var only = new Argument<string?>("endpoint") { Description = "The name of one endpoint. Default: every one that can fetch models and lacks its own.", Arity = ArgumentArity.ZeroOrOne };
        CommonOptions.RefuseOptions(only);
        var command = new Command("pull", "Has Ollama fetch the models that the configuration names.") { only };
        command.SetAction(async (result, cancellationToken) =>
        {
            var name = result.GetValue(only);
            var chosen = Endpoints(common.Load(result).Options)
                .Where(e => name is null ? e.Profile.Options.Kind == EndpointOptions.Ollama : e.Profile.Name == name).ToList();
            if (chosen.Count == 0)
            {
                throw new CommandException(name is null ? "No configured endpoint is an Ollama: others are given their models where they are started." : $"There is no endpoint \"{name}\". ragcluster models lists them.");
            }

            var factory = new EndpointFactory(TimeProvider.System);
            foreach (var (_, profile) in chosen)
            {
                using var server = factory.CreateServer(profile.Options);
                if (name is null && await server.ListAsync(cancellationToken) is { } models && server.Offers(models, profile.Model))
                {
                    Console.Error.WriteLine($"{profile.Name}: {profile.Model} is there.");
                    continue;
                }

                await PullAsync(server, profile, cancellationToken);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task PullAsync(IModelServer server, EndpointProfile profile, CancellationToken cancellationToken)
    {
        var told = "";
        try
        {
            await foreach (var progress in server.PullAsync(profile.Model, cancellationToken))
            {
                var share = progress is { Completed: { } done, Total: > 0 and var total }
                    ? string.Create(CultureInfo.InvariantCulture, $" {100 * done / total} %")
                    : "";
                var line = $"{profile.Name}: {profile.Model}: {progress.Status}{share}";
                if (line != told)
                {
                    Console.Error.WriteLine(line);
                    told = line;
                }
            }
        }
        catch (NotSupportedException e)
        {
            throw new CommandException(e.Message);
        }
    }

    private static List<(string Purpose, EndpointProfile Profile)> Endpoints(RagClusterOptions options) =>
    [
        .. InferenceMapping.Embeddings(options.Inference.Embedding).Select(p => ("embedding", p)),
        .. InferenceMapping.Generations(options.Inference.Generation).Select(p => ("generation", p)),
        .. InferenceMapping.Reranking(options.Inference.Reranking) is { } reranking ? [("reranking", new EndpointProfile("reranking", reranking))] : Array.Empty<(string, EndpointProfile)>(),
    ];

    private static async Task<ModelsEndpoint> LookAsync(string purpose, EndpointProfile profile, EndpointFactory factory, CancellationToken cancellationToken)
    {
        var options = profile.Options;
        var url = options.Kind == EndpointOptions.Embedded ? null : options.Url;
        var model = options.Kind == EndpointOptions.Embedded ? EndpointOptions.Embedded : options.Model;
        try
        {
            using var server = factory.CreateServer(options);
            var watch = System.Diagnostics.Stopwatch.StartNew();
            var models = await server.ListAsync(cancellationToken);
            var milliseconds = watch.Elapsed.TotalMilliseconds;
            var waiting = await server.QueueLengthAsync(cancellationToken);
            var problem = models is not null && !server.Offers(models, model)
                ? $"does not offer \"{model}\"" + (options.Kind == EndpointOptions.Ollama ? ": ragcluster models pull" : ": give it the model, or change the configuration")
                : null;
            return new ModelsEndpoint(profile.Name, purpose, options.Kind, url, model, Answers: true, Ready: problem is null, problem, Math.Round(milliseconds, 1), waiting, models);
        }
        catch (InferenceException e)
        {
            return new ModelsEndpoint(profile.Name, purpose, options.Kind, url, model, Answers: false, Ready: false, e.Message, null, null, null);
        }
    }

    private static void Write(TextWriter output, IReadOnlyList<ModelsEndpoint> endpoints)
    {
        string[][] rows =
        [
            ["ENDPOINT", "PROVIDER", "ADDRESS", "MODEL", "STATE"],
            .. endpoints.Select(e => new[]
            {
                e.Name,
                e.Provider,
                e.Url ?? "-",
                e.Model,
                e.Ready ? string.Create(CultureInfo.InvariantCulture, $"answers in {e.Milliseconds:0.#} ms{(e.Waiting is { } n ? $", {n} waiting" : "")}") : e.Answers ? e.Problem! : "does not answer",
            }),
        ];
        var widths = Enumerable.Range(0, 4).Select(i => rows.Max(r => r[i].Length)).ToArray();
        foreach (var row in rows)
        {
            output.WriteLine(string.Join("  ", row.Select((cell, i) => i < widths.Length ? cell.PadRight(widths[i]) : cell)).TrimEnd());
        }

        foreach (var endpoint in endpoints.Where(e => !e.Answers))
        {
            output.WriteLine();
            output.WriteLine($"{endpoint.Name}: {endpoint.Problem}");
        }

        foreach (var endpoint in endpoints.Where(e => e is { Provider: not EndpointOptions.Embedded, Models.Count: > 0 }))
        {
            output.WriteLine();
            output.WriteLine($"{endpoint.Name} has:");
            foreach (var model in endpoint.Models!)
            {
                string?[] facts = [model.Detail, model.Bytes is { } bytes ? string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB") : null, model.Loaded is { } loaded ? loaded ? "in memory" : "not loaded" : null];
                output.WriteLine($"  {model.Name}  {string.Join(", ", facts.Where(f => !string.IsNullOrEmpty(f)))}".TrimEnd());
            }
        }
    }
}

/// <param name="Answers">Whether it can be reached and spoken to.</param>
/// <param name="Ready">Whether it also has the model that is configured, as far as it tells.</param>
internal sealed record ModelsEndpoint(
    string Name, string Purpose, string Provider, string? Url, string Model, bool Answers, bool Ready, string? Problem, double? Milliseconds, int? Waiting, IReadOnlyList<ServedModel>? Models);

internal sealed record ModelsBody(IReadOnlyList<ModelsEndpoint> Endpoints);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ModelsBody))]
internal sealed partial class ModelsJson : JsonSerializerContext;
