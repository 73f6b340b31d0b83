using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Inference.Embedded;
using RagCluster.Inference.Prompting;

namespace RagCluster.Inference.QueryRewriting;

/// <summary>
/// Rewrites a question so that it stands without the conversation before it. By rules (deterministic, see
/// <see cref="Rewrite"/>), or by a language model where there is one; if that fails or answers something that is no
/// question, the rules' result counts.
/// </summary>
public sealed partial class QuestionRewriter(IChatClient? model = null, ILogger<QuestionRewriter>? logger = null, PromptTemplate? template = null)
{
    /// <summary>Questions are cut here: what is longer is no question, and searching for it costs others.</summary>
    public const int MaxLength = 2000;

    private const int MaxTurns = 6;
    private const int MaxTurnLength = 1000;

    private readonly IChatClient? _model = model?.GetService(typeof(EmbeddedChatClient)) is null ? model : null;
    private readonly PromptTemplate _template = template ?? PromptTemplates.BuiltIn.Rewrite;
    private readonly ILogger _logger = logger ?? (ILogger)NullLogger.Instance;

    /// <summary>By rules. The same input gives the same question.</summary>
    public static string Rewrite(string question, IReadOnlyList<PastTurn> history) =>
        Cut(FollowUp.Resolve(Cut(question, MaxLength), [.. history.TakeLast(MaxTurns).Select(t => t with { Question = Cut(t.Question, MaxLength) })]), MaxLength);

    /// <exception cref="OperationCanceledException">It was cancelled; failures of the model do not surface.</exception>
    public async Task<string> RewriteAsync(string question, IReadOnlyList<PastTurn> history, CancellationToken cancellation)
    {
        var byRules = Rewrite(question, history);
        if (_model is null || history.Count == 0)
        {
            return byRules;
        }

        var messages = new List<ChatMessage> { new(ChatRole.System, _template.System) };
        foreach (var turn in history.TakeLast(MaxTurns))
        {
            messages.Add(new ChatMessage(ChatRole.User, Cut(turn.Question, MaxTurnLength)));
            messages.Add(new ChatMessage(ChatRole.Assistant, Cut(turn.Answer, MaxTurnLength)));
        }

        messages.Add(new ChatMessage(
            ChatRole.User,
            PromptTemplate.Fill(_template.User, new Dictionary<string, string> { [PromptTemplate.Question] = Fence.Out(Cut(question, MaxLength)) })));
        try
        {
            var response = await _model.GetResponseAsync(messages, new ChatOptions { Temperature = 0, MaxOutputTokens = 200 }, cancellation);
            var rewritten = response.Text.Trim().Trim('"');
            return rewritten.Length is > 0 and <= MaxLength && !rewritten.Contains('\n', StringComparison.Ordinal) && response.FinishReason != ChatFinishReason.Length
                ? rewritten
                : byRules;
        }
        catch (InferenceException e)
        {
            LogRewriteFailed(_logger, e.Code, e);
            return byRules;
        }
    }

    private static string Cut(string text, int length) =>
        text.Length <= length ? text : text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];

    [LoggerMessage(5101, LogLevel.Warning, "The model could not rewrite a question ({Code}); the rules' rewriting is used")]
    private static partial void LogRewriteFailed(ILogger logger, InferenceErrorCode code, Exception exception);
}
