using System.CommandLine;
using RagCluster.Messages;
using RagCluster.Nodes.Client;
using RagCluster.Nodes.Gateway.Chat;

namespace RagCluster.Nodes.Commands;

/// <summary>ragcluster chat: a conversation in the terminal; piped input asks one question a line.</summary>
internal static class ChatCommand
{
    public static Command Create(CommonOptions common)
    {
        var conversation = new Option<string?>("--conversation") { Description = "Go on with this conversation.", HelpName = "ID" };
        var command = new Command("chat", "Talks with the documents: one question a line, an empty line or Ctrl-D ends.") { conversation };
        command.SetAction(async (result, cancellationToken) =>
        {
            var node = await common.ConnectAsync(result, cancellationToken);
            var isFirst = true;
            await using var chat = new ResumingChat(async token =>
            {
                if (!isFirst && !node.IsOwn)
                {
                    // It has gone away; of a cluster's nodes another one may be there.
                    await node.DisposeAsync();
                    node = await common.ConnectAsync(result, token);
                }

                isFirst = false;
                return await ChatConnection.OpenAsync(node.Client, token);
            });
            try
            {
                return await TalkAsync(chat, result.GetValue(conversation), result.GetValue(common.Json), cancellationToken);
            }
            finally
            {
                await node.DisposeAsync();
            }
        });
        return command;
    }

    private static async Task<int> TalkAsync(ResumingChat chat, string? conversation, bool json, CancellationToken cancellationToken)
    {
        await chat.ConnectAsync(cancellationToken);
        var id = ConversationId.Of(conversation ?? Guid.CreateVersion7().ToString("N"));
        var interactive = !Console.IsInputRedirected && !json;
        if (interactive)
        {
            Console.Error.WriteLine($"Conversation {id}. Ask; an empty line ends.");
        }

        var failed = false;
        while (true)
        {
            if (interactive)
            {
                Console.Error.Write("> ");
            }

            var line = await Console.In.ReadLineAsync(cancellationToken);
            if (line is null || (interactive && string.IsNullOrWhiteSpace(line)))
            {
                return failed ? ExitCodes.Failure : ExitCodes.Success;
            }

            if (!string.IsNullOrWhiteSpace(line))
            {
                failed |= !await AskAsync(chat, id, line, json, cancellationToken);
            }
        }
    }

    private static async Task<bool> AskAsync(ResumingChat chat, ConversationId conversation, string text, bool json, CancellationToken cancellationToken)
    {
        var question = QuestionId.Of(Guid.CreateVersion7().ToString("N"));
        var (shown, partial) = ("", false);
        await foreach (var frame in chat.AskAsync(question, conversation, text, cancellationToken))
        {
            if (json && frame is not HeartbeatFrame)
            {
                Console.Out.WriteLine(ChatConnection.ToJson(frame));
            }

            switch (frame)
            {
                case DeltaFrame f when f.Id == question && !json:
                    shown += f.Text;
                    Console.Out.Write(f.Text);
                    break;
                case SourcesFrame f when f.Id == question:
                    partial = f.Partial;
                    break;
                case RestartedFrame f when f.Id == question && !json:
                    shown = "";
                    Console.Out.WriteLine();
                    Console.Out.WriteLine("(The node that was answering is gone; the answer starts over.)");
                    break;
                case CompletedFrame f when f.Id == question:
                    if (!json)
                    {
                        Console.Out.WriteLine(shown.Trim() == f.Text.Trim() ? "" : (shown.Length > 0 ? Environment.NewLine : "") + f.Text);
                        AnswerText.WriteUnsupported(Console.Out, f.Text, f.Unsupported ?? []);
                        AnswerText.WriteSources(Console.Out, f.Citations);
                        if (partial)
                        {
                            AnswerText.WritePartial(Console.Out);
                        }

                        Console.Out.WriteLine();
                    }

                    return true;
                case FailedFrame f when f.Id == question:
                    Console.Error.WriteLine($"The answer failed: {f.Detail}");
                    return false;
                case CancelledFrame f when f.Id == question:
                    Console.Error.WriteLine("Cancelled.");
                    return false;
                case ErrorFrame f:
                    Console.Error.WriteLine(f.Detail);
                    return false;
            }
        }

        throw new System.Diagnostics.UnreachableException("A chat goes on until its question has ended.");
    }
}
