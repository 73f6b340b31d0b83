using System.Globalization;

namespace RagCluster.Inference.Endpoints;

/// <summary>GET {url}/models in OpenAI's protocol, and vLLM's GET /metrics beside it.</summary>
internal sealed class OpenAiServer(EndpointHttp http) : IModelServer
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(5);

    /// <summary>At the server's root, not below /v1.</summary>
    private readonly string _metrics = (http.Url.EndsWith("/v1", StringComparison.Ordinal) ? http.Url[..^3] : http.Url) + "/metrics";
    private bool _hasNone;

    public async Task<IReadOnlyList<ServedModel>?> ListAsync(CancellationToken cancellationToken)
    {
        var list = await http.TryGetAsync(http.Url + "/models", OpenAiJson.Default.OpenAiModelList, s_limit, cancellationToken);
        return list is null ? null
            : list.Data is { } data ? [.. data.Where(m => m?.Id is { Length: > 0 }).Select(m => new ServedModel(m!.Id!, Detail: m.OwnedBy))]
            : throw http.Bad("there is no list of models in it");
    }

    public async Task<int?> QueueLengthAsync(CancellationToken cancellationToken)
    {
        if (_hasNone)
        {
            return null;
        }

        try
        {
            if (await http.TryGetTextAsync(_metrics, s_limit, cancellationToken) is { } text && Waiting(text) is { } waiting)
            {
                return waiting;
            }
        }
        catch (InferenceException e) when (e.Code is InferenceErrorCode.Unauthorized or InferenceErrorCode.Rejected or InferenceErrorCode.BadResponse)
        {
            // It answers, and does not show its metrics to us.
        }

        _hasNone = true;
        return null;
    }

    public IAsyncEnumerable<PullProgress> PullAsync(string model, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"The endpoint {http.Url} speaks OpenAI's protocol, which cannot fetch models: give it the model where it is started.");

    public void Dispose() => http.Dispose();

    /// <summary>The sum of vllm:num_requests_waiting over models; null where there is none.</summary>
    internal static int? Waiting(string metrics)
    {
        double? sum = null;
        foreach (var line in metrics.AsSpan().EnumerateLines())
        {
            if (line.StartsWith("vllm:num_requests_waiting", StringComparison.Ordinal)
                && line.Length > 25 && line[25] is '{' or ' '
                && double.TryParse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture, out var value)
                && double.IsFinite(value))
            {
                sum = (sum ?? 0) + value;
            }
        }

        return sum is { } found ? (int)Math.Clamp(found, 0, int.MaxValue) : null;
    }
}
