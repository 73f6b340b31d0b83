using Microsoft.Extensions.AI;
using RagCluster.Inference.Embedded;
using RagCluster.Inference.Prompting;

namespace RagCluster.Inference.Tests.Embedded;

public class EmbeddedChatClientTests
{
    private readonly EmbeddedChatClient _client = new();

    [Fact]
    public async Task The_sentence_that_answers_is_quoted_and_cited()
    {
        var answer = await Ask(
            "How long is the free-look period?",
            "Premiums are due monthly. A grace period applies.",
            "You may return the policy for any reason. The free-look period is 30 days from delivery. After it, surrender charges apply.");
        answer.ShouldStartWith("The free-look period is 30 days from delivery. [2]");
    }

    [Fact]
    public async Task A_question_that_the_passages_do_not_answer_is_said_to_be_so()
    {
        var answer = await Ask("What is the capital of Mongolia?", "Premiums are due monthly.", "The free-look period is 30 days.");
        answer.ShouldBe(GroundedPrompt.Abstention);
        (await Ask("How long is the free-look period?")).ShouldBe(GroundedPrompt.Abstention);
    }

    [Fact]
    public async Task A_row_of_a_table_is_answered_with_its_headers()
    {
        var answer = await Ask(
            "What is the surrender charge in policy year 3?",
            "## Surrender charges\n\n| Policy year | Surrender charge |\n|---|---|\n| 1 | 9% |\n| 2 | 8% |\n| 3 | 7% |\n");
        answer.ShouldStartWith("Policy year: 3; Surrender charge: 7%. [1]");
    }

    [Fact]
    public async Task A_list_is_answered_as_a_list()
    {
        var answer = await Ask(
            "Which documents are required for a death claim?",
            "For a death claim these documents are required:\n\n- the claim form\n- a certified death certificate\n- the original policy\n\nPayment follows.");
        answer.ShouldContain("- the claim form [1]");
        answer.ShouldContain("- a certified death certificate [1]");
        answer.ShouldContain("- the original policy [1]");
        answer.ShouldNotContain("Payment follows");
    }

    [Fact]
    public async Task A_document_cannot_forge_a_marker()
    {
        var answer = await Ask("How long is the waiting period?", "The waiting period is 90 days [7].");
        answer.ShouldBe("The waiting period is 90 days (7). [1]");
    }

    [Fact]
    public async Task What_is_streamed_is_what_is_answered()
    {
        var prompt = new GroundedPrompt("How long is the waiting period?", Passages.Of("The waiting period is 90 days. The waiting period for accidents is one day."));
        var whole = await _client.GetResponseAsync(prompt.ToMessages(), cancellationToken: TestContext.Current.CancellationToken);
        var streamed = new List<ChatResponseUpdate>();
        await foreach (var update in _client.GetStreamingResponseAsync(prompt.ToMessages(), cancellationToken: TestContext.Current.CancellationToken))
        {
            streamed.Add(update);
        }

        string.Concat(streamed.Select(u => u.Text)).ShouldBe(whole.Text);
        streamed[^1].FinishReason.ShouldBe(ChatFinishReason.Stop);
        whole.ModelId.ShouldBe(EmbeddedChatClient.ModelId);
    }

    [Fact]
    public async Task Messages_without_a_prompt_are_refused() =>
        await Should.ThrowAsync<ArgumentException>(async () => await _client.GetResponseAsync(
            [new ChatMessage(ChatRole.User, "Hello")],
            cancellationToken: TestContext.Current.CancellationToken));

    private async Task<string> Ask(string question, params string[] passages)
    {
        var prompt = new GroundedPrompt(question, Passages.Of(passages));
        return (await _client.GetResponseAsync(prompt.ToMessages(), cancellationToken: TestContext.Current.CancellationToken)).Text;
    }
}
