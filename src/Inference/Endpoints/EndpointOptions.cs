namespace RagCluster.Inference.Endpoints;

/// <summary>How to reach an inference endpoint. The same record describes one for embeddings and one for chat.</summary>
public sealed record EndpointOptions
{
    public const string Embedded = "embedded";
    public const string Ollama = "ollama";
    public const string OpenAi = "openai";

    /// <summary>"embedded", "ollama", or "openai" for everything that speaks its protocol (vLLM and others).</summary>
    public string Kind { get; init; } = Embedded;

    /// <summary>For example http://localhost:11434 (Ollama) or http://localhost:8000/v1 (vLLM). Not for embedded.</summary>
    public string Url { get; init; } = "";

    /// <summary>The model's name at the endpoint. Not for embedded.</summary>
    public string Model { get; init; } = "";

    /// <summary>The environment variable that holds the API key; empty for none. A key itself is never configured.</summary>
    public string ApiKeyVariable { get; init; } = "";

    /// <summary>The file whose first line is the API key (a mounted secret); empty for none.</summary>
    public string ApiKeyFile { get; init; } = "";

    /// <summary>How many dimensions the model's vectors have; 0 takes what comes, the first answer decides.</summary>
    public int Dimensions { get; init; }

    /// <summary>How long Ollama keeps the model in memory after a request, in its words ("5m", "-1m" for ever); empty leaves it to the server.</summary>
    public string KeepAlive { get; init; } = "";

    /// <summary>How long connecting may take.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a whole request may take, a streamed answer included.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How long a stream may be silent.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The largest response that is read, in bytes, streamed or not.</summary>
    public long MaxResponseBytes { get; init; } = 64L << 20;

    /// <summary>What is wrong with these options, one sentence each; empty if nothing is.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        if (Kind is not (Embedded or Ollama or OpenAi))
        {
            problems.Add($"The kind of an inference endpoint is \"{Embedded}\", \"{Ollama}\" or \"{OpenAi}\", not \"{Kind}\".");
        }

        if (Kind is Ollama or OpenAi)
        {
            if (!Uri.TryCreate(Url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
            {
                problems.Add($"The URL of an inference endpoint begins with http:// or https://; this is \"{Url}\".");
            }
            else if (uri.UserInfo.Length > 0 || uri.Query.Length > 0)
            {
                problems.Add("The URL of an inference endpoint holds no user, password or query; name a key's variable or file instead.");
            }

            if (string.IsNullOrWhiteSpace(Model))
            {
                problems.Add("An inference endpoint needs the name of its model.");
            }
        }

        if (ApiKeyVariable.Length > 0 && ApiKeyFile.Length > 0)
        {
            problems.Add("An API key comes from a variable or from a file, not from both.");
        }

        if (Dimensions is < 0 or > 16384)
        {
            problems.Add($"Dimensions are between 1 and 16384, or 0 for what the model gives; these are {Dimensions}.");
        }

        foreach (var (name, value) in new[] { ("connect timeout", ConnectTimeout), ("timeout", Timeout), ("idle timeout", IdleTimeout) })
        {
            if (value <= TimeSpan.Zero || value > TimeSpan.FromHours(1))
            {
                problems.Add($"The {name} of an inference endpoint is more than nothing and at most an hour; this is {value}.");
            }
        }

        if (MaxResponseBytes < 1024)
        {
            problems.Add($"The largest response is at least 1024 bytes; this is {MaxResponseBytes}.");
        }

        return problems;
    }

    /// <summary>The key, read anew, so that a rotated secret is taken up; null if none is configured.</summary>
    /// <exception cref="InferenceException">It is configured and not there.</exception>
    internal string? ReadApiKey()
    {
        if (ApiKeyVariable.Length > 0)
        {
            return Environment.GetEnvironmentVariable(ApiKeyVariable) is { Length: > 0 } key
                ? key.Trim()
                : throw new InferenceException(InferenceErrorCode.Unauthorized, $"The environment variable {ApiKeyVariable} holds no API key: set it.");
        }

        if (ApiKeyFile.Length == 0)
        {
            return null;
        }

        try
        {
            return File.ReadLines(ApiKeyFile).FirstOrDefault()?.Trim();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InferenceException(InferenceErrorCode.Unauthorized, $"The API key's file {ApiKeyFile} cannot be read: {e.Message}", e);
        }
    }
}
