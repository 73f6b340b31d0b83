using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;

namespace RagCluster.CheckerKit;

/// <summary>How the event of an operation is known again in the log.</summary>
public static class Markers
{
    /// <summary>Null for events that no client asked for.</summary>
    public static string? Of(object @event) => @event switch
    {
        QuestionAsked e => Asked(e.Question.Value),
        AnswerCancelled e => Cancelled(e.Question.Value),
        FeedbackGiven { Comment: { } comment } => Feedback(comment),
        ConversationRenamed e => Renamed(e.Title),
        DocumentReceived e => Received(e.Content.Value),
        AccessChanged e => Access(e.By.Value),
        RemovalRequested e => Removal(e.By.Value),
        _ => null,
    };

    public static string Asked(string question) => "asked " + question;

    public static string Cancelled(string question) => "cancelled " + question;

    public static string Feedback(string comment) => "feedback " + comment;

    public static string Renamed(string title) => "renamed " + title;

    public static string Received(string blob) => "received " + blob;

    /// <summary>Whoever changes access does so under a name that is used once.</summary>
    public static string Access(string user) => "access " + user;

    public static string Removal(string user) => "removal " + user;
}
