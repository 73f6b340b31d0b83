using RagCluster.Kernel.Entities;

namespace RagCluster.Actors.Tests;

internal static class Decisions
{
    /// <summary>The decision changes nothing and replies with a <typeparamref name="T"/>.</summary>
    public static T ShouldBeNothing<T>(this Decision<Messages.Conversations.ConversationEvent, Messages.Conversations.ConversationReply> decision)
        where T : Messages.Conversations.ConversationReply
    {
        decision.Events.ShouldBeEmpty();
        return decision.Reply.ShouldBeOfType<T>();
    }

    public static T ShouldBeNothing<T>(this Decision<Messages.Documents.DocumentEvent, Messages.Documents.DocumentReply> decision)
        where T : Messages.Documents.DocumentReply
    {
        decision.Events.ShouldBeEmpty();
        return decision.Reply.ShouldBeOfType<T>();
    }
}
