using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Inference.Embedded;
using RagCluster.Inference.Reranking;

namespace RagCluster.Inference.Endpoints;

/// <summary>Makes clients from options. Who gets a client disposes of it.</summary>
/// <param name="time">Times timeouts.</param>
/// <param name="handler">Replaces the network in tests; not disposed with the client.</param>
public sealed class EndpointFactory(TimeProvider time, ILoggerFactory? loggers = null, HttpMessageHandler? handler = null)
{
    private readonly ILoggerFactory _loggers = loggers ?? NullLoggerFactory.Instance;

    /// <exception cref="ArgumentException">The options are wrong; the message names every problem.</exception>
    public IEmbeddingGenerator<string, Embedding<float>> CreateEmbedder(EndpointOptions options) =>
        Checked(options).Kind switch
        {
            EndpointOptions.Ollama => new OllamaEmbeddingGenerator(Http(options), options),
            EndpointOptions.OpenAi => new OpenAiEmbeddingGenerator(Http(options), options),
            _ => new EmbeddedEmbedder(),
        };

    /// <exception cref="ArgumentException">The options are wrong; the message names every problem.</exception>
    public IChatClient CreateChatClient(EndpointOptions options) =>
        Checked(options).Kind switch
        {
            EndpointOptions.Ollama => new OllamaChatClient(Http(options), options),
            EndpointOptions.OpenAi => new OpenAiChatClient(Http(options), options),
            _ => new EmbeddedChatClient(),
        };

    /// <exception cref="ArgumentException">The options are wrong; the message names every problem.</exception>
    public IModelServer CreateServer(EndpointOptions options) =>
        Checked(options).Kind switch
        {
            // A model takes longer to fetch than an answer to write.
            EndpointOptions.Ollama => new OllamaServer(Http(options), Http(options with { Timeout = TimeSpan.FromHours(1), IdleTimeout = TimeSpan.FromMinutes(5) })),
            EndpointOptions.OpenAi => new OpenAiServer(Http(options)),
            _ => new EmbeddedServer(options.Model.Length > 0 ? options.Model : EndpointOptions.Embedded),
        };

    /// <exception cref="ArgumentException">The options are wrong, or not those of a server with OpenAI's protocol.</exception>
    public IReranker CreateReranker(EndpointOptions options) =>
        Checked(options).Kind == EndpointOptions.OpenAi
            ? new OpenAiReranker(Http(options), options)
            : throw new ArgumentException("Only endpoints of the kind \"openai\" re-rank.", nameof(options));

    private static EndpointOptions Checked(EndpointOptions options)
    {
        var problems = options.Problems();
        return problems.Count == 0 ? options : throw new ArgumentException(string.Join(' ', problems), nameof(options));
    }

    private EndpointHttp Http(EndpointOptions options) => new(options, time, _loggers.CreateLogger<EndpointHttp>(), handler);
}
