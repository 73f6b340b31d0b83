using Microsoft.Extensions.AI;
using RagCluster.Messages;

namespace RagCluster.Inference.Prompting;

/// <summary>A question of the same conversation that was answered before.</summary>
public sealed record PastTurn(string Question, string Answer);

/// <summary>
/// A question with the passages that its answer may draw on. Passage n, in prompts and in markers such as "[1]", is
/// <c>Passages[n - 1]</c>.
/// </summary>
/// <param name="Question">Stands without the history (see QuestionRewriter).</param>
/// <param name="Passages">Best first. Whoever asks may read them all: what is here can be shown.</param>
public sealed record GroundedPrompt(string Question, IReadOnlyList<Passage> Passages)
{
    /// <summary>What an answer says when the passages do not hold one.</summary>
    public const string Abstention = "The documents do not answer this question.";

    /// <summary>Earlier turns, oldest first; they help to understand the question and are no source.</summary>
    public IReadOnlyList<PastTurn> History { get; init; } = [];

    /// <summary>The words that it is put in.</summary>
    public PromptTemplate Template { get; init; } = PromptTemplates.BuiltIn.Answer;

    /// <summary>
    /// The prompt as messages for any chat client: language models read the text; the embedded answerer reads the
    /// prompt itself, carried by the last message as <see cref="GroundedContent"/>.
    /// </summary>
    public IList<ChatMessage> ToMessages() => PromptWriter.Write(this);

    /// <summary>The prompt that <paramref name="messages"/> carry, or null.</summary>
    public static GroundedPrompt? In(IEnumerable<ChatMessage> messages)
    {
        GroundedPrompt? prompt = null;
        foreach (var message in messages)
        {
            foreach (var content in message.Contents)
            {
                prompt = content is GroundedContent grounded ? grounded.Prompt : prompt;
            }
        }

        return prompt;
    }
}

/// <summary>Carries a prompt in its structure beside its text. It is no text: language model endpoints never send it.</summary>
public sealed class GroundedContent(GroundedPrompt prompt) : AIContent
{
    public GroundedPrompt Prompt { get; } = prompt;
}
