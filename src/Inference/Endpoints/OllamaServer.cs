using System.Runtime.CompilerServices;
using System.Text.Json;

namespace RagCluster.Inference.Endpoints;

/// <summary>Ollama's GET /api/tags and /api/ps, and POST /api/pull.</summary>
internal sealed class OllamaServer(EndpointHttp http, EndpointHttp pulling) : IModelServer
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);

    public async Task<IReadOnlyList<ServedModel>?> ListAsync(CancellationToken cancellationToken)
    {
        var tags = await http.TryGetAsync(http.Url + "/api/tags", OllamaJson.Default.OllamaModelList, s_limit, cancellationToken)
            ?? throw http.Bad("it has no /api/tags");
        var running = await http.TryGetAsync(http.Url + "/api/ps", OllamaJson.Default.OllamaModelList, s_limit, cancellationToken);
        var models = new List<ServedModel>();
        foreach (var model in tags.Models ?? [])
        {
            if (model?.Name is { Length: > 0 } name)
            {
                var loaded = running?.Models?.FirstOrDefault(m => m?.Name == name);
                models.Add(new ServedModel(name, running is null ? null : loaded is not null, loaded?.SizeVram ?? model.Size, Describe(model.Details)));
            }
        }

        return models;
    }

    public Task<int?> QueueLengthAsync(CancellationToken cancellationToken) => Task.FromResult<int?>(null);

    /// <summary>A name without a tag means the one tagged "latest".</summary>
    public bool Offers(IReadOnlyList<ServedModel> models, string name)
    {
        var full = name.Contains(':', StringComparison.Ordinal) ? name : name + ":latest";
        return models.Any(m => m.Name == name || m.Name == full);
    }

    public async IAsyncEnumerable<PullProgress> PullAsync(string model, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var succeeded = false;
        await foreach (var line in pulling.StreamLinesAsync("/api/pull", new OllamaPullRequest(model, Stream: true), OllamaJson.Default.OllamaPullRequest, cancellationToken))
        {
            OllamaPullResponse? part;
            try
            {
                part = JsonSerializer.Deserialize(line, OllamaJson.Default.OllamaPullResponse);
            }
            catch (JsonException e)
            {
                throw pulling.Bad($"a part of the stream is not the JSON that was expected ({e.Message})", e);
            }

            if (part?.Error is { } error)
            {
                throw new InferenceException(InferenceErrorCode.ModelMissing, $"The inference endpoint {pulling.Url} could not fetch the model \"{model}\": {error}");
            }

            succeeded = part?.Status == "success";
            yield return new PullProgress(part?.Status ?? "", part?.Completed, part?.Total);
        }

        if (!succeeded)
        {
            throw pulling.Cut();
        }
    }

    public void Dispose()
    {
        http.Dispose();
        pulling.Dispose();
    }

    private static string? Describe(OllamaModelDetails? details) =>
        string.Join(' ', new[] { details?.ParameterSize, details?.QuantizationLevel }.Where(d => !string.IsNullOrEmpty(d))) is { Length: > 0 } text ? text : null;
}
