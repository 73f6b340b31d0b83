using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;
using RagCluster.Inference.Answering;
using RagCluster.Inference.Prompting;

namespace RagCluster.Inference.Embedded;

/// <summary>
/// A chat client that is no language model: it answers a <see cref="GroundedPrompt"/> by quoting the sentences of its
/// passages that answer, each with its marker, and says <see cref="GroundedPrompt.Abstention"/> when none does. It
/// streams one sentence at a time. Stateless, deterministic and safe for concurrent use.
/// </summary>
public sealed partial class EmbeddedChatClient : IChatClient
{
    public const string ModelId = "embedded-extract-v1";

    private static readonly ChatClientMetadata s_metadata = new("embedded", null, ModelId);

    private readonly ExtractiveAnswerer _answerer = new(new AnswererWeights());

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, string.Concat(Pieces(messages))))
        {
            ModelId = ModelId,
            FinishReason = ChatFinishReason.Stop,
        });
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await Task.CompletedTask;
        foreach (var piece in Pieces(messages))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return new ChatResponseUpdate(ChatRole.Assistant, piece) { ModelId = ModelId };
        }

        yield return new ChatResponseUpdate(ChatRole.Assistant, (string?)null) { ModelId = ModelId, FinishReason = ChatFinishReason.Stop };
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(ChatClientMetadata) ? s_metadata
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose()
    {
    }

    private List<string> Pieces(IEnumerable<ChatMessage> messages)
    {
        var prompt = GroundedPrompt.In(messages) ?? throw new ArgumentException(
            $"The embedded answerer answers from passages only: send the messages of a {nameof(GroundedPrompt)}, or configure a language model.",
            nameof(messages));
        var sentences = _answerer.Answer(prompt).Sentences;
        if (sentences.Count == 0)
        {
            return [GroundedPrompt.Abstention];
        }

        var pieces = new List<string>(sentences.Count);
        var list = sentences.Count(s => s.IsListItem) > 1;
        foreach (var sentence in sentences)
        {
            var separator = pieces.Count == 0 ? "" : sentence.IsRow || (list && sentence.IsListItem) ? "\n" : " ";
            var mark = list && sentence.IsListItem ? "- " : "";
            pieces.Add($"{separator}{mark}{WithoutMarkers(sentence.Text)} [{sentence.N}]");
        }

        return pieces;
    }

    /// <summary>A document's own "[12]" must not be taken for a citation: it becomes "(12)".</summary>
    private static string WithoutMarkers(string text) =>
        text.Contains('[', StringComparison.Ordinal) ? CitationMarkers().Replace(text, "($1)") : text;

    [GeneratedRegex(@"\[\s*([\d,\s]+)\]", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex CitationMarkers();
}
