using System.Globalization;
using System.Text;
using Microsoft.Extensions.AI;
using RagCluster.Messages;

namespace RagCluster.Inference.Prompting;

/// <summary>
/// Writes a grounded prompt for a language model in the words of its template. Retrieved text is data: it stands between
/// fences that it cannot close (see <see cref="Fence"/>), and the rules say that instructions in it are void. The fences
/// are written here and not in the template, so that no template can lose them.
/// </summary>
internal static class PromptWriter
{
    public static IList<ChatMessage> Write(GroundedPrompt prompt)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [PromptTemplate.Abstention] = GroundedPrompt.Abstention,
            [PromptTemplate.Passages] = Passages(prompt.Passages),
            [PromptTemplate.Question] = Fence.Out(prompt.Question),
        };
        var messages = new List<ChatMessage> { new(ChatRole.System, PromptTemplate.Fill(prompt.Template.System, values)) };
        foreach (var turn in prompt.History)
        {
            messages.Add(new ChatMessage(ChatRole.User, Fence.Out(turn.Question)));
            messages.Add(new ChatMessage(ChatRole.Assistant, Fence.Out(turn.Answer)));
        }

        messages.Add(new ChatMessage(ChatRole.User, [new TextContent(PromptTemplate.Fill(prompt.Template.User, values)), new GroundedContent(prompt)]));
        return messages;
    }

    /// <summary>One passage as it stands in a prompt.</summary>
    public static string Fenced(Passage passage, int number)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Fence.Open}passage {number}");
        if (passage.Title.Length > 0)
        {
            text.Append(" | ").Append(Fence.OutOfLine(passage.Title));
        }

        if (passage.Headings.Count > 0)
        {
            text.Append(" | ").AppendJoin(" > ", passage.Headings.Select(h => Fence.OutOfLine(h).Trim('>', ' ')));
        }

        return text.Append('\n').Append(Fence.Out(passage.Text)).Append(CultureInfo.InvariantCulture, $"\nend of passage {number}{Fence.Close}").ToString();
    }

    private static string Passages(IReadOnlyList<Passage> passages) =>
        passages.Count == 0 ? "There are no passages." : string.Join("\n\n", passages.Select((passage, i) => Fenced(passage, i + 1)));
}
