using RagCluster.Configuration.Binding;

namespace RagCluster.Configuration.Options;

public sealed record InferenceOptions
{
    public EmbeddingOptions Embedding { get; init; } = new();

    public GenerationOptions Generation { get; init; } = new();
}

public enum InferenceProvider
{
    /// <summary>Built in: no weights, no network.</summary>
    Embedded,
    Ollama,

    /// <summary>Anything that speaks the OpenAI protocol, such as vLLM.</summary>
    OpenAI,
}

public sealed record EmbeddingOptions : IChecked
{
    public InferenceProvider Provider { get; init; } = InferenceProvider.Embedded;

    public string? Url { get; init; }

    public string? Model { get; init; }

    /// <summary>A file whose first line is the key.</summary>
    public string? ApiKeyFile { get; init; }

    /// <summary>0: what the model gives.</summary>
    [Within("0", "16384")]
    public int Dimensions { get; init; }

    [Within("10ms", "10m")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    [Within("1", "4096")]
    public int MaxBatchItems { get; init; } = 64;

    [Within("1", "1000000")]
    public int MaxBatchTokens { get; init; } = 8_192;

    [Within("0", "1s")]
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromMilliseconds(2);

    [Within("1", "1000")]
    public int Concurrency { get; init; } = 2;

    [Within("1", "1000000")]
    public int MaxQueued { get; init; } = 4_096;

    public IEnumerable<(string Key, string Expected)> Problems() => Endpoint.Problems(Provider, Url, Model);
}

public sealed record GenerationOptions : IChecked
{
    public InferenceProvider Provider { get; init; } = InferenceProvider.Embedded;

    public string? Url { get; init; }

    public string? Model { get; init; }

    /// <summary>A file whose first line is the key.</summary>
    public string? ApiKeyFile { get; init; }

    [Within("1s", "1h")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(120);

    [Within("1", "1000")]
    public int Concurrency { get; init; } = 8;

    [Within("1", "100000")]
    public int MaxQueued { get; init; } = 256;

    [Within("1", "131072")]
    public int MaxOutputTokens { get; init; } = 800;

    [Within("0", "2")]
    public double Temperature { get; init; } = 0.1;

    public IEnumerable<(string Key, string Expected)> Problems() => Endpoint.Problems(Provider, Url, Model);
}

/// <summary>What both kinds of inference need to reach a server.</summary>
internal static class Endpoint
{
    public static IEnumerable<(string Key, string Expected)> Problems(InferenceProvider provider, string? url, string? model)
    {
        if (provider == InferenceProvider.Embedded)
        {
            yield break;
        }

        if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.UserInfo.Length > 0)
        {
            yield return ("url", $"the http or https address of the server, because provider is {provider.ToString().ToLowerInvariant()}, without user and password");
        }

        if (string.IsNullOrWhiteSpace(model))
        {
            yield return ("model", "the name of a model that the server offers");
        }
    }
}
