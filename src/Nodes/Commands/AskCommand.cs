using System.CommandLine;
using System.Text.Json;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Nodes.Gateway;

namespace RagCluster.Nodes.Commands;

/// <summary>ragcluster ask: one question, its answer, its sources.</summary>
internal static class AskCommand
{
    public static Command Create(CommonOptions common)
    {
        var text = new Argument<string?>("question") { Description = "The question; read from standard input if left out or \"-\".", Arity = ArgumentArity.ZeroOrOne };
        CommonOptions.RefuseOptions(text);
        var conversation = new Option<string?>("--conversation") { Description = "Ask within this conversation, so that earlier questions are understood.", HelpName = "ID" };
        var command = new Command("ask", "Asks a question and prints the answer with its sources.") { text, conversation };
        command.SetAction(async (result, cancellationToken) =>
        {
            var question = result.GetValue(text);
            if (question is null or "-")
            {
                question = (await Console.In.ReadToEndAsync(cancellationToken)).Trim();
            }

            if (question.Length == 0)
            {
                throw new CommandException("There is no question. Give it as an argument: ragcluster ask \"How long is the free-look period?\"", ExitCodes.Usage);
            }

            await using var node = await common.ConnectAsync(result, cancellationToken);
            var id = ConversationId.Of(result.GetValue(conversation) ?? Guid.CreateVersion7().ToString("N"));
            var answer = await node.Client.AskAsync(id, QuestionId.Of(Guid.CreateVersion7().ToString("N")), question, cancellationToken);
            if (result.GetValue(common.Json))
            {
                Console.Out.WriteLine(JsonSerializer.Serialize(answer, GatewayJson.Default.AnswerBody));
            }
            else
            {
                AnswerText.Write(Console.Out, answer.Answer);
            }

            return answer.Answer.Status == TurnStatus.Completed ? ExitCodes.Success : ExitCodes.Failure;
        });
        return command;
    }
}
