using RagCluster.Configuration.Binding;

namespace RagCluster.Configuration.Options;

public sealed record InferenceOptions
{
    public EmbeddingOptions Embedding { get; init; } = new();

    public GenerationOptions Generation { get; init; } = new();

    public RerankingOptions Reranking { get; init; } = new();

    public InferenceFairnessOptions Fairness { get; init; } = new();

    /// <summary>Where this node stands; null is anywhere.</summary>
    public string? Zone { get; init; }

    public PromptOptions Prompts { get; init; } = new();
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

    /// <summary>Ollama's keep_alive; null leaves it to the server.</summary>
    public string? KeepAlive { get; init; }

    /// <summary>Calls sent to a second endpoint because the first is slow, as a share of all; 0 is none.</summary>
    [Within("0", "0.5")]
    public double HedgeBudget { get; init; } = 0.05;

    /// <summary>Where the model runs, if in several places; empty is at <see cref="Url"/>.</summary>
    [Within("0", "1000")]
    public IReadOnlyList<EndpointItemOptions> Endpoints { get; init; } = [];

    public ModelChangeOptions Change { get; init; } = new();

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        foreach (var problem in Endpoint.Problems(Provider, Url, Model, Endpoints))
        {
            yield return problem;
        }

        for (var i = 1; i < Endpoints.Count; i++)
        {
            if ((Endpoints[i].Model ?? Model) != (Endpoints[0].Model ?? Model))
            {
                yield return ($"endpoints.{i}.model", "the model of the first, because vectors of different models cannot be compared");
            }
        }
    }
}


/// <summary>What happens where the embedding model is another one than that of the vectors there are.</summary>
public sealed record ModelChangeOptions
{
    /// <summary>Where the model before can still be asked.</summary>
    public FormerModelOptions Former { get; init; } = new();

    /// <summary>JSON lines of questions and the documents that answer them; null: sentences of the documents themselves.</summary>
    public string? CheckSet { get; init; }

    [Within("0", "1")]
    public double Tolerance { get; init; } = 0.02;

    [Within("0", "1")]
    public double LeastRecall { get; init; } = 0.5;

    public bool SwitchAnyway { get; init; }
}

/// <summary>The embedding model before the current one.</summary>
public sealed record FormerModelOptions : IChecked
{
    /// <summary>The built-in one can always be asked and needs nothing here.</summary>
    public InferenceProvider Provider { get; init; } = InferenceProvider.Embedded;

    public string? Url { get; init; }

    public string? Model { get; init; }

    public string? ApiKeyFile { get; init; }

    [Within("0", "16384")]
    public int Dimensions { get; init; }

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

    /// <summary>Ollama's keep_alive; null leaves it to the server.</summary>
    public string? KeepAlive { get; init; }

    /// <summary>How long a question waits for its first words before it fails.</summary>
    [Within("1s", "1h")]
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Whether the servers go on with an answer that they are given the beginning of.</summary>
    public bool Continues { get; init; }

    /// <summary>Models to use while no endpoint of <see cref="Model"/> answers, in this order.</summary>
    [Within("0", "10")]
    public IReadOnlyList<string> FallbackModels { get; init; } = [];

    /// <summary>Where models run, if in several places; empty is at <see cref="Url"/>.</summary>
    [Within("0", "1000")]
    public IReadOnlyList<EndpointItemOptions> Endpoints { get; init; } = [];

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        foreach (var problem in Endpoint.Problems(Provider, Url, Model, Endpoints))
        {
            yield return problem;
        }

        for (var i = 0; i < FallbackModels.Count; i++)
        {
            if (!Endpoints.Any(endpoint => endpoint.Model == FallbackModels[i]))
            {
                yield return ($"fallback-models.{i}", "a model of one of the endpoints in the list");
            }
        }
    }
}

/// <summary>One of several places where a model runs; what it does not say is as its group says.</summary>
public sealed record EndpointItemOptions : IChecked
{
    /// <summary>Unique in its group; null is the group's name with a number.</summary>
    public string? Name { get; init; }

    public EndpointProvider Provider { get; init; } = EndpointProvider.Same;

    public string? Url { get; init; }

    public string? Model { get; init; }

    public string? ApiKeyFile { get; init; }

    /// <summary>Calls at a time; 0: as the group's concurrency says.</summary>
    [Within("0", "1000")]
    public int Capacity { get; init; }

    [Within("0.01", "100")]
    public double Weight { get; init; } = 1;

    public string? Zone { get; init; }

    public string? Gpu { get; init; }

    public string? KeepAlive { get; init; }

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (Provider != EndpointProvider.Embedded && !Endpoint.IsAddress(Url))
        {
            yield return ("url", "the http or https address of the server, without user and password");
        }
    }
}

public enum EndpointProvider
{
    /// <summary>As the group says.</summary>
    Same,
    Embedded,
    Ollama,
    OpenAI,
}

public sealed record RerankingOptions : IChecked
{
    public RerankingProvider Provider { get; init; } = RerankingProvider.None;

    public string? Url { get; init; }

    public string? Model { get; init; }

    /// <summary>A file whose first line is the key.</summary>
    public string? ApiKeyFile { get; init; }

    [Within("10ms", "10m")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    public IEnumerable<(string Key, string Expected)> Problems() =>
        Endpoint.Problems(Provider == RerankingProvider.None ? InferenceProvider.Embedded : InferenceProvider.OpenAI, Url, Model);
}

public enum RerankingProvider
{
    None,

    /// <summary>POST {url}/rerank, as vLLM, TEI and others have it.</summary>
    OpenAI,
}

/// <summary>How tenants share the endpoints.</summary>
public sealed record InferenceFairnessOptions : IChecked
{
    /// <summary>Of a tenant that is not in the list; 0 is without limit.</summary>
    [Within("0", "1000000000")]
    public long TokensPerMinute { get; init; }

    [Within("0", "0.9")]
    public double Reserve { get; init; } = 0.25;

    [Within("0", "10000")]
    public IReadOnlyList<TenantShareOptions> Tenants { get; init; } = [];

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        for (var i = 0; i < Tenants.Count; i++)
        {
            if (Tenants.Take(i).Any(tenant => tenant.Name == Tenants[i].Name))
            {
                yield return ($"tenants.{i}.name", "a name that no other tenant has");
            }
        }
    }
}

public sealed record TenantShareOptions
{
    [Within("1", "100")]
    public string Name { get; init; } = "";

    [Within("0.01", "1000")]
    public double Weight { get; init; } = 1;

    /// <summary>0 is without limit.</summary>
    [Within("0", "1000000000")]
    public long TokensPerMinute { get; init; }
}

/// <summary>What a language model is told with a question.</summary>
public sealed record PromptOptions : IChecked
{
    /// <summary>A folder with templates in place of those built in; null: none.</summary>
    public string? Folder { get; init; }

    [Within("500", "1000000")]
    public int MaxTokens { get; init; } = 3_000;

    [Within("0", "100000")]
    public int HistoryTokens { get; init; } = 600;

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (HistoryTokens > MaxTokens)
        {
            yield return ("history-tokens", "at most max-tokens, which it is a part of");
        }
    }
}

/// <summary>What both kinds of inference need to reach a server.</summary>
internal static class Endpoint
{
    public static bool IsAddress(string? url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0;

    /// <summary>Of a group with a list: what its endpoints need and do not say themselves.</summary>
    public static IEnumerable<(string Key, string Expected)> Problems(InferenceProvider provider, string? url, string? model, IReadOnlyList<EndpointItemOptions> endpoints)
    {
        if (endpoints.Count == 0)
        {
            return Problems(provider, url, model);
        }

        return Of();

        IEnumerable<(string Key, string Expected)> Of()
        {
            if (url is not null)
            {
                yield return ("url", "none, because the endpoints in the list have their own");
            }

            for (var i = 0; i < endpoints.Count; i++)
            {
                var item = endpoints[i];
                var embedded = item.Provider == EndpointProvider.Embedded || (item.Provider == EndpointProvider.Same && provider == InferenceProvider.Embedded);
                if (item.Provider == EndpointProvider.Same && provider == InferenceProvider.Embedded && item.Url is not null)
                {
                    yield return ($"endpoints.{i}.provider", "ollama or openai, here or for the group, because there is a url");
                }

                if (!embedded && string.IsNullOrWhiteSpace(item.Model ?? model))
                {
                    yield return ($"endpoints.{i}.model", "the name of a model that the server offers, here or for the group");
                }

                if (item.Name is not null && (item.Name.Length is 0 or > 100 || endpoints.Take(i).Any(other => other.Name == item.Name)))
                {
                    yield return ($"endpoints.{i}.name", "a name of 1 to 100 characters that no other endpoint has");
                }
            }
        }
    }

    public static IEnumerable<(string Key, string Expected)> Problems(InferenceProvider provider, string? url, string? model)
    {
        if (provider == InferenceProvider.Embedded)
        {
            yield break;
        }

        if (!IsAddress(url))
        {
            yield return ("url", $"the http or https address of the server, because provider is {provider.ToString().ToLowerInvariant()}, without user and password");
        }

        if (string.IsNullOrWhiteSpace(model))
        {
            yield return ("model", "the name of a model that the server offers");
        }
    }
}
